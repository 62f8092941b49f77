"""A network as counters see it: its layers in order, its input, its widths."""

from dataclasses import dataclass, replace
from typing import Any

from neuro.counts.layers import LayerSpec
from neuro.errors import ParameterError, did_you_mean

__all__ = ["NetSpec"]


@dataclass(frozen=True)
class NetSpec:
    """Layers in order, the input, and the widths.

    Parameters
    ----------
    name : str
        Name of the network.
    layers : tuple of LayerSpec
        In topological order.
    input_shape : tuple of int
        Shape of the input of one step.
    steps : int
        Time steps.
    input_class : str
        ``"binary"`` (events), ``"real"``.
    input_rate : float or None
        Non-zero entries per input unit and step.
    input_bits : int
        Bits of one input value.
    w_bits, s_bits, v_bits : int
        Defaults of the network.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    input_shape: tuple[int, ...]
    steps: int = 1
    input_class: str = "binary"
    input_rate: float | None = None
    input_bits: int = 1
    w_bits: int = 32
    s_bits: int = 1
    v_bits: int = 32
    skipped: tuple[str, ...] = ()

    def layer(self, name: str) -> LayerSpec:
        """Return a layer by name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ParameterError(
            f"{self.name}: no layer {name!r}"
            f"{did_you_mean(name, [la.name for la in self.layers])}"
        )

    def with_bits(
        self,
        *,
        w_bits: int | None = None,
        s_bits: int | None = None,
        v_bits: int | None = None,
        steps: int | None = None,
    ) -> "NetSpec":
        """Return a copy with other widths on every layer, or other steps."""
        for name, value in (
            ("weight bits", w_bits),
            ("spike bits", s_bits),
            ("membrane bits", v_bits),
            ("timesteps", steps),
        ):
            if value is not None and value < 1:
                raise ParameterError(f"{self.name}: {name} must be >= 1, got {value}")
        layers = []
        for k, layer in enumerate(self.layers):
            change: dict[str, Any] = {}
            if w_bits is not None:
                change["w_bits"] = w_bits
            if v_bits is not None:
                change["v_bits"] = v_bits
            if s_bits is not None and not (k == 0 and self.input_class == "real"):
                change["a_bits"] = s_bits
            layers.append(replace(layer, **change))
        return replace(
            self,
            layers=tuple(layers),
            w_bits=w_bits or self.w_bits,
            s_bits=s_bits or self.s_bits,
            v_bits=v_bits or self.v_bits,
            steps=steps or self.steps,
        )
