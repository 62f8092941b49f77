"""Settings of an experiment: defaults, preset, command line.

``config.toml`` has four parts: ``[experiment]`` (title, paper, data, extras and minutes
per preset), ``[defaults]`` with any sub-tables, and one ``[preset.NAME]`` each with the
settings that differ. A setting that the defaults do not have is refused.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuro.errors import ParameterError, did_you_mean

__all__ = [
    "Config",
    "describe",
    "experiments",
    "flatten",
    "load_config",
    "run_settings",
    "to_toml",
]

_HERE = Path(__file__).resolve().parent
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list, for example [1, 2]",
}


class Config(Mapping[str, Any]):
    """Resolved settings, read as ``cfg.liquid.n`` or ``cfg["liquid"]["n"]``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {
            k: Config(v) if isinstance(v, Mapping) else v for k, v in values.items()
        }

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(
                f"no setting {key!r}{did_you_mean(key, self._values)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({self.to_dict()!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain dicts."""
        return {
            k: v.to_dict() if isinstance(v, Config) else v
            for k, v in self._values.items()
        }


def _folder(name: str) -> Path:
    folder = _HERE / name.replace("-", "_")
    if name.startswith("_") or not (folder / "config.toml").is_file():
        known = [e["name"] for e in experiments()]
        raise ParameterError(
            f"unknown experiment {name!r}{did_you_mean(name, known)}; "
            "'neuro list' names them all"
        )
    return folder


def experiments() -> list[dict[str, Any]]:
    """Return name, title, paper, data, extras and minutes of every experiment."""
    found = []
    for path in sorted(_HERE.glob("*/config.toml")):
        head = tomllib.loads(path.read_text("utf-8"))["experiment"]
        found.append(
            {
                "name": path.parent.name.replace("_", "-"),
                "title": head["title"],
                "paper": head["paper"],
                "data": head.get("data", ""),
                "extras": head.get("extras", []),
                "minutes": head["minutes"],
            }
        )
    return found


def describe(name: str) -> str:
    """Return what an experiment is, its settings with comments, and its presets.

    Raises
    ------
    ParameterError
        If the experiment is unknown.
    """
    text = (_folder(name) / "config.toml").read_text("utf-8")
    head = tomllib.loads(text)["experiment"]
    minutes = ", ".join(f"{k} (about {v:g} min)" for k, v in head["minutes"].items())
    _, _, settings = text.partition("[defaults")
    lines = [
        f"usage: neuro run {name} [--preset NAME] [--seed N] [--set KEY=VALUE ...]",
        "       [--out DIR] [--json] [--quiet] [--check]",
        "",
        head["title"],
        f"paper: {head['paper']}",
        f"data: {head.get('data') or 'none'}",
        f"presets: {minutes}; demo is the default",
        "",
        "settings and their defaults (n in [defaults.liquid] is --set liquid.n=VALUE);",
        "those of a preset follow; data.path and data.name are settings everywhere",
        "",
    ]
    return "\n".join(lines) + "\n[defaults" + settings.rstrip()


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _merge(
    base: dict[str, Any], extra: Mapping[str, Any], where: str, name: str
) -> None:
    known = flatten(base)
    for key, value in flatten(extra).items():
        members = [k for k in known if k.startswith(f"{key}.")]
        if members:
            raise ParameterError(
                f"{where}: {key!r} is a group of settings; give one of "
                f"{', '.join(members)}"
            )
        if key not in known:
            raise ParameterError(
                f"{where}: no setting {key!r}{did_you_mean(key, known)}; "
                f"'neuro run {name} --help' lists them"
            )
        *path, last = key.split(".")
        table = base
        for part in path:
            table = table[part]
        table[last] = _convert(where, key, value, known[key])


def _convert(where: str, key: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool) or isinstance(value, bool):
        ok = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, float):
        ok = isinstance(value, (int, float))
        value = float(value) if ok else value
    else:
        ok = isinstance(value, type(default))
    if not ok:
        raise ParameterError(
            f"{where}: {key} expects {_KINDS[type(default)]} (default {default!r}), "
            f"got {value!r}"
        )
    return value


def _parse(where: str, setting: str) -> tuple[str, Any]:
    key, sep, text = setting.partition("=")
    if not sep or not key.strip():
        raise ParameterError(f"{where}: expected KEY=VALUE")
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    return key.strip(), value


def load_config(
    name: str, *, preset: str, settings: Sequence[str], option: str = "--set"
) -> tuple[dict[str, Any], Config]:
    """Return the experiment's head and its resolved settings.

    Parameters
    ----------
    name, preset : str
        As on the command line.
    settings : sequence of str
        ``KEY=VALUE`` each; later ones win.
    option : str
        Where the settings come from, for the messages.

    Raises
    ------
    ParameterError
        If the experiment, the preset or a setting is unknown, or a value has the wrong
        type.
    """
    document = tomllib.loads((_folder(name) / "config.toml").read_text("utf-8"))
    values: dict[str, Any] = document.get("defaults", {})
    values.setdefault("data", {}).setdefault("path", "")
    values["data"].setdefault("name", "")
    presets = document.get("preset", {})
    if preset not in presets:
        raise ParameterError(
            f"--preset {preset!r}: {name} accepts {', '.join(presets)}"
        )
    _merge(values, presets[preset], f"preset {preset}", name)
    for setting in settings:
        where = f"{option} {setting}"
        key, value = _parse(where, setting)
        known = flatten(values)
        if isinstance(known.get(key), str) and not isinstance(value, str):
            value = setting.partition("=")[2]
        nested: dict[str, Any] = {}
        table = nested
        *path, last = key.split(".")
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
        _merge(values, nested, where, name)
    return document["experiment"], Config(values)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        import json

        return json.dumps(value)
    return "[" + ", ".join(_toml_value(v) for v in value) + "]"


def to_toml(values: Mapping[str, Any]) -> str:
    """Write nested settings as TOML, one dotted key per line."""
    return "".join(f"{k} = {_toml_value(v)}\n" for k, v in flatten(values).items())


def run_settings(name: str, preset: str, cfg: Config, seed: int | None = None) -> str:
    """Return ``config.toml`` of a run; without a seed, what its seeds share."""
    head = {"experiment": name, "preset": preset}
    if seed is not None:
        head |= {"seed": seed}
    return to_toml(head) + to_toml(cfg.to_dict())
