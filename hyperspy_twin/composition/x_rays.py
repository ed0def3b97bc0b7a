"""Composition by X-ray spectra of thin foils, with k-factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_twin.composition.elements import elements_of, known_elements
from hyperspy_twin.composition.quantification import (
    cliff_lorimer,
    fractions_of_amounts,
    net_counts,
)
from hyperspy_twin.composition.scanned_grid import grid_of_scan
from hyperspy_twin.core import content_hash
from hyperspy_twin.signals._images import show_progress
from hyperspy_twin.signals._values import CompositionReport
from hyperspy_twin.signals.composition_map import CompositionMap

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

# Standard errors by which a line has to stand out of the background in the sum of all spectra.
SEEN = 3.0
# keV: below it, absorption in a foil of 100 nm of a heavy material exceeds some percent.
SOFT = 2.0


class _Lines(NamedTuple):
    """Counts of lines in their windows and in those of the background, (lines, rows, columns)."""

    window: np.ndarray
    background: np.ndarray
    factor: np.ndarray
    shared: np.ndarray


def from_eds(
    si: BaseSignal,
    elements: Sequence[str] | None = None,
    *,
    kfactors: Mapping[str, float] | Sequence[float] | None = None,
    lines: Sequence[str] | None = None,
    background: tuple[float, float] | None = (2.0, 2.0),
    window: float = 2.0,
    show_progressbar: bool | None = None,
) -> CompositionMap:
    """Make a composition map of an X-ray spectrum image by the method of Cliff and Lorimer.

    The counts of one line of each element are those in a window, less the background in two windows
    beside it; the windows are exspy's. Errors are those of the counts of all windows.

    Where spectra are weak, add them up before: ``from_eds(si.sum("x"), ...)`` gives one fraction
    for each row.

    Parameters
    ----------
    si
        Spectrum image, line or single spectrum of the type EDS_TEM, eager or lazy, in counts.
    elements
        Symbols, at least two; by default those in ``metadata.Sample.elements``.
    kfactors
        For fractions of the weight, of all lines relative to the same one: by the line
        (``{"Fe_Ka": 1.45}``), by the element, or in the order of the elements. They are properties
        of the microscope, and none are assumed.
    lines
        Line of each element, such as ``["Fe_Ka", "Pt_La"]``; by default those in
        ``metadata.Sample.xray_lines``, or those that exspy chooses.
    background
        Distance of the background windows to the left and right of a line, in widths of the line;
        None subtracts no background.
    window
        Width of the window of a line, in widths of the line.
    show_progressbar
        By default what HyperSpy's preferences say.

    Returns
    -------
    CompositionMap
        Fractions as measured, with errors of counting; NaN where the counts do not tell them.

    Raises
    ------
    ValueError
        If elements, lines or k-factors are missing, or no line is seen.

    References
    ----------
    G. Cliff, G.W. Lorimer, J. Microsc. 103 (1975) 203.
    """
    from ase.data import atomic_masses, atomic_numbers

    if not hasattr(si, "get_lines_intensity") or "TEM" not in str(si.metadata.Signal.signal_type):
        raise ValueError(
            "X-ray spectra of a thin foil are needed, of the type EDS_TEM: call "
            'si.set_signal_type("EDS_TEM") if this is one'
        )
    names = elements_of(si, elements, ("Fe", "Pt"))
    chosen = _choose_lines(si, names, lines)
    factors = _kfactors(kfactors, names, chosen)
    scanned = grid_of_scan(si, si.axes_manager.navigation_axes)
    with show_progress("Composition by EDS", show_progressbar):
        read = _read_lines(si, chosen, background, window, scanned.grid.shape)
    if read.window.min() < 0:
        raise ValueError("the spectra hold negative counts: give them as they were counted")
    _check_seen(read, chosen)
    masses = np.array([atomic_masses[atomic_numbers[name]] for name in names])
    amounts = cliff_lorimer(*net_counts(*read), factors, masses)
    fractions = fractions_of_amounts(*amounts)
    used = dict(zip(chosen, factors.tolist(), strict=True))
    return CompositionMap._measured(
        fractions.values.astype(np.float32),
        fractions.variance.astype(np.float32),
        scanned.grid,
        unit=scanned.unit,
        report=CompositionReport(
            names,
            f"EDS, {', '.join(f'{line} (k {k:.6g})' for line, k in used.items())}, by the method "
            "of Cliff and Lorimer",
            tuple(_notes(si, chosen, background)),
            fractions.withheld,
        ),
        step="from_eds",
        parameters={
            "elements": list(names),
            "kfactors": used,
            "background": None if background is None else list(background),
            "window": window,
        },
        input_hash="lazy" if si._lazy else content_hash(si.data),
        metadata=scanned.metadata,
        original_metadata=scanned.original_metadata,
    )


def _choose_lines(
    si: BaseSignal, names: Sequence[str], lines: Sequence[str] | None
) -> tuple[str, ...]:
    """Line of each element, in the order of the elements."""
    given = list(si.metadata.get_item("Sample.xray_lines", ())) if lines is None else list(lines)
    by_element = {name: [one for one in given if one.split("_")[0] == name] for name in names}
    missing = [name for name, own in by_element.items() if not own]
    if missing and lines is not None:
        raise ValueError(f"lines holds none of {', '.join(missing)}")
    if missing:
        work = si.isig[:]
        work.metadata.set_item("Sample.xray_lines", [])
        work.set_elements(missing)
        work.add_lines()
        for line in work.metadata.get_item("Sample.xray_lines", ()):
            by_element[line.split("_")[0]].append(line)
    low, high = si.axes_manager.signal_axes[0].axis[[0, -1]]
    for name, own in by_element.items():
        inside = [line for line in own if low < _energy(si, line) < high]
        if not inside:
            raise ValueError(
                f"{name} has no line between {low:.3g} and {high:.3g} keV that can be used"
                + (f" ({', '.join(own)} lies outside)" if own else "")
            )
        if len(inside) > 1:
            raise ValueError(
                f"{name} has the lines {', '.join(inside)}: choose one with lines=[...]"
            )
        by_element[name] = inside
    return tuple(str(own[0]) for own in by_element.values())


def _energy(si: BaseSignal, line: str) -> float:
    element, _, name = line.partition("_")
    energy = known_elements().get_item(
        f"{element}.Atomic_properties.Xray_lines.{name}.energy (keV)"
    )
    if energy is None:
        raise ValueError(f"there is no line {line!r}: name it as 'Fe_Ka'")
    unit = str(si.axes_manager.signal_axes[0].units)
    return float(energy) * (1000.0 if unit == "eV" else 1.0)


def _kfactors(
    given: Mapping[str, float] | Sequence[float] | None,
    names: Sequence[str],
    lines: Sequence[str],
) -> np.ndarray:
    if given is not None and not isinstance(given, Mapping):
        if len(given) != len(names):
            raise ValueError(
                f"{len(given)} k-factors are given for {', '.join(lines)}: one for each is needed"
            )
        given = dict(zip(lines, given, strict=True))
    known = given or {}
    values = {
        line: known.get(line, known.get(name)) for name, line in zip(names, lines, strict=True)
    }
    missing = [line for line, value in values.items() if value is None]
    if missing:
        example = ", ".join(f"'{line}': ..." for line in lines)
        raise ValueError(
            f"k-factors are missing for {', '.join(missing)}: give kfactors={{{example}}}, from "
            "the microscope's software or a standard"
        )
    factors = np.array(list(values.values()), float)
    if not (np.isfinite(factors) & (factors > 0)).all():
        raise ValueError(f"k-factors are positive numbers, not {factors.tolist()}")
    return factors


def _read_lines(
    si: BaseSignal,
    lines: Sequence[str],
    background: tuple[float, float] | None,
    width: float,
    shape: tuple[int, int],
) -> _Lines:
    """Add up the windows that exspy chooses."""
    axis = si.axes_manager.signal_axes[0]
    if not axis.is_binned:
        si = si.isig[:]
        si.axes_manager.signal_axes[0].is_binned = True
    windows = si.estimate_integration_windows(windows_width=width, xray_lines=lines)
    options: dict[str, Any] = {"xray_lines": list(lines), "integration_windows": windows}

    def counts(**more: Any) -> np.ndarray:
        found = si.get_lines_intensity(**options, **more)
        return np.stack([np.asarray(one.data, float).reshape(shape) for one in found])

    inside = counts()
    if background is None:
        return _Lines(inside, np.zeros_like(inside), np.zeros(len(lines)), np.eye(len(lines)))
    beside = si.estimate_background_windows(line_width=list(background), xray_lines=lines)
    if beside.min() < axis.axis[0] or beside.max() > axis.axis[-1]:
        raise ValueError(
            "background windows lie outside of the spectra: choose others with background=(left, "
            f"right), in widths of the line; now they are {np.round(beside, 3).tolist()} keV"
        )
    net = counts(background_windows=beside)
    factor = np.array([_width_ratio(axis, *pair) for pair in zip(windows, beside, strict=True)])
    shared = np.array([[np.allclose(one, other) for other in beside] for one in beside], float)
    return _Lines(inside, (inside - net) / factor[:, None, None], factor, shared)


def _width_ratio(axis: Any, window: Sequence[float], beside: Sequence[float]) -> float:
    """Channels of a window over those of its background windows, as exspy counts them."""
    index = [axis.value2index(float(energy)) for energy in (*window, *beside)]
    return (index[1] - index[0]) / ((index[3] - index[2]) + (index[5] - index[4]))


def _check_seen(read: _Lines, lines: Sequence[str]) -> None:
    """Refuse spectra that show none of the lines, in the sum of all."""
    total, covariance = net_counts(
        read.window.sum(axis=(1, 2)), read.background.sum(axis=(1, 2)), read.factor, read.shared
    )
    if not (total > SEEN * np.sqrt(np.diag(covariance))).any():
        raise ValueError(
            f"no line is seen in the sum of all spectra (looked for {', '.join(lines)}): check the "
            "elements and the energy scale"
        )


def _notes(
    si: BaseSignal, lines: Sequence[str], background: tuple[float, float] | None
) -> Iterator[str]:
    unit = 1000.0 if str(si.axes_manager.signal_axes[0].units) == "eV" else 1.0
    yield "thin foil: absorption and fluorescence were not corrected"
    soft = [line for line in lines if _energy(si, line) / unit < SOFT]
    if soft:
        yield (
            f"lines below {SOFT:g} keV ({', '.join(soft)}) are absorbed in thick or heavy foils: "
            "the fractions of their elements are then too low"
        )
    if background is None:
        yield "no background was subtracted"
