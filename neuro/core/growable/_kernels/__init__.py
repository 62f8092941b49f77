"""Kernels of the growable layout: words, lists, segments, learning, counting."""

from neuro.core.growable._kernels.counting import (
    clear_counts as clear_counts,
)
from neuro.core.growable._kernels.counting import (
    count_few as count_few,
)
from neuro.core.growable._kernels.counting import (
    count_many as count_many,
)
from neuro.core.growable._kernels.counting import (
    deliver as deliver,
)
from neuro.core.growable._kernels.counting import (
    hits_of as hits_of,
)
from neuro.core.growable._kernels.counting import (
    visits_of as visits_of,
)
from neuro.core.growable._kernels.layout import *  # noqa: F403
from neuro.core.growable._kernels.learning import (
    adapt as adapt,
)
from neuro.core.growable._kernels.learning import (
    drop_weakest as drop_weakest,
)
from neuro.core.growable._kernels.segments import (
    append_synapses as append_synapses,
)
from neuro.core.growable._kernels.segments import (
    create_segment as create_segment,
)
from neuro.core.growable._kernels.segments import (
    destroy_segment as destroy_segment,
)
from neuro.core.growable._kernels.segments import (
    reserve_slots as reserve_slots,
)
