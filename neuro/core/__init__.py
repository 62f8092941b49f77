"""The engine's kernels over plain arrays; knows no model and no file."""

from neuro.core.connectivity import Connectivity as Connectivity
from neuro.core.connectivity import Csr as Csr
from neuro.core.connectivity import Rows as Rows
from neuro.core.conv import Conv as Conv

__all__ = ["Connectivity", "Conv", "Csr", "Rows"]
