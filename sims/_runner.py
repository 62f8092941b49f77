"""Run an experiment: folder, context, record, figures, resume, check.

A run folder is made when the run starts (``config.toml``), gets the stored arrays of
finished steps (``steps/``) while it goes on, and is complete when ``metrics.json``
exists. Every file is written under another name and renamed.
"""

import importlib
import json
import logging
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from neuro._version import __version__
from neuro.counts import OpCounts
from neuro.errors import MissingExtraError, NeuroError, ParameterError
from neuro.logs import ROOMS, shown
from neuro.random import stream
from neuro.results import atomic_write, environment, write_arrays, write_json
from neuro.statistics import summary

from ._config import load_config, run_settings

__all__ = [
    "Context",
    "need_extras",
    "print_summary",
    "run_experiment",
    "write_figure",
]

SCHEMA = "neuro.run/1"
log = logging.getLogger(__name__)
T = TypeVar("T")


class Context:
    """What an experiment's ``run(cfg, ctx)`` gets.

    Attributes
    ----------
    seed : int
        The user's seed.
    out : Path
        The run folder.
    """

    def __init__(
        self,
        out: Path,
        *,
        seed: int,
        quiet: bool,
        data_path: str = "",
        data_name: str = "",
    ) -> None:
        self.out, self.seed, self._quiet = out, seed, quiet
        self._data_path, self._data_name = data_path, data_name
        self._metrics: dict[str, dict[str, Any]] = {}
        self._counts = OpCounts()
        self._energy: Any = None
        self._cpu_s: dict[str, list[float]] = {}
        self._data: dict[str, Any] = {
            "name": "none",
            "synthetic": False,
            "n_train": 0,
            "n_test": 0,
        }
        self._files: list[str] = []

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the independent random stream of one purpose."""
        return stream(self.seed, purpose)

    def data(self, name: str, **options: Any) -> Any:
        """Load a data set and note it in the record.

        Parameters
        ----------
        name : str
            As ``neuro data list`` prints it.
        **options
            Handed to the loader.

        Notes
        -----
        With the setting ``data.name`` the user replaces the set by another one, which
        may lack options of the experiment's own.
        """
        from neuro import datasets

        if self._data_name and self._data_name != name:
            name = self._data_name
            options = {k: v for k, v in options.items() if k == "limit"}
        found = datasets.load(name, path=self._data_path or None, **options)
        synthetic = bool(getattr(found, "synthetic", False))
        self._data |= {"name": getattr(found, "name", name), "synthetic": synthetic}
        if synthetic and not self._data_path:
            log.warning("%s not found: using the stand-in %r", name, self._data["name"])
        return found

    def split(self, *, n_train: int, n_test: int, **note: Any) -> None:
        """Note the sizes of the split (and anything else about the data)."""
        self._data |= {"n_train": int(n_train), "n_test": int(n_test), **note}

    def progress(
        self, iterable: Iterable[T], *, total: int | None = None, label: str = ""
    ) -> Iterator[T]:
        """Wrap a loop in a progress bar; silent when not on a terminal."""
        from tqdm.auto import tqdm

        silent = self._quiet or not sys.stderr.isatty()
        return iter(
            tqdm(iterable, total=total, desc=label, disable=silent, file=sys.stderr)
        )

    def metric(
        self,
        name: str,
        samples: ArrayLike,
        *,
        unit: str = "",
        paper: float | None = None,
        control: str | None = None,
    ) -> None:
        """Record a metric: mean, standard deviation and n are computed here.

        Parameters
        ----------
        name : str
            Name in the record.
        samples : array_like
            One value per seed or fold.
        unit : str
            Unit; empty for shares.
        paper : float, optional
            The paper's figure.
        control : str, optional
            Name of the metric that is its control.
        """
        mean, sd, n = summary(samples)
        self._metrics[name] = {
            "value": mean,
            "sd": sd,
            "n": n,
            "unit": unit,
            "paper": paper,
            "control": control,
        }

    def counts(self, counts: OpCounts) -> None:
        """Add a ledger to the record."""
        self._counts = self._counts + counts

    def energy(self, report: Any) -> None:
        """Put an energy report (or a mapping) into the record."""
        self._energy = report.to_dict() if hasattr(report, "to_dict") else report

    def figure(self, name: str, figure: Any) -> None:
        """Write a figure as PNG and SVG and close it."""
        self._files += write_figure(self.out, name, figure)

    def cpu_time(self, name: str, seconds: float) -> None:
        """Note the processor time of one repetition of a part; not reproducible."""
        self._cpu_s.setdefault(name, []).append(round(seconds, 2))

    def arrays(self, name: str, **arrays: Any) -> None:
        """Write arrays as compressed npz."""
        write_arrays(self.out / f"{name}.npz", arrays)
        self._files.append(f"{name}.npz")

    def table(self, name: str, **columns: Any) -> None:
        """Write columns of equal length as CSV, for readers outside Python."""
        rows = [",".join(columns)]
        rows += [",".join(map(str, r)) for r in zip(*columns.values(), strict=True)]
        text = ("\n".join(rows) + "\n").encode()
        atomic_write(self.out / f"{name}.csv", lambda f: f.write(text))
        self._files.append(f"{name}.csv")

    def step(self, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Do a long part once: its arrays are stored and reused when the run resumes.

        Parameters
        ----------
        name : str
            Name of the part, unique in the run.
        make : callable
            Returns a mapping of names to arrays.
        """
        path = self.out / "steps" / f"{name}.npz"
        if path.is_file():
            log.info("step %s: taken from %s", name, path)
        else:
            path.parent.mkdir(exist_ok=True)
            write_arrays(path, make())
        with np.load(path, allow_pickle=False) as stored:
            return {k: stored[k] for k in stored.files}

    def record(self) -> dict[str, Any]:
        """Return the parts of the run record that the experiment filled."""
        return {
            "data": self._data,
            "metrics": self._metrics,
            "counts": self._counts.to_dict(),
            "energy": self._energy or {},
            "cpu_s": self._cpu_s,
            "files": sorted(self._files),
        }


