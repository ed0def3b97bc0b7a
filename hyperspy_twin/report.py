"""One page that a person can read, with the files of every step beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.crystals import as_candidates, direction_label, phase_label, plane_label
from hyperspy_twin.workflow import STEPS, run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin import AtomicModel, IndexedFFT, Micrograph, SegmentedImage, StrainMap
    from hyperspy_twin.core import Table
    from hyperspy_twin.crystals import RegionPhase

MODEL_FILES = ("model.xyz", "model.cif")
LARGEST_CIF = 200_000  # atoms; viewers of CIF files do not open larger ones
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #222; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2em; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd;
         vertical-align: top; }
th:first-child, td:first-child, th:last-child, td.text { text-align: left; }
img { max-width: 100%; } .stop { background: #fdecea; padding: 1em; } code { font-size: .9em; }
"""


def write_report(
    micrograph: Micrograph,
    folder: Path,
    *,
    phases: Sequence[Any] | None = None,
    thickness: float = 5.0,
    show_progressbar: bool | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> bool:
    """Run the chain and write each step, its figure and ``report.html``.

    Parameters
    ----------
    micrograph
        The image.
    folder
        Existing folder; files of an earlier run are replaced.
    phases
        Candidates for :meth:`IndexedFFT.index_phases`.
    thickness
        Thickness of the foil in nm.
    show_progressbar
        Whether to show progress bars.
    say
        Called with one line per finished step.

    Returns
    -------
    bool
        Whether the chain reached the atomic model. Where not, the report says why.

    Raises
    ------
    ValueError
        If the candidates or the thickness do not fit, or the first step is not possible.
    """
    if not 0 < thickness < np.inf:
        raise ValueError(f"the thickness must be a positive number of nm, not {thickness}")
    as_candidates(phases, micrograph.metadata.get_item("Sample.elements", []))
    sections: list[str] = []
    reached: list[str] = []
    stop = ""
    start = time.perf_counter()
    try:
        for name, signal in run(
            micrograph, phases, thickness=thickness, show_progressbar=show_progressbar
        ):
            signal.save(folder / f"{name}.hspy", overwrite=True)
            title, figure, body = SECTIONS[name](signal, folder)
            figure.savefig(folder / f"{name}.png", dpi=110)
            _close(figure)
            sections.append(f'<h2>{title}</h2>{body}<img src="{name}.png" alt="{title}">')
            seconds = time.perf_counter() - start
            start = time.perf_counter()
            reached.append(name)
            say(f"{len(reached)}/{len(STEPS)} {title} ({seconds:.1f} s): {_summary(signal)}")
    except ValueError as error:
        if not reached:
            raise
        stop = str(error)
        say(f"stopped after {reached[-1]}: {stop}")
    page = folder / "report.html"
    page.write_text(_page(micrograph, sections, stop, signal), encoding="utf-8")
    say(f"report: {page}")
    return not stop


def _page(micrograph: Micrograph, sections: list[str], stop: str, last: Any) -> str:
    title = escape(micrograph.metadata.General.title or "Micrograph")
    calibration = escape(repr(micrograph.calibration).strip("<>"))
    stopped = f'<p class="stop">The chain stopped here: {escape(stop)}</p>' if stop else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{calibration}</p>"
        f"{''.join(sections)}{stopped}<h2>How it was made</h2>{_history(last)}</body></html>"
    )


def _segmented(signal: SegmentedImage, folder: Path) -> tuple[str, Figure, str]:
    rows = (
        [str(r["region"]), f"{r['area']:.4g}", f"{r['mean']:.4g}", f"{r['standard_deviation']:.3g}"]
        for r in signal.regions
    )
    unit = f"{signal._unit}²"
    body = _table(["region", f"area ({unit})", "mean intensity", "standard deviation"], rows)
    left_out = signal._bad_pixels_text
    if left_out:
        body = f"<p>Left out: {escape(left_out)} (see <code>bad_pixels</code>)</p>{body}"
    return "Regions", signal._figure(), body


