"""One ledger of operations for every model; no joules here (see ``hw.energy``)."""

from neuro.counts.activity import ActivityError as ActivityError
from neuro.counts.activity import CountWarning as CountWarning
from neuro.counts.activity import read_activity as read_activity
from neuro.counts.architecture import read_architecture as read_architecture
from neuro.counts.count import count as count
from neuro.counts.count import rate_everywhere as rate_everywhere
from neuro.counts.count import spec_of as spec_of
from neuro.counts.layers import LayerSpec as LayerSpec
from neuro.counts.ledger import OPS as OPS
from neuro.counts.ledger import LayerInfo as LayerInfo
from neuro.counts.ledger import OpCounts as OpCounts
from neuro.counts.netspec import NetSpec as NetSpec
from neuro.counts.recorder import record as record
from neuro.counts.saved import holds_ledger as holds_ledger
from neuro.counts.saved import load_ledger as load_ledger
from neuro.counts.saved import save_ledger as save_ledger

__all__ = [
    "OPS",
    "ActivityError",
    "CountWarning",
    "LayerInfo",
    "LayerSpec",
    "NetSpec",
    "OpCounts",
    "count",
    "holds_ledger",
    "load_ledger",
    "rate_everywhere",
    "read_activity",
    "read_architecture",
    "record",
    "save_ledger",
    "spec_of",
]