def write_figure(folder: Path, name: str, figure: Any) -> list[str]:
    """Write a figure as PNG and SVG, the same bytes each time; return their names."""
    import matplotlib.pyplot as plt

    for kind, options in (
        ("png", {"dpi": 150, "metadata": {"Software": None}}),
        ("svg", {"metadata": {"Date": None}}),
    ):
        with plt.rc_context({"svg.hashsalt": name}):
            atomic_write(
                folder / f"{name}.{kind}",
                lambda f, k=kind, o=options: figure.savefig(  # type: ignore[misc]
                    f, format=k, bbox_inches="tight", **o
                ),
            )
    plt.close(figure)
    return [f"{name}.png", f"{name}.svg"]


def _prepare(out: Path | None, name: str, seed: int, config: str) -> Path:
    """Make the folder, or accept an unfinished one of the same configuration."""
    if out is None:
        base = Path("runs") / name
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        out, k = base / f"{stamp}-{seed}", 1
        while out.exists():
            out, k = base / f"{stamp}-{seed}.{k}", k + 1
    try:
        if out.is_dir() and any(out.iterdir()):
            held = out / "config.toml"
            same = held.is_file() and held.read_text("utf-8") == config
            if not same or (out / "metrics.json").exists():
                if same:
                    reason = "a finished run"
                elif held.is_file():
                    reason = f"a run of other settings ({_differing(held, config)})"
                else:
                    reason = "other files"
                raise ParameterError(
                    f"--out {out}: the folder holds {reason}; give an empty or new "
                    "folder, or an unfinished run of the same configuration"
                )
            log.info("resuming %s", out)
            return out
        out.mkdir(parents=True, exist_ok=True)
        atomic_write(out / "config.toml", lambda f: f.write(config.encode()))
    except OSError as error:
        raise ParameterError(
            f"--out {out}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    return out


def _differing(held: Path, config: str) -> str:
    """Return the first lines of a configuration that the one in the folder lacks."""
    lines = set(held.read_text("utf-8").splitlines())
    new = [line for line in config.splitlines() if line not in lines]
    more = ", ..." if len(new) > 3 else ""
    return f"here {', '.join(new[:3])}{more}" if new else "it has more of them"


def run_experiment(
    name: str,
    *,
    preset: str = "demo",
    seed: int = 0,
    settings: Sequence[str] = (),
    out: Path | None = None,
    quiet: bool = False,
    check: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Run an experiment; return its record and, with `check`, what drifted.

    Raises
    ------
    NeuroError
        For the user's mistakes; a folder made by this call is removed again if nothing
        was computed yet.
    """
    with shown(*() if quiet else ROOMS):
        return _run(name, preset, seed, settings, out, quiet, check)


def _run(
    name: str,
    preset: str,
    seed: int,
    settings: Sequence[str],
    out: Path | None,
    quiet: bool,
    check: bool,
) -> tuple[dict[str, Any], list[str]]:
    if seed < 0:
        raise ParameterError(f"--seed: expected an integer >= 0, got {seed}")
    head, cfg = load_config(name, preset=preset, settings=settings)
    need_extras(name, head.get("extras", []))
    if check:
        _expected(name)
    config = run_settings(name, preset, cfg, seed)
    fresh = out is None or not out.exists()
    folder = _prepare(out, name, seed, config)
    ctx = Context(
        folder, seed=seed, quiet=quiet, data_path=cfg.data.path, data_name=cfg.data.name
    )
    import matplotlib

    matplotlib.use("Agg")
    start = time.perf_counter()
    try:
        module = importlib.import_module(f"sims.{name.replace('-', '_')}.run")
        module.run(cfg, ctx)
    except NeuroError:
        if not (folder / "steps").exists():
            if fresh:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                (folder / "config.toml").unlink(missing_ok=True)
        raise
    except KeyboardInterrupt:
        log.warning("stopped; the same command with --out %s goes on from here", folder)
        raise
    record = {
        "schema": SCHEMA,
        "experiment": name,
        "preset": preset,
        "seed": seed,
        "version": __version__,
        "environment": environment(),
        **ctx.record(),
        "wall_s": round(time.perf_counter() - start, 3),
    }
    record["files"] = sorted(["config.toml", "metrics.json", *record["files"]])
    write_json(folder / "metrics.json", record)
    log.info("written to %s", folder)
    return record, _drift(name, preset, record) if check else []


def need_extras(name: str, extras: Sequence[str]) -> None:
    """Refuse an experiment whose optional packages are not installed."""
    needs = {"grad": "torch", "nir": "nir", "events": "tonic", "brian": "brian2"}
    for extra in extras:
        if importlib.util.find_spec(needs.get(extra, extra)) is None:
            raise MissingExtraError(
                f"{name} needs {needs.get(extra, extra)}: "
                f"pip install 'spikejoule[{extra}]'"
            )


def _expected(name: str) -> dict[str, Any]:
    path = Path(__file__).parent / name.replace("-", "_") / "expected.json"
    if not path.is_file():
        raise ParameterError(f"--check: {name} has no expected.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _drift(name: str, preset: str, record: Mapping[str, Any]) -> list[str]:
    """Compare with expected.json; return one line per metric out of tolerance.

    A key ``preset@data`` holds for one data set, ``preset`` for any.
    """
    expected = _expected(name)
    key = f"{preset}@{record['data']['name']}"
    if key not in expected and preset not in expected:
        raise ParameterError(
            f"--check: nothing is expected of {name} for {key!r}; accepted: "
            f"{', '.join(expected) or 'none'}"
        )
    wanted = expected.get(key, expected.get(preset, {}))
    problems = []
    for metric, want in wanted.items():
        got = record["metrics"].get(metric, {}).get("value")
        if got is None or not math.isclose(
            got, want["value"], rel_tol=0, abs_tol=want["tol"]
        ):
            problems.append(
                f"{metric}: expected {want['value']} +- {want['tol']}, got {got} "
                f"({want.get('why', '')})"
            )
    return problems


def print_summary(record: Mapping[str, Any]) -> None:
    """Print the metrics as a table on standard output."""
    data = record["data"]
    kind = " (synthetic stand-in)" if data["synthetic"] else ""
    lines = [
        f"{record['experiment']} [{record['preset']}, seed {record['seed']}] on "
        f"{data['name']}{kind}, {record['wall_s']:.1f} s",
        f"{'metric':<32}{'value':>12}{'sd':>10}{'n':>5}{'paper':>10}  control",
    ]
    for name, m in record["metrics"].items():
        sd = "-" if m["sd"] is None else f"{m['sd']:.3g}"
        paper = "-" if m["paper"] is None else f"{m['paper']:.4g}"
        label = f"{name} [{m['unit']}]" if m["unit"] else name
        lines.append(
            f"{label:<32}{m['value']:>12.4g}{sd:>10}{m['n']:>5}{paper:>10}"
            f"  {m['control'] or ''}"
        )
    sys.stdout.write("\n".join(lines) + "\n")