def _indexed(signal: IndexedFFT, folder: Path) -> tuple[str, Figure, str]:
    head = ["region", "phase", "zone axis", "probability", "peaks", "residual (%)", "scale", "note"]
    body = _table(head, _phase_rows(signal))
    try:
        body += f"<p>{escape(repr(signal.calibration).strip('<>'))}</p>"
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
                    _named(one),
                    direction_label(one.match.zone_axis, one.match.crystal, "unicode"),
                    "" if np.isnan(one.probability) else f"{one.probability:.2f}",
                ]
                shared[5:] = [f"{100 * one.residual:.2f}", f"{one.scale:.4f}"]
            yield [*shared, one.reason]


def _named(record: RegionPhase) -> str:
    """Phase with all that it is tied with, and the composition of an alloy."""
    names = " = ".join((str(record.phase), *record.ties))
    return names if record.composition is None else f"{names}, {record.composition}"


def _labelled(record: RegionPhase) -> str:
    """Phase and zone axis with all that it is tied with, and the composition of an alloy."""
    assert record.match is not None
    label = phase_label(record.match.crystal, record.match.zone_axis)
    names = " = ".join((label, *record.ties))
    return names if record.composition is None else f"{names}, {record.composition}"


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
                f"{row['angle']:+.2f}",
                f"{row['misfit']:+.2f}",
                f"{row['measured_misfit']:+.2f} ± {row['measured_error']:.2f}",
                f"{row['n']} : {row['m']} ({row['coincidence_misfit']:+.2f} %)",
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
        strains = [f"{100 * row[name]:+.3f}" for name in ("e_xx", "e_yy", "e_xy")]
        rotation, error = f"{row['rotation']:+.3f}", f"{100 * row['sigma']:.3f}"
        rows.append([str(row["region"]), *strains, rotation, error])
    strains = [f"mean {name} (%)" for name in ("e_xx", "e_yy", "e_xy")]
    head = ["region", *strains, "mean rotation (°)", "error per pixel (%)"]
    return "Strain", signal.plot(), _table(head, rows)


def _model(signal: AtomicModel, folder: Path) -> tuple[str, Figure, str]:
    files = [name for name in MODEL_FILES if name.endswith("xyz") or len(signal.data) < LARGEST_CIF]
    for name in files:
        signal.write(folder / name)
    links = ", ".join(f'<a href="{name}">{name}</a>' for name in files)
    body = f"<p>{len(signal.data)} atoms ({escape(signal.formula)}): {links}</p>"
    return "Atomic model", signal.plot(), body


SECTIONS: dict[str, Callable[[Any, Path], tuple[str, Figure, str]]] = {
    "segmented": _segmented,
    "indexed": _indexed,
    "strain": _strain,
    "model": _model,
}


def _summary(signal: Any) -> str:
    from hyperspy_twin import AtomicModel, IndexedFFT, SegmentedImage

    if isinstance(signal, SegmentedImage):
        return f"{len(signal.regions)} regions"
    if isinstance(signal, IndexedFFT):
        return "; ".join(
            f"region {one.region}: "
            + (f"no phase ({one.reason})" if one.match is None else _labelled(one))
            for record in signal.phases
            for one in record.crystals
        )
    if isinstance(signal, AtomicModel):
        return f"{len(signal.data)} atoms"
    return f"reference region {signal.reference}, resolution {signal.resolution:.2g} {signal._unit}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("".join(_cell(cell) for cell in row) for row in rows)
    return f"<table><tr>{top}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(text: str) -> str:
    """Table cell: words to the left, numbers to the right."""
    words = any(letter.isalpha() for letter in text)
    return f"<td{' class=text' if words else ''}>{escape(text)}</td>"


def _history(signal: Any) -> str:
    rows = [
        [step["step"], json.dumps(step["parameters"]), step["input"]] for step in signal.history
    ]
    versions = signal.history[-1]["versions"]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return _table(["step", "parameters", "hash of its input"], rows) + f"<p>{escape(listed)}</p>"


def _close(figure: Figure) -> None:
    import matplotlib.pyplot as plt

    plt.close(figure)
