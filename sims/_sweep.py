"""Sweep settings of an experiment over a grid and seeds.

A cell is an ordinary run folder named by the hash of its resolved settings and by its
seed, so that a finished cell is never run again and an interrupted one goes on. The
table holds mean, sample standard deviation and n over seeds for every grid point.
"""

import hashlib
import itertools
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from neuro._version import __version__
from neuro.errors import NeuroError, ParameterError, did_you_mean
from neuro.results import atomic_write, write_json
from neuro.statistics import summary

from ._config import flatten, load_config, run_settings
from ._dask import default_workers, on_dask
from ._runner import need_extras, run_experiment, write_figure

__all__ = ["print_table", "run_sweep"]

SCHEMA = "neuro.sweep/1"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One combination of the swept settings."""

    settings: tuple[str, ...]  # KEY=VALUE, as --set takes them
    parameters: dict[str, Any]  # the swept keys with their resolved values
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One point with one seed."""

    point: Point
    seed: int

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return f"{self.point.digest}-{self.seed}"


def run_sweep(
    name: str,
    *,
    grid: Sequence[str],
    preset: str = "demo",
    settings: Sequence[str] = (),
    seed: int = 0,
    seeds: int = 1,
    metrics: Sequence[str] = (),
    out: Path | None = None,
    workers: int | None = None,
    scheduler: str = "",
    quiet: bool = False,
) -> dict[str, Any]:
    """Run what is missing of a sweep; write and return its table.

    Parameters
    ----------
    name, preset, settings
        As for :func:`sims._runner.run_experiment`; the settings hold for all cells.
    grid : sequence of str
        ``KEY=A,B,C`` each; all combinations are run.
    seed, seeds : int
        First seed and number of seeds.
    metrics : sequence of str
        Metrics of the table; by default the first two accuracies (where there are none,
        the first two of all) with their controls.
    out : Path, optional
        Folder of the sweep; cells found there are taken, missing ones are run.
    workers : int, optional
        Processes; by default one per processor. One: in this process, without Dask.
    scheduler : str
        Address of a Dask scheduler, instead of processes of this machine.
    quiet : bool
        No progress bar.

    Returns
    -------
    dict
        The object of ``sweep.json``.

    Raises
    ------
    ParameterError
        For the user's mistakes, before anything runs; for an unknown metric at the end
        (the cells are kept).
    """
    start = time.perf_counter()
    if seed < 0 or seeds < 1:
        raise ParameterError(
            f"expected --seed >= 0 and --seeds >= 1, got {seed} and {seeds}"
        )
    if workers is not None and workers < 1:
        raise ParameterError(f"--workers: expected >= 1, got {workers}")
    if workers is not None and scheduler:
        raise ParameterError(
            "--workers and --scheduler: give one; a cluster has its own workers"
        )
    points = _points(name, preset, settings, _parse_grid(grid))
    if not scheduler:
        need_extras(name, load_config(name, preset=preset, settings=())[0]["extras"])
    folder = _folder(name, out)
    # all points with the first seed, then the next one: a part is worth reading early
    cells = [Cell(point=p, seed=s) for s in range(seed, seed + seeds) for p in points]
    head = {
        "schema": SCHEMA,
        "experiment": name,
        "preset": preset,
        "version": __version__,
        "settings": list(settings),
        "seeds": list(range(seed, seed + seeds)),
    }
    records = {c.name: r for c in cells if (r := _read(folder / c.name)) is not None}
    errors: dict[str, str] = {}

    def table() -> dict[str, Any]:
        return head | _table(points, cells, records, errors, metrics)

    write_json(folder / "sweep.json", table())
    todo = [c for c in cells if c.name not in records]
    if len(todo) < len(cells):
        log.info("%d of %d cells are there already", len(cells) - len(todo), len(cells))
    jobs = [
        {
            "name": name,
            "preset": preset,
            "seed": c.seed,
            "settings": [*settings, *c.point.settings],
            "out": str(folder / c.name),
        }
        for c in todo
    ]
    try:
        with closing(_results(jobs, workers, scheduler)) as results:
            for k, error in _progress(results, len(jobs), quiet):
                found = None if error else _read(folder / todo[k].name)
                if found is not None:
                    records[todo[k].name] = found
                    continue
                errors[todo[k].name] = error or (
                    f"finished, but not seen in {folder}: --out must be on a file "
                    "system that all workers share"
                )
                where = ", ".join(todo[k].point.settings)
                log.warning(
                    "%s, seed %d: %s", where, todo[k].seed, errors[todo[k].name]
                )
    except KeyboardInterrupt:
        write_json(folder / "sweep.json", table())
        log.warning(
            "stopped with %d of %d cells; the same command with --out %s goes on",
            len(records),
            len(cells),
            folder,
        )
        raise
    _warn_of_mixture(records)
    _check_metrics(metrics, records, folder)
    record = table() | {"wall_s": round(time.perf_counter() - start, 3)}
    record["files"] = ["sweep.csv", "sweep.json", *_plot(record, folder)]
    text = _csv(record).encode()
    atomic_write(folder / "sweep.csv", lambda f: f.write(text))
    write_json(folder / "sweep.json", record)
    log.info("written to %s", folder)
    return record


