"""The engine's kernels over plain arrays; knows no model and no file."""

from neuro.core.binary_rows import BinaryRows as BinaryRows
from neuro.core.connectivity import Connectivity as Connectivity
from neuro.core.connectivity import Csr as Csr
from neuro.core.connectivity import Rows as Rows
from neuro.core.conv import Conv as Conv
from neuro.core.growable import Growable as Growable

__all__ = ["BinaryRows", "Connectivity", "Conv", "Csr", "Growable", "Rows"]
