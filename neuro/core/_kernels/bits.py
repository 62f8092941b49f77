"""Bit-level helpers as intrinsics: hash, exponential, prefetch, atomics.

Numba widens 32-bit products to 64 bits and has neither prefetch nor atomics on the CPU;
these few functions emit the instructions directly. Each has a Python form for
interpreted runs (``NUMBA_DISABLE_JIT``).
"""

import numba as nb
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj as numba_array

from neuro.compiled import kernel

_I32, _I64, _F64 = ir.IntType(32), ir.IntType(64), ir.DoubleType()


@intrinsic
def bits_to_float(typingctx, x):
    """Reinterpret int64 as float64."""
    sig = types.float64(types.int64)

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], _F64)

    return sig, codegen


@intrinsic
def float_to_bits(typingctx, x):
    """Reinterpret float64 as int64."""
    sig = types.int64(types.float64)

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], _I64)

    return sig, codegen


@intrinsic
def fma(typingctx, a, b, c):
    """Return a * b + c of float64, rounded once: the same bits on every machine."""
    sig = types.float64(types.float64, types.float64, types.float64)

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return sig, codegen


_LOG2E = 1.4426950408889634
_LN2 = 0.6931471805599453
_LN2_HIGH = 0.6931471803691238
_LN2_LOW = 1.9082149292705877e-10
_MAGIC = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer
_MAGIC_BITS = 0x4338000000000000


@kernel
def exp_bounded(x):
    """Return exp(x) for x in -700..700 (clipped): the same bits on every machine.

    Reduction by multiples of log 2, Taylor series of degree 13 on +-0.347 (truncation
    below 2e-18 relative), scaling by bits; no call, so loops vectorise.
    """
    x = min(max(x, -700.0), 700.0)
    t = x * _LOG2E + _MAGIC
    n = t - _MAGIC
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    y = 1.0 / 6227020800.0
    y = y * r + 1.0 / 479001600.0
    y = y * r + 1.0 / 39916800.0
    y = y * r + 1.0 / 3628800.0
    y = y * r + 1.0 / 362880.0
    y = y * r + 1.0 / 40320.0
    y = y * r + 1.0 / 5040.0
    y = y * r + 1.0 / 720.0
    y = y * r + 1.0 / 120.0
    y = y * r + 1.0 / 24.0
    y = y * r + 1.0 / 6.0
    y = y * r + 0.5
    y = y * r + 1.0
    y = y * r + 1.0
    return y * bits_to_float((float_to_bits(t) - _MAGIC_BITS + 1023) << 52)


_SQRT2 = 1.4142135623730951
_MANTISSA, _ONE_BITS = 0x000FFFFFFFFFFFFF, 0x3FF0000000000000


@kernel
def log_positive(x):
    """Return log(x) of a normal number > 0: the same bits on every machine.

    The mantissa m in sqrt(1/2)..sqrt(2) by the series of 2 atanh((m - 1) / (m + 1)) up
    to degree 21 (truncation below 1e-17); no call, so loops vectorise.
    """
    bits = float_to_bits(x)
    m = bits_to_float((bits & _MANTISSA) | _ONE_BITS)
    e = bits_to_float(_MAGIC_BITS + ((bits >> 52) - 1023)) - _MAGIC
    large = m > _SQRT2
    m = 0.5 * m if large else m
    e = e + 1.0 if large else e
    f = (m - 1.0) / (m + 1.0)
    s = f * f
    y = s * (1.0 / 21.0) + 1.0 / 19.0
    y = y * s + 1.0 / 17.0
    y = y * s + 1.0 / 15.0
    y = y * s + 1.0 / 13.0
    y = y * s + 1.0 / 11.0
    y = y * s + 1.0 / 9.0
    y = y * s + 1.0 / 7.0
    y = y * s + 1.0 / 5.0
    y = y * s + 1.0 / 3.0
    return e * _LN2_HIGH + (2.0 * f + (2.0 * f * s * y + e * _LN2_LOW))