def run_cell(
    name: str, preset: str, seed: int, settings: Sequence[str], out: str
) -> str:
    """Run one cell into its folder; return an empty text or what went wrong."""
    for room in ("neuro", "hw", "sims"):
        if not logging.getLogger(room).handlers:  # else Python prints warnings itself
            logging.getLogger(room).addHandler(logging.NullHandler())
    trace = Path(out) / "traceback.txt"
    try:
        run_experiment(
            name, preset=preset, seed=seed, settings=settings, out=Path(out), quiet=True
        )
        trace.unlink(missing_ok=True)
    except NeuroError as error:
        return " ".join(str(error).split())
    except Exception as error:
        if trace.parent.is_dir():
            text = traceback.format_exc().encode()
            atomic_write(trace, lambda f: f.write(text))
        first = str(error).strip().splitlines()[:1]
        return ": ".join([type(error).__name__, *first]) + f" (see {trace})"
    return ""


def _results(
    jobs: Sequence[Mapping[str, Any]], workers: int | None, scheduler: str
) -> Iterator[tuple[int, str]]:
    """Yield number and error of every job: from this process, or from Dask."""
    workers = min(workers or default_workers(), len(jobs))
    if not scheduler and workers <= 1:
        yield from ((k, run_cell(**job)) for k, job in enumerate(jobs))
        return
    for k, error in on_dask(run_cell, jobs, workers=workers, scheduler=scheduler):
        if isinstance(error, BaseException):
            kind = type(error).__name__
            text = " ".join(str(error).split())[:200]
            if kind == "KilledWorker":
                text = "the worker process died, perhaps for want of memory"
            yield k, f"{kind}: {text}"
        else:
            yield k, error


def _progress(
    results: Iterator[tuple[int, str]], total: int, quiet: bool
) -> Iterator[tuple[int, str]]:
    from tqdm.auto import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    silent = quiet or not sys.stderr.isatty()
    bar = tqdm(results, total=total, desc="cells", disable=silent, file=sys.stderr)
    if silent:
        yield from bar
        return
    with logging_redirect_tqdm([logging.getLogger("sims")]):
        yield from bar


def _parse_grid(grid: Sequence[str]) -> dict[str, list[str]]:
    """Return the texts of the values by key."""
    if not grid:
        raise ParameterError("--grid: expected at least one KEY=A,B,C")
    found: dict[str, list[str]] = {}
    for text in grid:
        key, sep, values = (part.strip() for part in text.partition("="))
        if not sep or not key:
            raise ParameterError(f"--grid {text}: expected KEY=A,B,C")
        if key in found:
            raise ParameterError(f"--grid {key}: given twice; list all values in one")
        found[key] = [v.strip() for v in _split(values)]
        if not all(found[key]):
            raise ParameterError(f"--grid {text}: a value is empty; expected KEY=A,B,C")
    return found


