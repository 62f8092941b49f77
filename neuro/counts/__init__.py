"""One ledger of operations for every model; no joules here (see ``hw.energy``)."""

from neuro.counts.ledger import OPS as OPS
from neuro.counts.ledger import LayerInfo as LayerInfo
from neuro.counts.ledger import OpCounts as OpCounts

__all__ = ["OPS", "LayerInfo", "OpCounts"]