@kernel
def exp2_ratio(y):
    """Return (a, b) with a / b = 2**y for y in -1000..1000 (clipped).

    y is split into its nearest integer, which goes into the exponent of a, and a rest
    within +-0.5, for which e**x is the Pade approximant of degree (5, 5) (truncation
    below 9e-16 relative at the ends, 1e-18 within +-0.27). Two short polynomials halve
    the chain of dependent operations of one long one, and a caller that divides anyway
    saves the division. No call, so loops vectorise; the same bits on every machine.
    """
    y = min(max(y, -1000.0), 1000.0)
    t = y + _MAGIC
    x = (y - (t - _MAGIC)) * _LN2
    z = x * x
    even = fma(fma(30.0, z, 3360.0), z, 30240.0)
    odd = fma(z + 420.0, z, 15120.0) * x
    power = bits_to_float(float_to_bits(even + odd) + (float_to_bits(t) << 52))
    return power, even - odd


@intrinsic
def hash32(typingctx, index, key0, key1):
    """Three 32-bit multiply-xorshift rounds of ``index + key0``; key1 after the first.

    All arguments and the result are uint32.
    """
    sig = types.uint32(types.uint32, types.uint32, types.uint32)

    def codegen(context, builder, signature, args):
        x = builder.add(args[0], args[1])

        def round_(x, shift, factor):
            x = builder.xor(x, builder.lshr(x, ir.Constant(_I32, shift)))
            return builder.mul(x, ir.Constant(_I32, factor))

        x = round_(x, 16, 0x7FEB352D)
        x = builder.add(x, args[2])
        x = round_(x, 15, 0x846CA68B)
        x = round_(x, 16, 0x9E3779B1)
        return builder.xor(x, builder.lshr(x, ir.Constant(_I32, 16)))

    return sig, codegen


@intrinsic
def count_reached(typingctx, count, value, level):
    """Return count + (value >= level), without leaving 8 and 32 bits."""
    sig = types.uint8(types.uint8, types.uint32, types.uint32)

    def codegen(context, builder, signature, args):
        reached = builder.icmp_unsigned(">=", args[1], args[2])
        return builder.add(args[0], builder.zext(reached, ir.IntType(8)))

    return sig, codegen


def hash32_python(index, key0, key1):
    """The same in Python integers, for tests."""
    mask = 0xFFFFFFFF
    x = (int(index) + int(key0)) & mask
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & mask
    x = (x + int(key1)) & mask
    x = ((x ^ (x >> 15)) * 0x846CA68B) & mask
    x = ((x ^ (x >> 16)) * 0x9E3779B1) & mask
    return x ^ (x >> 16)


@kernel
def splitmix(x):
    """Return splitmix64's finaliser of a uint64."""
    x = x + nb.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> nb.uint64(30))) * nb.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> nb.uint64(27))) * nb.uint64(0x94D049BB133111EB)
    return x ^ (x >> nb.uint64(31))


@kernel
def step_key(stream, step):
    """Return the 64-bit key of one stream (uint64, seed included) and step."""
    return splitmix(splitmix(stream) ^ nb.uint64(step))


@intrinsic
def vector_view(typingctx, array, at, n):
    """View of ``array[at : at + n]`` that counts no references.

    Every ordinary slice costs two locked increments; the owner must outlive the view.
    """
    result = types.Array(array.dtype, 1, "C")
    sig = result(array, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        return _view(context, builder, signature, args, args[2:])

    return sig, codegen


@intrinsic
def matrix_view(typingctx, array, at, rows, columns):
    """View of ``array[at : at + rows * columns]`` as a matrix; as vector_view."""
    result = types.Array(array.dtype, 2, "C")
    sig = result(array, types.int64, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        return _view(context, builder, signature, args, args[2:])

    return sig, codegen


def _view(context, builder, signature, args, shape):
    source = context.make_array(signature.args[0])(context, builder, args[0])
    view = context.make_array(signature.return_type)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(signature.return_type.dtype))
    strides = [ir.Constant(_I64, size)]
    for n in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], n))
    data = builder.gep(source.data, [args[1]])
    numba_array.populate_array(
        view, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None
    )
    return view._getvalue()


