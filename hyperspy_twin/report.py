"""One page that a person can read and send: results, warnings and pictures in one file."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core import counted, two_digits, with_error
from hyperspy_twin.crystals import direction_label, plane_label
from hyperspy_twin.summary import (
    doubts_of_answers,
    facts,
    name_all,
    notes_on_image,
    signed,
    summarise,
    title_of,
)
from hyperspy_twin.workflow import STEPS, run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin import AtomicModel, IndexedFFT, Micrograph, SegmentedImage, StrainMap
    from hyperspy_twin.core import Table

MODEL_FILES = ("model.xyz", "model.cif")
LARGEST_CIF = 200_000  # atoms; viewers of CIF files do not open larger ones
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2em; border-bottom: 1px solid #8888; }
div.table { overflow-x: auto; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #8884;
         vertical-align: top; }
th:first-child, td:first-child, th:last-child, td.text { text-align: left; }
img { display: block; max-width: 100%; background: #fff; margin: 1em 0; }
.warnings { background: #f6c34433; border-left: .3em solid #e0a010; padding: .5em 1em; }
.stop { background: #e0504033; border-left: .3em solid #c03020; padding: .5em 1em; }
dt { font-weight: bold; float: left; clear: left; width: 7em; } dd { margin-left: 8em; }
code { font-size: .9em; overflow-wrap: anywhere; }
"""


def write_report(
    micrograph: Micrograph,
    folder: Path,
    *,
    show_progressbar: bool | None = None,
    say: Callable[[str], None] = lambda line: None,
    reword: Callable[[str], str] = lambda text: text,
    **options: Any,
) -> bool:
    """Run the chain and write each step, its figure and ``report.html``.

    The page needs no other file: pictures are inside.

    Parameters
    ----------
    micrograph
        The image.
    folder
        Existing folder; files of an earlier run are replaced.
    show_progressbar
        Whether to show progress bars.
    say
        Called with one line per finished step.
    reword
        Turns the advice in messages into the words of who called.
    **options
        Those of :func:`hyperspy_twin.workflow.run`.

    Returns
    -------
    bool
        Whether the chain reached its end. Where not, the report says why.

    Raises
    ------
    ValueError
        If the candidates or another option do not fit, or the first step is not possible.
    """
    sections: list[str] = []
    results: dict[str, Any] = {}
    lines: list[str] = []
    stop = ""
    count = 1 if options.get("regions_only") else len(STEPS)
    start = time.perf_counter()
    try:
        for name, signal in run(micrograph, show_progressbar=show_progressbar, **options):
            signal.save(folder / f"{name}.hspy", overwrite=True)
            title, figure, body = SECTIONS[name](signal, folder)
            body = reword(body)
            picture = folder / f"{name}.png"
            figure.savefig(picture, dpi=110, bbox_inches="tight")
            _close(figure)
            sections.append(f"<h2>{title}</h2>{body}{_embedded(picture, title)}")
            seconds = time.perf_counter() - start
            start = time.perf_counter()
            results[name] = signal
            line = f"{title}: {summarise(name, signal)}"
            lines.append(line)
            say(f"{len(results)}/{count} {title} ({seconds:.1f} s){line[len(title) :]}")
    except (ValueError, ImportError, MemoryError) as error:
        if not results:
            raise
        stop = reword(str(error) or "there is not enough memory")
        say(f"stopped after {list(results)[-1]}: {stop}")
    doubts = [reword(text) for text in doubts_of_answers(results.get("indexed"), micrograph)]
    for text in doubts:
        say(f"note: {text}")
    doubts += [reword(text) for text in notes_on_image(micrograph, results["segmented"])]
    parts = [_list(lines), _facts(micrograph), *sections, _history(signal)]
    page = _page(title_of(micrograph), stop, doubts, "".join(parts))
    (folder / "report.html").write_text(page, encoding="utf-8")
    return not stop


def _page(title: str, stop: str, warnings: list[str], body: str) -> str:
    stopped = f'<p class="stop">The chain stopped: {escape(stop)}</p>' if stop else ""
    doubts = f'<div class="warnings">{_list(warnings)}</div>' if warnings else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{stopped}{doubts}{body}</body></html>"
    )


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _facts(micrograph: Micrograph) -> str:
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts(micrograph))
    return f"<dl>{''.join(rows)}</dl>"


def _embedded(picture: Path, title: str) -> str:
    data = base64.b64encode(picture.read_bytes()).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(title)}">'


def _segmented(signal: SegmentedImage, folder: Path) -> tuple[str, Figure, str]:
    rows = (
        [str(r["region"]), f"{r['area']:.4g}", f"{r['mean']:.4g}", f"{r['standard_deviation']:.3g}"]
        for r in signal.regions
    )
    unit = f"{signal._unit}²"
    body = _table(["region", f"area ({unit})", "mean intensity", "standard deviation"], rows)
    outcome: dict[str, Any] = next(
        (step["outcome"] for step in signal.history[::-1] if "outcome" in step), {}
    )
    chosen = ": ".join(str(outcome[key]) for key in ("method", "reason") if key in outcome)
    return "Regions", signal._figure(), f"<p>{escape(_sentence(chosen))}</p>{body}"


