r"""Arithmetic energy at any operand width, per node.

An addition is linear in bits, a multiplication in the product of both widths, anchored
at the published 32-bit addition and 8-bit multiplication. At 45 nm: 0.003125 pJ per bit
and 0.003125 pJ per bit squared; an 8-bit multiply-accumulate is 0.225 pJ (published
parts sum to 0.23), a 32-bit multiplication 3.2 pJ (published 3.1). Floating point at 32
bits has constants of its own.
"""

from typing import NamedTuple

from .constants import Constant, Profile

__all__ = ["Arithmetic", "arithmetic", "mac_energy"]


class Arithmetic(NamedTuple):
    """Joules: addition per bit, multiplication per bit squared, and FP32."""

    add_bit: float
    mul_bit2: float
    fp_add: float
    fp_mul: float
    source: str


_NODES = {
    "45 nm": Arithmetic(
        0.1e-12 / 32,
        0.2e-12 / 64,
        0.9e-12,
        3.7e-12,
        "Horowitz, ISSCC 2014, Fig. 1.1.9",
    ),
    "7 nm": Arithmetic(
        0.03e-12 / 32,
        0.07e-12 / 64,
        0.38e-12,
        1.31e-12,
        "Jouppi et al., ISCA 2021, Table 2 (FP32 addition recalled, unverified)",
    ),
}


def arithmetic(profile: Profile) -> Arithmetic:
    """Return the arithmetic of a profile's node; 45 nm where there is none.

    Parameters
    ----------
    profile : Profile
        Constants of the machine.
    """
    return _NODES.get(profile.node, _NODES["45 nm"])


def operation_energy(
    profile: Profile, a_bits: int, w_bits: int, *, floating: bool = False
) -> tuple[float, float]:
    """Return joules of one addition and of one multiplication.

    Eight-bit operands take the published 8-bit figures where the node is 45 nm.
    """
    a = arithmetic(profile)
    if floating:
        return a.fp_add, a.fp_mul
    if a_bits == w_bits == 8 and a is _NODES["45 nm"]:
        return 0.03e-12, 0.2e-12
    return a.add_bit * max(a_bits, w_bits), a.mul_bit2 * a_bits * w_bits


def mac_energy(
    profile: Profile, a_bits: int, w_bits: int, *, floating: bool = False
) -> Constant:
    """Return joules of one multiply-accumulate.

    Parameters
    ----------
    profile : Profile
        Constants of the machine.
    a_bits, w_bits : int
        Operand widths of activation and weight.
    floating : bool
        Floating point instead of integers.
    """
    add, mul = operation_energy(profile, a_bits, w_bits, floating=floating)
    text = "FP32" if floating else f"{a_bits} x {w_bits} bit"
    return Constant(
        add + mul,
        add + mul,
        add + mul,
        "J",
        profile.node,
        None,
        "derived",
        f"{text} multiply-accumulate, {arithmetic(profile).source}",
    )