def _split(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char in "[{") - (char in "]}")
        if char == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _points(
    name: str, preset: str, settings: Sequence[str], grid: Mapping[str, Sequence[str]]
) -> list[Point]:
    """Resolve every combination, so that each mistake is found before a run starts."""
    load_config(name, preset=preset, settings=settings)
    fixed = {s.partition("=")[0].strip() for s in settings} & set(grid)
    if fixed:
        raise ParameterError(f"{', '.join(sorted(fixed))}: both in --set and in --grid")
    found: dict[str, Point] = {}
    for values in itertools.product(*grid.values()):
        own = tuple(f"{k}={v}" for k, v in zip(grid, values, strict=True))
        cfg = load_config(
            name, preset=preset, settings=[*settings, *own], option="--grid"
        )[1]
        text = run_settings(name, preset, cfg)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        if digest in found:
            raise ParameterError(
                f"--grid {', '.join(own)}: the same settings as "
                f"{', '.join(found[digest].settings)}; give each value once"
            )
        flat = flatten(cfg.to_dict())
        found[digest] = Point(
            settings=own, parameters={k: flat[k] for k in grid}, digest=digest
        )
    return list(found.values())


def _folder(name: str, out: Path | None) -> Path:
    """Make the folder, or accept one of this experiment's sweeps."""
    if out is None:
        base = Path("runs") / name / f"sweep-{datetime.now():%Y%m%d-%H%M%S}"
        out, k = base, 1
        while out.exists():
            out, k = base.with_name(f"{base.name}.{k}"), k + 1
    # absolute: a worker has a working directory of its own
    out = Path(os.path.abspath(out))
    try:
        if out.is_dir() and any(out.iterdir()):
            try:
                held = json.loads((out / "sweep.json").read_text("utf-8"))
                mine = held["schema"] == SCHEMA and held["experiment"] == name
            except (OSError, ValueError, KeyError, TypeError):
                mine = False
            if not mine:
                raise ParameterError(
                    f"--out {out}: the folder holds something else than a sweep of "
                    f"{name}; give a new or empty folder, or one of its sweeps"
                )
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise ParameterError(
            f"--out {out}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    return out


def _read(folder: Path) -> dict[str, Any] | None:
    """Return the record of a finished cell, None of an unfinished one."""
    path = folder / "metrics.json"
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["schema"] != "neuro.run/1":
            raise KeyError("schema")
        record["metrics"], record["version"], record["data"]["name"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise ParameterError(
            f"{path}: not the record of a run; remove {folder} to run this cell again"
        ) from None
    return dict(record)


def _check_metrics(
    metrics: Sequence[str], records: Mapping[str, Mapping[str, Any]], folder: Path
) -> None:
    known = list(dict.fromkeys(k for r in records.values() for k in r["metrics"]))
    for metric in metrics:
        if records and metric not in known:
            raise ParameterError(
                f"--metric {metric!r}: not recorded{did_you_mean(metric, known)}; "
                f"accepted: {', '.join(known)}; the runs are kept in {folder}"
            )


def _warn_of_mixture(records: Mapping[str, Mapping[str, Any]]) -> None:
    """Say so where the cells of one table are not of one version or data set."""
    seen = {
        "versions": {
            f"{r['version']} {(r.get('environment') or {}).get('git') or ''}".strip()
            for r in records.values()
        },
        "data sets": {r["data"]["name"] for r in records.values()},
    }
    for what, values in seen.items():
        if len(values) > 1:
            log.warning(
                "the cells come from different %s: %s", what, ", ".join(sorted(values))
            )


def _chosen(record: Mapping[str, Any]) -> list[str]:
    """Return the first two accuracies (or metrics) of a record, and their controls.

    One that is itself the control of another comes only as such.
    """
    metrics = record["metrics"]
    control = {name: m.get("control") for name, m in metrics.items()}
    results = [n for n in metrics if n not in control.values()] or list(metrics)
    first = ([n for n in results if "accuracy" in n] or results)[:2]
    beside = [c for n in first if (c := control[n]) in metrics]
    return list(dict.fromkeys([*first, *beside]))


def _table(
    points: Sequence[Point],
    cells: Sequence[Cell],
    records: Mapping[str, Mapping[str, Any]],
    errors: Mapping[str, str],
    metrics: Sequence[str],
) -> dict[str, Any]:
    """Return data, metrics, points (over seeds) and cells of the sweep."""
    first = next((records[c.name] for c in cells if c.name in records), None)
    chosen = list(metrics) or (_chosen(first) if first else [])
    rows = []
    for point in points:
        runs = [
            records[c.name]["metrics"]
            for c in cells
            if c.point is point and c.name in records
        ]
        found: dict[str, Any] = {}
        for metric in chosen:
            held = [r[metric] for r in runs if metric in r]
            values = [m["value"] for m in held if m["value"] is not None]
            mean, sd, n = summary(values) if values else (None, None, 0)
            found[metric] = {
                "value": mean,
                "sd": sd,
                "n": n,
                "unit": held[0]["unit"] if held else "",
                "paper": held[0]["paper"] if held else None,
                "control": held[0]["control"] if held else None,
            }
        rows.append(
            {"parameters": point.parameters, "hash": point.digest, "metrics": found}
        )
    return {
        "data": first["data"] if first else {},
        "metrics": chosen,
        "points": rows,
        "cells": [
            {
                "folder": c.name,
                "parameters": c.point.parameters,
                "seed": c.seed,
                "status": "finished"
                if c.name in records
                else ("failed" if c.name in errors else "missing"),
                "error": errors.get(c.name),
            }
            for c in cells
        ],
    }


def _csv(record: Mapping[str, Any]) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = list(record["points"][0]["parameters"])
    writer.writerow(
        keys + [f"{m}{end}" for m in record["metrics"] for end in ("", "_sd", "_n")]
    )
    for row in record["points"]:
        cells: list[Any] = [row["parameters"][k] for k in keys]
        for metric in record["metrics"]:
            m = row["metrics"][metric]
            cells += [m["value"], m["sd"], m["n"]]
        writer.writerow(["" if c is None else c for c in cells])
    return out.getvalue()


def _plot(record: Mapping[str, Any], folder: Path) -> list[str]:
    """Draw the metrics against the swept key, where it is one key of numbers."""
    parameters = [row["parameters"] for row in record["points"]]
    values = [v for p in parameters for v in p.values()]
    if (
        len(parameters[0]) != 1
        or len(values) < 2
        or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values)
        or not any(m["n"] for p in record["points"] for m in p["metrics"].values())
    ):
        return []
    import matplotlib

    matplotlib.use("Agg")
    from neuro.plot import plot_sweep

    return write_figure(folder, "sweep", plot_sweep(record).figure)


def print_table(record: Mapping[str, Any]) -> None:
    """Print one line per grid point on standard output."""
    data = record["data"]
    kind = " (synthetic stand-in)" if data.get("synthetic") else ""
    keys = list(record["points"][0]["parameters"])
    first, *_, last = record["seeds"] * 2
    seeds = f"seed {first}" if first == last else f"seeds {first}-{last}"
    rows = [[*keys, *(f"{m} (sd) n" for m in record["metrics"])]]
    for row in record["points"]:
        line = [str(v) for v in row["parameters"].values()]
        for metric in record["metrics"]:
            m = row["metrics"][metric]
            sd = "-" if m["sd"] is None else f"{m['sd']:.2g}"
            line.append(f"{m['value']:.4g} ({sd}) {m['n']}" if m["n"] else "-")
        rows.append(line)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    done = sum(c["status"] == "finished" for c in record["cells"])
    lines = [
        f"{record['experiment']} [{record['preset']}, {seeds}] on "
        f"{data.get('name', 'none')}{kind}, {done} of {len(record['cells'])} cells"
    ]
    lines += [
        "  ".join(f"{t:>{w}}" for t, w in zip(row, widths, strict=True)) for row in rows
    ]
    sys.stdout.write("\n".join(lines) + "\n")
