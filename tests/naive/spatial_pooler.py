"""Spatial pooler and classifier written out literally, for comparison."""

import math


def naive_winners(overlaps, rank, k):
    order = sorted(range(len(overlaps)), key=lambda c: (overlaps[c], rank[c]))
    return sorted(order[-k:])


def naive_pool(pooler, record, *, learn):
    """One record on copies of the pooler's arrays (lists); returns the winners."""
    active = set(record)
    overlaps = [
        sum(p >= pooler.edge for i, p in enumerate(row) if i in active)
        for row in pooler.permanence
    ]
    winners = naive_winners(overlaps, pooler.rank, pooler.k)
    if learn:
        for c in winners:
            for i in range(len(pooler.permanence[c])):
                if pooler.potential[c][i]:
                    p = pooler.permanence[c][i]
                    p = p + pooler.up if i in active else p - pooler.down
                    p = min(max(p, 0.0), 1.0)
                    pooler.permanence[c][i] = 0.0 if p < pooler.up / 2 else p
    return winners


class NaivePooler:
    def __init__(self, pooler):
        self.permanence = pooler.permanence.tolist()
        self.potential = pooler.potential.tolist()
        self.rank = pooler.rank.tolist()
        self.k, self.edge = pooler.active_columns, pooler.connected_permanence
        self.up, self.down = pooler.permanence_increment, pooler.permanence_decrement


class NaiveClassifier:
    def __init__(self, n_cells, n_buckets, horizon, alpha):
        self.w = [[0.0] * n_buckets for _ in range(n_cells)]
        self.horizon, self.alpha, self.past = horizon, alpha, []
        self.values = [None] * n_buckets

    def softmax(self, active):
        z = [sum(self.w[i][b] for i in active) for b in range(len(self.values))]
        e = [math.exp(v - max(z)) for v in z]
        return [v / sum(e) for v in e]

    def compute(self, active, bucket, value):
        inferred = self.softmax(active)
        held = [value if v is None else v for v in self.values]
        self.past.append(active)
        if len(self.past) > self.horizon:
            pattern = self.past[-1 - self.horizon]
            y = self.softmax(pattern)
            for i in pattern:
                for b in range(len(y)):
                    self.w[i][b] += self.alpha * ((b == bucket) - y[b])
        old = self.values[bucket]
        self.values[bucket] = value if old is None else 0.7 * old + 0.3 * value
        return inferred, held
