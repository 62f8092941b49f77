"""The front of :mod:`neuro.counts.torch_hooks`; torch is imported only when called."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuro.counts.torch_hooks import Recorder

__all__ = ["record"]


def record(module: Any, **options: Any) -> "Recorder":
    """Count a torch module while it runs; a context manager.

    Parameters
    ----------
    module : torch.nn.Module
        Its convolutions, linear layers and spiking neurons are watched.
    **options
        See :class:`neuro.counts.torch_hooks.Recorder`.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    from neuro.errors import optional_import

    optional_import("torch", "grad")
    from neuro.counts.torch_hooks import Recorder

    return Recorder(module, **options)
