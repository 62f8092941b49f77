"""The figures that NeuroBench tables ask for, under NeuroBench's own names.

Differences to NeuroBench 2.3: additions or products are decided per tensor over the
whole run, NeuroBench decides per call; the footprint here has weights at their stated
width and biases, NeuroBench adds buffers.
"""

from typing import Any

from neuro.counts import OpCounts

from .load import Load

__all__ = ["neurobench_block"]


def neurobench_block(counts: OpCounts) -> dict[str, Any]:
    """Return footprint, sparsities and synaptic operations per sample.

    Zero weights are skipped, biases excluded, the dense count is without padding.
    Membrane updates (all in the first step, then those that changed) are known where a
    module was counted while it ran and its neurons show their state; else None.

    Parameters
    ----------
    counts : OpCounts
        The ledger.
    """
    load = Load(counts)
    weights = sum(la.info.weights for la in load)
    biases = sum(
        _biases(la.info.kind, la.info.out_shape) for la in load if la.info.bias
    )
    bits = sum(la.info.weights * la.info.w_bits for la in load)
    known = [la for la in load if la.info.weights and la.info.nonzero >= 0]
    stored = sum(la.info.weights for la in known)
    nonzero = sum(la.info.nonzero for la in known)
    sent = units = 0.0
    for la in load:
        if la.booked("spike_out"):
            sent += float(la.get("spike_out").mean())
            units += float(la.info.neurons * la.info.steps)
    macs = acs = dense = 0.0
    changed = counts.measured("membrane_updates")
    for la in load:
        pairs = float(la.get("synop").mean())
        if la.booked("mac") and la.info.input_class == "real":
            macs += pairs
        else:
            acs += pairs
        full = la.info.synapses_valid or la.info.synapses
        dense += float(full * la.info.steps)
    return {
        "Footprint": bits // 8 + 4 * biases,
        "ParameterCount": weights + biases,
        "ConnectionSparsity": round(1 - nonzero / stored, 4) if stored else None,
        "ActivationSparsity": 1 - sent / units if units else None,
        "SynapticOperations": {
            "Effective_MACs": macs,
            "Effective_ACs": acs,
            "Dense": dense,
        },
        "MembraneUpdates": None if changed is None else changed / load.n_samples,
    }


def _biases(kind: str, shape: tuple[int, ...]) -> int:
    if not shape:
        return 0
    return shape[0] if kind.startswith("conv") else shape[-1]