@intrinsic
def prefetch(typingctx, array, index):
    """Prefetch the cache line of ``array[index]`` for reading."""
    sig = types.void(array, types.int64)

    def codegen(context, builder, signature, args):
        struct = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.gep(struct.data, [args[1]])
        raw = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        fn = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [ir.IntType(8).as_pointer()],
            ir.FunctionType(
                ir.VoidType(), [ir.IntType(8).as_pointer(), _I32, _I32, _I32]
            ),
        )
        builder.call(
            fn,
            [raw, ir.Constant(_I32, 0), ir.Constant(_I32, 3), ir.Constant(_I32, 1)],
        )
        return context.get_dummy_value()

    return sig, codegen


@intrinsic
def stored_weight(typingctx, stored, step, whole, ring):
    """Return a stored weight in the type of the ring's entries.

    A float is the weight itself; an integer counts steps, of `step` in a float ring, of
    `whole` ring units in an integer ring. The types decide: no test at run time.
    """
    out = ring.dtype
    sig = out(stored, step, whole, ring)

    def codegen(context, builder, signature, args):
        if not isinstance(stored, types.Integer):
            return context.cast(builder, args[0], stored, out)
        if isinstance(out, types.Integer):
            code = context.cast(builder, args[0], stored, out)
            return builder.mul(code, context.cast(builder, args[2], whole, out))
        code = context.cast(builder, args[0], stored, types.float64)
        return context.cast(builder, builder.fmul(code, args[1]), types.float64, out)

    return sig, codegen


@intrinsic
def atomic_add(typingctx, array, index, value):
    """Add to ``array[index]`` (int64) atomically; return the old value."""
    sig = types.int64(array, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        struct = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.gep(struct.data, [args[1]])
        return builder.atomic_rmw("add", pointer, args[2], "seq_cst")

    return sig, codegen


@intrinsic
def atomic_load(typingctx, array, index):
    """Load ``array[index]`` (int64) atomically."""
    sig = types.int64(array, types.int64)

    def codegen(context, builder, signature, args):
        struct = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.gep(struct.data, [args[1]])
        return builder.load_atomic(pointer, "seq_cst", 8)

    return sig, codegen


sched_yield = types.ExternalFunction("sched_yield", types.int32())

if nb.config.DISABLE_JIT:  # interpreted runs, one thread: the same bits in Python

    def bits_to_float(x):
        """Reinterpret int64 as float64."""
        return float(np.int64(x).view(np.float64))

    def float_to_bits(x):
        """Reinterpret float64 as int64."""
        return int(np.float64(x).view(np.int64))

    def hash32(index, key0, key1):
        """Three rounds; see above."""
        return np.uint32(hash32_python(index, key0, key1))

    def count_reached(count, value, level):
        """Return count + (value >= level)."""
        return np.uint8(count + (value >= level))

    def splitmix(x):
        """Return splitmix64's finaliser of a uint64."""
        mask = 0xFFFFFFFFFFFFFFFF
        x = (int(x) + 0x9E3779B97F4A7C15) & mask
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return np.uint64(x ^ (x >> 31))

    def vector_view(array, at, n):
        """Slice."""
        return array[at : at + n]

    def matrix_view(array, at, rows, columns):
        """Slice and reshape."""
        return array[at : at + rows * columns].reshape(rows, columns)

    def fma(a, b, c):
        """Multiply and add; rounded twice here."""
        return a * b + c

    def prefetch(array, index):
        """Nothing to do."""

    def stored_weight(stored, step, whole, ring):
        """Return a stored weight in the type of the ring's entries."""
        if stored.dtype.kind == "i":
            whole_ring = ring.dtype.kind == "i"
            stored = int(stored) * (int(whole) if whole_ring else float(step))
        return ring.dtype.type(stored)

    def atomic_add(array, index, value):
        """Add; return the old value."""
        old = int(array[index])
        array[index] += value
        return old

    def atomic_load(array, index):
        """Load."""
        return int(array[index])

    def sched_yield():
        """Nothing to do."""
        return 0