def _indexed(signal: IndexedFFT, folder: Path) -> tuple[str, Figure, str]:
    head = ["region", "phase", "zone axis", "probability", "peaks", "residual (%)", "scale", "note"]
    body = _table(head, _phase_rows(signal))
    try:
        body += f"<p>Calibration: {escape(str(signal.calibration))}</p>"
    except ValueError as error:
        body += f"<p>No calibration by the crystals: {escape(str(error))}</p>"
    relations = signal.epitaxy()
    if len(relations):
        body += "<h3>Orientation relations</h3>" + _relations_table(signal, relations)
    return "Phases", signal._figure(), body


def _phase_rows(signal: IndexedFFT) -> Iterator[list[str]]:
    records = signal.phases
    for region in signal.regions:
        for one in records[region["region"]].crystals:
            shared = [str(one.region), *["none", "", ""], str(region["peaks"]), "", ""]
            if one.match is not None:
                shared[1:4] = [
                    name_all(one, str(one.phase)),
                    direction_label(one.match.zone_axis, one.match.crystal, "unicode"),
                    "" if np.isnan(one.probability) else f"{one.probability:.2f}",
                ]
                shared[5:] = [f"{100 * one.residual:.2f}", f"{one.scale:.4f}"]
            yield [*shared, one.reason]


def _relations_table(signal: IndexedFFT, relations: Table) -> str:
    """Table of parallel planes and directions of neighbouring regions."""
    crystals = {
        (record.region, number): one.match.crystal
        for record in signal.phases
        for number, one in enumerate(record.crystals, 1)
        if one.match is not None
    }
    rows = []
    for row in relations:
        one = crystals[row["first"], row["crystal_first"]]
        other = crystals[row["second"], row["crystal_second"]]
        planes = (
            plane_label(row["plane_first"], one, "unicode") + " " + one.name,
            plane_label(row["plane_second"], other, "unicode") + " " + other.name,
        )
        axes = (
            direction_label(row["zone_axis_first"], one, "unicode"),
            direction_label(row["zone_axis_second"], other, "unicode"),
        )
        rows.append(
            [
                f"{row['first']}, {row['second']}",
                f"{' ∥ '.join(planes)}, {' ∥ '.join(axes)} along the beam",
                signed(row["angle"], 2),
                signed(row["misfit"], 2),
                with_error(row["measured_misfit"], row["measured_error"], sign=True),
                f"{row['n']} : {row['m']} ({signed(row['coincidence_misfit'], 2)} %)",
                f"{row['misorientation']:.2f}",
            ]
        )
    head = [
        "regions",
        "parallel",
        "angle (°)",
        "misfit of the structures (%)",
        "measured (%)",
        "coincidence",
        "misorientation (°)",
    ]
    return _table(head, rows)


def _strain(signal: StrainMap, folder: Path) -> tuple[str, Figure, str]:
    rows = []
    for row in signal.regions:
        if not row["pixels"]:
            rows.append([str(row["region"]), *["no lattice"] * 5])
            continue
        strains = [signed(100 * row[name], 3) for name in ("e_xx", "e_yy", "e_xy")]
        rotation, error = signed(row["rotation"], 3), two_digits(100 * row["sigma"])
        rows.append([str(row["region"]), *strains, rotation, error])
    strains = [f"mean {name} (%)" for name in ("e_xx", "e_yy", "e_xy")]
    head = ["region", *strains, "mean rotation (°)", "error per pixel (%)"]
    return "Strain", signal.plot(), _table(head, rows)


def _model(signal: AtomicModel, folder: Path) -> tuple[str, Figure, str]:
    files = [name for name in MODEL_FILES if name.endswith("xyz") or len(signal.data) < LARGEST_CIF]
    for name in files:
        signal.write(folder / name)
    links = ", ".join(f'<a href="{name}">{name}</a>' for name in files)
    size = " × ".join(f"{length / 10:.4g}" for length in np.diag(signal.cell))
    atoms = f"{counted(len(signal.data), 'atom')} ({signal.formula}) in {size} nm"
    body = f"<p>{escape(atoms)}; beside this page: {links}</p>"
    return "Atomic model", signal.plot(), body


SECTIONS: dict[str, Callable[[Any, Path], tuple[str, Figure, str]]] = {
    "segmented": _segmented,
    "indexed": _indexed,
    "strain": _strain,
    "model": _model,
}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("".join(_cell(cell) for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="table"><table><tr>{top}</tr>{body}</table></div>'


def _cell(text: str) -> str:
    """Table cell: words to the left, numbers to the right."""
    words = any(letter.isalpha() for letter in text)
    return f"<td{' class=text' if words else ''}>{escape(text)}</td>"


def _history(signal: Any) -> str:
    rows = [
        [step["step"], json.dumps(_known(step["parameters"]), ensure_ascii=False), step["input"]]
        for step in signal.history
    ]
    versions = signal.history[-1]["versions"]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    made = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    table = _table(["step", "parameters", "hash of its input"], rows)
    return f"<h2>How it was made</h2>{table}<p>{made} by {escape(listed)}</p>"


def _known(value: Any) -> Any:
    """Value without whatever was left to its default."""
    if isinstance(value, dict):
        return {name: _known(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_known(item) for item in value if item is not None]
    return value


def _close(figure: Figure) -> None:
    import matplotlib.pyplot as plt

    plt.close(figure)
