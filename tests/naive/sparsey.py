"""Slow, obvious code selection and learning of one mac, step by step.

Weights are a set of (signal, feature, module, unit); features are any hashable names.
"""

import math


def hash32(x):
    mask = 0xFFFFFFFF
    x = ((x ^ (x >> 17)) * 0xED5AD4BB) & mask
    x = ((x ^ (x >> 11)) * 0xAC4C1B51) & mask
    x = ((x ^ (x >> 15)) * 0x31848BAB) & mask
    return x ^ (x >> 14)


def uniform(key, step, index):
    mask = 0xFFFFFFFF
    x = hash32((step & mask) ^ key[0])
    x = hash32((step >> 32) ^ x)
    x = hash32((x + key[1] + index) & mask)
    return (hash32(x ^ key[1]) + 0.5) / 2**32


def row_sum(w, active):
    """Sum over active rows of w[pre][post]."""
    return [sum(w[j][i] for j in active) for i in range(len(w[0]))]


class NaiveMac:
    def __init__(
        self, q, k, rule, *, index=0, key=(0, 0), freeze=math.inf, n_synapses=1
    ):
        self.q, self.k, self.rule, self.index, self.key = q, k, rule, index, key
        self.freeze, self.n_synapses = freeze, n_synapses
        self.w, self.frozen = set(), False

    def signal(self, kind, features, cm, unit):
        """Normalised sum: share of the features with a set weight.

        A feature of H is (own module or None, name); the own module is not heard.
        """
        heard = [f for f in features if kind != "H" or f[0] is None or f[0] != cm]
        if kind == "H":
            total = len(features) - (
                1 if any(f[0] is not None for f in features) else 0
            )
        else:
            total = len(features)
        n = sum((kind, f, cm, unit) in self.w for f in heard)
        x = min(1.0, n / total)
        if x < self.rule.min_cutoff:
            return self.rule.min_cutoff
        return 1.0 if x > self.rule.max_cutoff else x

    def support(self, signals):
        """V[q][k]: product of the normalised signals to their exponents."""
        r = self.rule
        exponents = {"U": r.lambda_u, "H": r.lambda_h, "D": r.lambda_d}
        if set(signals) == {"U"}:
            exponents["U"] = r.lambda_u0
        v = []
        for cm in range(self.q):
            row = []
            for unit in range(self.k):
                x = 1.0
                for kind in "UHD":
                    if kind in signals:
                        x *= (
                            self.signal(kind, signals[kind], cm, unit)
                            ** exponents[kind]
                        )
                row.append(x)
            v.append(row)
        return v

    def psi(self, v, eta):
        """Sigmoid in units of 2**-20, as the project defines draws."""
        return int(float(self.rule.sigmoid(v, eta)) * 2**20 + 0.5)

    def step(self, signals, step, *, learn=False, soft=None):
        """signals: {"U": features, "H": ..., "D": ...}, only what is present."""
        v = self.support(signals)
        g = sum(max(row) for row in v) / self.q
        eta = self.rule.expansivity(g, self.k)
        code = []
        for cm, row in enumerate(v):
            draw = uniform(self.key, step, self.index * self.q + cm)
            if (learn if soft is None else soft) and not self.frozen:
                psi = [self.psi(x, eta) for x in row]
                target = math.floor(draw * sum(psi))
                unit = 0
                while target >= psi[unit]:
                    target -= psi[unit]
                    unit += 1
            else:
                best = [i for i, x in enumerate(row) if x == max(row)]
                unit = best[min(int(draw * len(best)), len(best) - 1)]
            code.append(unit)
        if learn:
            self.learn(signals, code)
        return code, g

    def learn(self, signals, code):
        for kind, features in signals.items():
            if kind == "U" and self.frozen:
                continue
            for f in features:
                for cm, unit in enumerate(code):
                    if kind != "H" or f[0] is None or f[0] != cm:
                        self.w.add((kind, f, cm, unit))
        n_u = sum(1 for w in self.w if w[0] == "U")
        if n_u > self.freeze * self.n_synapses:
            self.frozen = True


def zhang_suen(image):
    """Thin one binary image, list of lists."""
    height, width = len(image), len(image[0])
    x = [list(map(int, row)) for row in image]

    def at(r, c):
        return x[r][c] if 0 <= r < height and 0 <= c < width else 0

    changed = True
    while changed:
        changed = False
        for half in (0, 1):
            remove = []
            for r in range(height):
                for c in range(width):
                    if not x[r][c]:
                        continue
                    p = [
                        at(r - 1, c),
                        at(r - 1, c + 1),
                        at(r, c + 1),
                        at(r + 1, c + 1),
                        at(r + 1, c),
                        at(r + 1, c - 1),
                        at(r, c - 1),
                        at(r - 1, c - 1),
                    ]
                    turns = sum(p[i] == 0 and p[(i + 1) % 8] == 1 for i in range(8))
                    if not (2 <= sum(p) <= 6 and turns == 1):
                        continue
                    n, e, s, w = p[0], p[2], p[4], p[6]
                    if half == 0 and n * e * s == 0 and e * s * w == 0:
                        remove.append((r, c))
                    if half == 1 and n * e * w == 0 and n * s * w == 0:
                        remove.append((r, c))
            for r, c in remove:
                x[r][c] = 0
            changed = changed or bool(remove)
    return x
