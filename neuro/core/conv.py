"""Convolution by kernel scatter: synapses that are shared, not stored.

A spike at ``(c, y, x)`` adds ``w[:, c, ky, kx]`` to the target ``(y + padding - ky,
x + padding - kx) / stride`` wherever that is an integer position inside the output;
border spikes have fewer synapses and are counted so. With ``upsample`` a spike first
becomes ``upsample^2`` spikes of the nearest-neighbour enlarged map.

Units are numbered as the flattened ``(channels, height, width)`` arrays, like NIR and
torch flatten them.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.compiled import kernel
from neuro.errors import ParameterError, ShapeError

__all__ = ["Conv"]


@kernel
def _scatter(w, active, side, size, stride, padding, dilation, up, out):  # type: ignore[no-untyped-def]
    """Add kernels into `out` (positions, channels); `w` is (c_in, ky, kx, c_out)."""
    height, width = side
    rows, columns = size
    groups_out = w.shape[3]
    visited = 0
    for k in range(active.size):
        c, rest = divmod(active[k], height * width)
        y0, x0 = divmod(rest, width)
        for uy in range(up):
            y = y0 * up + uy + padding
            for ux in range(up):
                x = x0 * up + ux + padding
                for ky in range(w.shape[1]):
                    ty = y - ky * dilation
                    if ty < 0 or ty % stride != 0 or ty // stride >= rows:
                        continue
                    for kx in range(w.shape[2]):
                        tx = x - kx * dilation
                        if tx < 0 or tx % stride != 0 or tx // stride >= columns:
                            continue
                        target = out[ty // stride * columns + tx // stride]
                        row = w[c, ky, kx]
                        for o in range(groups_out):
                            target[o] += row[o]
                        visited += groups_out
    return visited


class Conv:
    """Shared synapses of a two-dimensional convolution.

    Parameters
    ----------
    weight : array_like of float, shape (c_out, c_in, k_y, k_x)
        Kernel, as torch and NIR store it.
    in_shape : tuple (c_in, height, width)
        Of the presynaptic map.
    stride, padding, dilation : int
        As in a convolution.
    upsample : int
        Nearest-neighbour enlargement of the map before the convolution.

    Attributes
    ----------
    n_pre, n_post : int
        Units.
    out_shape : tuple (c_out, height, width)
        Of the postsynaptic map.

    Examples
    --------
    >>> conv = Conv(np.ones((2, 1, 3, 3)), (1, 4, 4), padding=1)
    >>> out = np.zeros(conv.n_post)
    >>> conv.deliver(np.array([0, 5], np.int32), out)  # a corner, an inner unit
    26
    """

    def __init__(
        self,
        weight: ArrayLike,
        in_shape: tuple[int, int, int],
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        upsample: int = 1,
        dtype: Any = np.float64,
    ) -> None:
        w = np.asarray(weight, dtype)
        if w.ndim != 4 or w.shape[1] != in_shape[0]:
            raise ShapeError(
                f"Conv: expected weight (c_out, {in_shape[0]}, k_y, k_x) for in_shape "
                f"{in_shape}, got {w.shape}; grouped convolutions are given as full "
                "kernels with zeros"
            )
        for name, value, low in (
            ("stride", stride, 1),
            ("padding", padding, 0),
            ("dilation", dilation, 1),
            ("upsample", upsample, 1),
        ):
            if value < low:
                raise ParameterError(f"Conv.{name}: expected >= {low}, got {value}")
        self.in_shape = (int(in_shape[0]), int(in_shape[1]), int(in_shape[2]))
        self.stride, self.padding = int(stride), int(padding)
        self.dilation, self.upsample = int(dilation), int(upsample)
        spans = [
            n * self.upsample + 2 * padding - dilation * (k - 1) - 1
            for n, k in zip(self.in_shape[1:], w.shape[2:], strict=True)
        ]
        if min(spans) < 0:
            raise ShapeError(f"Conv: the kernel {w.shape[2:]} exceeds {in_shape[1:]}")
        self.out_shape = (w.shape[0], spans[0] // stride + 1, spans[1] // stride + 1)
        self.n_pre = int(np.prod(self.in_shape))
        self.n_post = int(np.prod(self.out_shape))
        # one row per (channel, kernel position): the kernel adds it in one sweep
        self.rows = np.ascontiguousarray(w.transpose(1, 2, 3, 0))

    @property
    def weight(self) -> NDArray[Any]:
        """The kernel, (c_out, c_in, k_y, k_x)."""
        return self.rows.transpose(3, 0, 1, 2)

    @property
    def nbytes(self) -> int:
        """Bytes of the stored kernel."""
        return int(self.rows.nbytes)

    @property
    def dense_products(self) -> int:
        """Products of one dense evaluation, those with padding included."""
        c_out, rows, columns = self.out_shape
        return int(rows * columns * self.rows[..., 0].size * c_out)

    def fan_out(self) -> NDArray[np.int64]:
        """Return the synapses of every presynaptic unit, (n_pre,)."""
        per_axis = []
        for n, k, size in zip(
            self.in_shape[1:], self.rows.shape[1:3], self.out_shape[1:], strict=True
        ):
            at = np.arange(n * self.upsample)[:, None] + self.padding
            t = at - np.arange(k) * self.dilation
            hit = (t >= 0) & (t % self.stride == 0) & (t // self.stride < size)
            per_axis.append(hit.sum(1).reshape(n, self.upsample).sum(1))
        one = np.outer(*per_axis).ravel() * self.out_shape[0]
        return np.tile(one.astype(np.int64), self.in_shape[0])

    def deliver(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Add the kernels of the active units into `out`; return the synapses visited.

        Parameters
        ----------
        active : ndarray of int32, shape (n_active,)
            Presynaptic units, in the order of the flattened map.
        out : ndarray, shape (n_post,)
            Accumulator, changed in place.
        """
        active = np.asarray(active, np.int32)
        if active.size and not (active.min() >= 0 and active.max() < self.n_pre):
            raise ParameterError(
                f"deliver: active units must be in 0..{self.n_pre - 1}, got "
                f"{active.min()}..{active.max()}"
            )
        if out.shape != (self.n_post,):
            raise ShapeError(
                f"deliver: out must have shape ({self.n_post},), got {out.shape}"
            )
        return self.scatter(active, out.reshape(self.out_shape[0], -1).T)

    def scatter(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Do the same into `out` (positions, c_out), without checks.

        A contiguous `out` (channels last) is the fast form.
        """
        return int(
            _scatter(
                self.rows,
                active,
                self.in_shape[1:],
                self.out_shape[1:],
                self.stride,
                self.padding,
                self.dilation,
                self.upsample,
                out,
            )
        )

    def unrolled(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[Any]]:
        """Return every synapse as ``(pre, post, weight)``, sorted by pre.

        For small maps: ``Csr.from_pairs(pre, post, weight, ...)``.
        """
        pre, post, weight = [], [], []
        c_out, rows, columns = self.out_shape
        _c, height, width = self.in_shape
        for ky in range(self.rows.shape[1]):
            for kx in range(self.rows.shape[2]):
                oy, ox = np.mgrid[:rows, :columns]
                y = oy * self.stride + ky * self.dilation - self.padding
                x = ox * self.stride + kx * self.dilation - self.padding
                ok = (y >= 0) & (x >= 0)
                ok &= (y < height * self.upsample) & (x < width * self.upsample)
                target = (oy * columns + ox)[ok]
                source = (y[ok] // self.upsample) * width + x[ok] // self.upsample
                for c in range(self.in_shape[0]):
                    for o in range(c_out):
                        pre.append(c * height * width + source)
                        post.append(o * rows * columns + target)
                        weight.append(np.full(source.size, self.rows[c, ky, kx, o]))
        a, b, w = (np.concatenate(v) for v in (pre, post, weight))
        order = np.lexsort((b, a))
        return a[order].astype(np.int32), b[order].astype(np.int32), w[order]
