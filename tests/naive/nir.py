"""Slow, obvious interpreter of a flat NIR graph, one step and one node at a time."""

import numpy as np

STATEFUL = ("Input", "LIF", "IF", "LI", "I", "CubaLIF", "CubaLI", "Threshold")


def kind(node):
    return type(node).__name__


def conv(x, w, bias, stride, padding, dilation, groups):
    """Cross-correlation by explicit loops; x (C, *space)."""
    rank = w.ndim - 2

    def pair(v):
        return [v] * rank if np.ndim(v) == 0 else list(v)

    stride, dilation = pair(stride), pair(dilation)
    if padding == "same":
        low = [d * (k - 1) // 2 for d, k in zip(dilation, w.shape[2:], strict=False)]
        high = [
            d * (k - 1) - p for d, k, p in zip(dilation, w.shape[2:], low, strict=False)
        ]
    else:
        low = high = [0] * rank if padding == "valid" else pair(padding)
    x = np.pad(x, [(0, 0), *zip(low, high, strict=False)])
    size = [
        (s - d * (k - 1) - 1) // st + 1
        for s, d, k, st in zip(x.shape[1:], dilation, w.shape[2:], stride, strict=False)
    ]
    out = np.zeros((w.shape[0], *size))
    per_out, per_in = w.shape[0] // groups, w.shape[1]
    for o in range(w.shape[0]):
        for at in np.ndindex(*size):
            total = 0.0
            for i in range(per_in):
                for tap in np.ndindex(*w.shape[2:]):
                    place = tuple(
                        a * s + t * d
                        for a, s, t, d in zip(at, stride, tap, dilation, strict=False)
                    )
                    total += w[(o, i, *tap)] * x[(o // per_out * per_in + i, *place)]
            out[(o, *at)] = total + (0.0 if bias is None else bias[o])
    return out


def pool(x, node):
    k, s, p = node.kernel_size, node.stride, node.padding
    x = np.pad(x, [(0, 0), (p[0], p[0]), (p[1], p[1])])
    h, w = (x.shape[1] - k[0]) // s[0] + 1, (x.shape[2] - k[1]) // s[1] + 1
    out = np.zeros((x.shape[0], h, w))
    for c, i, j in np.ndindex(*out.shape):
        part = x[c, i * s[0] : i * s[0] + k[0], j * s[1] : j * s[1] + k[1]]
        out[c, i, j] = part.sum() if kind(node) == "SumPool2d" else part.mean()
    return out


def apply(node, x):
    """One linear node on one value."""
    name = kind(node)
    if name in ("Affine", "Linear"):
        y = np.einsum("...oi,...i->...o", node.weight, x)
        return y + node.bias if name == "Affine" else y
    if name in ("Conv1d", "Conv2d"):
        return conv(
            x,
            node.weight,
            node.bias,
            node.stride,
            node.padding,
            node.dilation,
            node.groups,
        )
    if name in ("SumPool2d", "AvgPool2d"):
        return pool(x, node)
    if name == "Flatten":
        return x.ravel()
    if name == "Scale":
        return x * node.scale
    if name == "Output":
        return x
    raise NotImplementedError(name)


def arriving(graph, values, target):
    """Value that arrives at `target` when the stateful nodes show `values`."""
    total = 0.0
    for a, b in graph.edges:
        if b != target:
            continue
        node = graph.nodes[a]
        if kind(node) in STATEFUL:
            total = total + values[a]
        else:
            total = total + apply(node, arriving(graph, values, a))
    return total


class Cell:
    """Euler step of one stateful node."""

    def __init__(self, node, dt, semantics):
        self.node, self.dt, self.semantics = node, dt, semantics
        shape = np.shape(getattr(node, "v_leak", getattr(node, "r", 0.0)))
        self.v = np.zeros(shape) + getattr(node, "v_leak", 0.0)
        self.i = np.zeros(shape)

    def step(self, s):
        n, dt, name = self.node, self.dt, kind(self.node)
        if name == "Threshold":
            return (s > n.threshold).astype(float)
        norse = self.semantics == "norse"
        r = 1.0 if norse and name in ("LIF", "IF") else n.r
        if name.startswith("Cuba"):
            leak = n.v_leak if norse else 0.0
            self.i = self.i + dt / n.tau_syn * (leak - self.i + n.w_in * s)
            self.v = self.v + dt / n.tau_mem * (n.v_leak - self.v + r * self.i)
        elif name in ("LIF", "LI"):
            self.v = self.v + dt / n.tau * (n.v_leak - self.v + r * s)
        else:
            self.v = self.v + (s if norse and name == "IF" else dt * r * s)
        if name in ("LI", "I", "CubaLI"):
            return self.v
        z = (self.v > n.v_threshold).astype(float)
        reset = n.v_reset if self.semantics == "euler" else 0.0
        self.v = np.where(z > 0, reset, self.v)
        return z


def run(graph, x, dt, semantics, order, cyclic):
    """Step the graph; x: {input: (steps, ...)}; returns values of stateful nodes."""
    cells = {
        k: Cell(graph.nodes[k], dt, semantics)
        for k in order
        if kind(graph.nodes[k]) != "Input"
    }
    steps = len(next(iter(x.values())))
    out = {k: [] for k in order}
    previous = {}
    for step in range(steps):
        now = {}
        for b in order:
            if kind(graph.nodes[b]) == "Input":
                now[b] = x[b][step]
                continue
            values = {}
            for a in order:
                z = previous.get(a) if (a, b) in cyclic else now.get(a)
                shape = np.shape(x[a][0]) if a in x else np.shape(cells[a].v)
                values[a] = np.zeros(shape) if z is None else z
            now[b] = cells[b].step(np.asarray(arriving(graph, values, b)))
        for k, v in now.items():
            out[k].append(v)
        previous = now
    return {k: np.array(v) for k, v in out.items()}
