"""Compiled code selection and learning of the macs of one level.

One concept a module: the arrays that kernels share (``arrays``), from afferents to
support (``support``), from support to a winner (``choice``), the learning law
(``learning``), a step of a mac (``step``), label weights (``labels``) and the thinning
of images (``thinning``).
"""

from neuro.sparsey._kernels.arrays import GENERAL as GENERAL
from neuro.sparsey._kernels.arrays import JAVA as JAVA
from neuro.sparsey._kernels.arrays import LOGISTIC as LOGISTIC
from neuro.sparsey._kernels.arrays import Given as Given
from neuro.sparsey._kernels.arrays import Output as Output
from neuro.sparsey._kernels.arrays import Rule as Rule
from neuro.sparsey._kernels.arrays import Shape as Shape
from neuro.sparsey._kernels.arrays import State as State
from neuro.sparsey._kernels.labels import label_counts as label_counts
from neuro.sparsey._kernels.labels import label_sums as label_sums
from neuro.sparsey._kernels.step import run_macs as run_macs
from neuro.sparsey._kernels.thinning import thin as thin
