"""Plain-loop run of an exported network: the slow, obvious form."""

import numpy as np

from neuro.grad.engine import discrete_step
from neuro.network.checks import parameter_rows


def reference_run(net, frames):
    """Run a feed-forward or recurrent export with plain loops: the slow, obvious form.

    Parameters
    ----------
    net : Network
        Made by :func:`to_engine`.
    frames : ndarray, shape (n_samples, n_steps, n)
        Binary frames.

    Returns
    -------
    dict of str to ndarray of uint8, shape (n_samples, n_steps, n)
        Spikes of every population.
    """
    names = list(net.populations)
    out = {
        k: np.zeros((*frames.shape[:2], net.populations[k].n), np.uint8) for k in names
    }
    for s in range(len(frames)):
        state = {k: np.zeros((1, net.populations[k].n)) for k in names}
        for n in range(frames.shape[1]):
            now = {"frames": frames[s, n]}
            for name in names:
                pop = net.populations[name]
                arrive = np.zeros((1, pop.n))
                for p in net.projections:
                    if p.post != name:
                        continue
                    last = out[p.pre][s, n - 1] if n and p.delay else None
                    source = now[p.pre] if not p.delay else last
                    if source is not None:
                        active = np.flatnonzero(source).astype(np.int32)
                        p.rule.deliver(active, arrive[0])
                spiked = np.zeros(pop.n, np.uint8)
                rows = np.ascontiguousarray(
                    np.broadcast_to(parameter_rows(pop, 1.0, "nest"), (5, pop.n))
                )
                discrete_step.py_func(rows, state[name], arrive, spiked, 1.0)
                out[name][s, n] = now[name] = spiked
    return out
