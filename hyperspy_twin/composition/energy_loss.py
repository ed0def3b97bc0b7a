"""Composition by energy-loss spectra: edges fitted with cross-sections, and intensities alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hyperspy_twin.composition.cross_sections import cross_section, find_edges, onset_of, optics_of
from hyperspy_twin.composition.elements import check_elements
from hyperspy_twin.composition.quantification import (
    NO_COMPOSITION,
    EdgeFit,
    LowLoss,
    fit_edges,
    fractions_of_amounts,
    low_loss_of,
    window_intensity,
)
from hyperspy_twin.composition.scanned_grid import grid_of_scan
from hyperspy_twin.core import count_steps
from hyperspy_twin.signals._images import axes_of, show_progress
from hyperspy_twin.signals._signal import content_hash
from hyperspy_twin.signals._values import CompositionReport
from hyperspy_twin.signals.composition_map import VARIANCE, CompositionMap

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal
    from hyperspy.signals import Signal2D

# Bytes of spectra that are read and fitted at a time, so that a file need not fit into memory.
BLOCK = 64_000_000
# Standard errors by which an edge has to stand out of the background in the sum of all spectra.
SEEN = 3.0
# Standard errors of the mean chi-square above one: beyond, the model does not describe the counts.
MISFIT = 5.0
EMPTY = "the spectrum is empty or not finite"
UNSETTLED = "the fit did not settle"


class _Spectra(NamedTuple):
    """Spectra of all positions, (pixels, channels), and the energies of their channels in eV."""

    data: Any
    energies: np.ndarray

    def blocks(self) -> list[slice]:
        """Parts of the positions that fit into memory."""
        step = max(1, BLOCK // (8 * len(self.energies)))
        return [slice(low, low + step) for low in range(0, len(self.data), step)]

    def read(self, part: slice) -> np.ndarray:
        return np.asarray(self.data[part], float)


def from_eels(
    si: BaseSignal,
    elements: Sequence[str] | None = None,
    *,
    low_loss: BaseSignal | None = None,
    energy_range: tuple[float, float] | None = None,
    fine_structure: float = 0.0,
    gos: str = "hydrogenic",
    show_progressbar: bool | None = None,
) -> CompositionMap:
    """Make a composition map of a core-loss spectrum image.

    A power law and the edges of the elements, by their cross-sections, are fitted to each spectrum
    by the likelihood of its counts. Fractions are the amounts over their sum.

    Where spectra are weak, add them up before: ``from_eels(si.sum("x"), ...)`` gives one fraction
    for each row, with an error that the mean of fractions of single pixels does not reach.

    Parameters
    ----------
    si
        Spectrum image, line or single spectrum, eager or lazy, in counts. Beam energy, convergence
        and collection angle are taken from its metadata.
    elements
        Symbols, at least two; by default those in ``metadata.Sample.elements``.
    low_loss
        Low-loss spectra of the same positions, or one spectrum, with channels of the same width,
        from below the zero-loss peak on. The edges are convolved with them.
    energy_range
        Lowest and highest energy in eV that are fitted; by default all. It has to begin before the
        first edge.
    fine_structure
        Energy in eV from each onset on that is left out of the fit: cross-sections of free atoms
        hold no white lines and no bonds. Real edges want about 20 to 40 eV.
    gos
        Cross-sections: ``"hydrogenic"`` for K and L edges, or ``"dft"`` and ``"dirac"`` for all,
        which exspy loads from Zenodo.
    show_progressbar
        By default what HyperSpy's preferences say.

    Returns
    -------
    CompositionMap
        Fractions as measured, with errors of counting; NaN where the counts do not tell them.

    Raises
    ------
    ValueError
        If optics, elements, edges or the energy scale are missing, or no edge is seen.

    References
    ----------
    R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, Springer (2011),
    section 4.5.
    """
    names = _elements_of(si, elements)
    spectra = _spectra_of(si, energy_range)
    scanned = grid_of_scan(si, si.axes_manager.navigation_axes)
    optics = optics_of(si)
    edges = find_edges(names, spectra.energies, gos)
    plural = None if low_loss is None else _low_loss_of(low_loss, spectra)
    wide = _extended(spectra.energies, plural)
    shapes = np.array(
        [sum(cross_section(edge, wide, optics, gos) for edge in edges[name]) for name in names]
    )
    kept = _channels_kept(spectra.energies, edges, fine_structure)
    with show_progress("Composition by EELS", show_progressbar):
        whole, fits, counts, usable = _fit_all(spectra, shapes, plural, kept)
    _check_seen(whole, names, edges)
    amounts, covariance, converged, chi = (
        np.concatenate([getattr(fit, name) for fit in fits])
        for name in ("amounts", "covariance", "converged", "chi_square")
    )
    freedom = fits[0].freedom
    good = usable & converged
    quality = float(chi[good].mean() / freedom) if good.any() else float("nan")
    misfit = quality - 1 > MISFIT * np.sqrt(2 / (freedom * max(good.sum(), 1)))
    amounts[~good] = 0.0
    covariance *= quality if misfit else 1.0
    total = amounts.sum()
    expected = counts * (total / max(counts[good].sum(), 1.0))
    found = fractions_of_amounts(amounts.T, covariance.transpose(1, 2, 0), expected)
    withheld = _reasons(found.withheld, usable, converged)
    shape = (len(names), *scanned.grid.shape)
    return CompositionMap._measured(
        found.values.reshape(shape).astype(np.float32),
        found.variance.reshape(shape).astype(np.float32),
        scanned.grid,
        unit=scanned.unit,
        report=CompositionReport(
            names,
            f"EELS, {', '.join(edge for name in names for edge in edges[name])} with {gos} "
            "cross-sections and a power law, fitted by Poisson likelihood",
            tuple(_notes(optics, plural, misfit, fine_structure)),
            withheld,
            quality,
        ),
        step="from_eels",
        parameters={
            "elements": list(names),
            "low_loss": low_loss is not None,
            "energy_range": [float(spectra.energies[0]), float(spectra.energies[-1])],
            "fine_structure": fine_structure,
            "gos": gos,
        },
        input_hash="lazy" if si._lazy else content_hash(si.data),
        metadata=scanned.metadata,
        original_metadata=scanned.original_metadata,
    )


def edge_intensity(
    si: BaseSignal,
    edge: str,
    *,
    background: tuple[float, float] | None = None,
    window: tuple[float, float] | None = None,
) -> Signal2D:
    """Map of the counts of one edge above a power law that is fitted before it.

    It needs no cross-section, and shows where an element is, not how much of it.

    Parameters
    ----------
    si
        Spectrum image in counts.
    edge
        Such as ``"La_M5"``.
    background
        Lowest and highest energy in eV that the power law is fitted to; by default the 15 % of the
        onset before it, but for the last 5 eV.
    window
        Lowest and highest energy in eV that are added up; by default 50 eV from the onset on.

    Returns
    -------
    hyperspy.api.signals.Signal2D
        Counts, with their variance in ``metadata.Signal.Noise_properties.variance``: that of the
        counts and of the background below them.

    Raises
    ------
    ValueError
        If there is no such edge, or the spectra do not hold the windows.
    """
    from hyperspy.signals import Signal2D

    spectra = _spectra_of(si, None)
    onset = onset_of(edge)
    background = background or (onset * 0.85, onset - 5.0)
    window = window or (onset, onset + 50.0)
    scanned = grid_of_scan(si, si.axes_manager.navigation_axes)
    parts = [
        window_intensity(spectra.read(part), spectra.energies, background, window)
        for part in spectra.blocks()
    ]
    values, variance = (
        np.concatenate(one).reshape(scanned.grid.shape) for one in zip(*parts, strict=True)
    )
    axes = axes_of(scanned.grid, scanned.unit)
    title = f"{edge} intensity, {si.metadata.General.title}"
    metadata = {"General": {"title": title}, "Sample": {"elements": [edge.partition("_")[0]]}}
    image = Signal2D(
        values, axes=axes, metadata=metadata, original_metadata=dict(scanned.original_metadata)
    )
    image.metadata.set_item(VARIANCE, Signal2D(variance, axes=axes))
    image.metadata.set_item("Signal.quantity", "Intensity (Counts)")
    return image


def _elements_of(si: BaseSignal, elements: Sequence[str] | None) -> tuple[str, ...]:
    found = si.metadata.get_item("Sample.elements", ()) if elements is None else elements
    if not len(found):
        raise ValueError('the elements are missing: give elements=["Si", "Ge"]')
    names = check_elements(found)
    if len(names) < 2:
        raise ValueError(
            f"a fraction needs at least two elements, and {names[0]} is the only one: the "
            "intensity of one edge is that of ht.composition.edge_intensity(...)"
        )
    return names


def _spectra_of(si: BaseSignal, energy_range: tuple[float, float] | None) -> _Spectra:
    axes = si.axes_manager.signal_axes
    if len(axes) != 1:
        raise ValueError(
            f"spectra have one signal axis, and this signal has {len(axes)}: call "
            "si.as_signal1D(...) with the energy axis"
        )
    (axis,) = axes
    if not axis.is_uniform or str(axis.units) != "eV":
        raise ValueError(
            f"the energy axis has to be uniform and in eV, and its unit is '{axis.units}': set "
            "units, scale and offset of si.axes_manager[-1]"
        )
    data = np.moveaxis(si.data, axis.index_in_array, -1).reshape(-1, axis.size)
    energies = axis.axis
    low, high = energy_range or (energies[0], energies[-1])
    inside = np.flatnonzero((energies >= max(low, 0.0)) & (energies <= high) & (energies > 0))
    if not inside.size:
        raise ValueError(
            f"no channel lies between {low:g} and {high:g} eV: the spectra go from "
            f"{energies[0]:g} to {energies[-1]:g} eV"
        )
    return _Spectra(data[:, inside[0] : inside[-1] + 1], energies[inside])


def _low_loss_of(low_loss: BaseSignal, spectra: _Spectra) -> LowLoss:
    found = _spectra_of_any(low_loss)
    step = spectra.energies[1] - spectra.energies[0]
    (axis,) = low_loss.axes_manager.signal_axes
    if abs(axis.scale / step - 1) > 1e-3:
        raise ValueError(
            f"the channels of the low loss are {axis.scale:g} eV wide, and those of the spectra "
            f"{step:g} eV: interpolate one of them, with low_loss.interpolate_on_axis(...)"
        )
    if len(found) not in (1, len(spectra.data)):
        raise ValueError(
            f"the low loss has {len(found)} positions, and the spectrum image "
            f"{len(spectra.data)}: give the same ones, or their sum"
        )
    return low_loss_of(found)


def _spectra_of_any(signal: BaseSignal) -> np.ndarray:
    (axis,) = signal.axes_manager.signal_axes
    return np.asarray(np.moveaxis(signal.data, axis.index_in_array, -1)).reshape(-1, axis.size)


def _extended(energies: np.ndarray, plural: LowLoss | None) -> np.ndarray:
    """Energies of the channels and of those from which the low loss spreads into them."""
    before, after = (plural.losses, plural.gains) if plural else (0, 0)
    step = energies[1] - energies[0]
    return energies[0] + step * np.arange(-before, len(energies) + after)


def _channels_kept(
    energies: np.ndarray, edges: dict[str, list[str]], fine_structure: float
) -> np.ndarray:
    kept = np.ones(len(energies), bool)
    for edge in [one for listed in edges.values() for one in listed]:
        onset = onset_of(edge)
        kept &= ~((energies >= onset) & (energies < onset + fine_structure))
    return kept


def _fit_all(
    spectra: _Spectra, shapes: np.ndarray, plural: LowLoss | None, kept: np.ndarray
) -> tuple[EdgeFit, list[EdgeFit], np.ndarray, np.ndarray]:
    """Fit the sum of all spectra and each; the counts of each, and whether they can be fitted."""
    energies = spectra.energies[kept]
    fits, counts, usable = [], [], []
    total = np.zeros(len(energies))
    parts = spectra.blocks()
    for part in count_steps(parts, "part"):
        block = spectra.read(part)[:, kept]
        good = np.isfinite(block).all(axis=1) & (block.sum(axis=1) > 0)
        block = np.where(good[:, None], block, 1.0)
        edges = shapes if plural is None else plural.rows(part.start, part.stop).convolve(shapes)
        edges = edges[0] if edges.ndim == 3 and len(edges) == 1 else edges
        fits.append(fit_edges(block, energies, edges[..., kept]))
        counts.append(block.sum(axis=1))
        usable.append(good)
        total += block[good].sum(axis=0)
    edges = shapes if plural is None else plural.convolve(shapes).mean(axis=0)
    if not total.sum() > 0:
        raise ValueError("the spectra hold no counts")
    whole = fit_edges(total[None], energies, edges[..., kept])
    return whole, fits, np.concatenate(counts), np.concatenate(usable)


def _check_seen(whole: EdgeFit, names: Sequence[str], edges: dict[str, list[str]]) -> None:
    """Refuse spectra that show none of the edges, in the sum of all."""
    error = np.sqrt(np.einsum("ii->i", whole.covariance[0]))
    error *= np.sqrt(max(1.0, float(whole.chi_square[0]) / whole.freedom))
    if not (whole.amounts[0] > SEEN * error).any():
        listed = ", ".join(edge for name in names for edge in edges[name])
        raise ValueError(
            f"no edge is seen in the sum of all spectra (looked for {listed}): check the elements, "
            "the energy scale and the range that is fitted"
        )


def _reasons(found: dict[str, int], usable: np.ndarray, converged: np.ndarray) -> dict[str, int]:
    """Reasons of the pixels that are withheld; those that were set to zero have others."""
    counts = {EMPTY: ~usable, UNSETTLED: usable & ~converged}
    reasons = {reason: int(where.sum()) for reason, where in counts.items() if where.any()}
    kept = {reason: number for reason, number in found.items() if reason != NO_COMPOSITION}
    return {**reasons, **kept}


def _notes(
    optics: Any, plural: LowLoss | None, misfit: bool, fine_structure: float
) -> Iterator[str]:
    yield (
        f"{optics.beam_energy:g} keV, convergence {optics.convergence:g} mrad, collection "
        f"{optics.collection:g} mrad"
    )
    if fine_structure:
        yield f"the first {fine_structure:g} eV of each edge were left out"
    if plural is None:
        yield (
            "plural scattering was not taken into account: from half a mean free path on, "
            "fractions can be wrong by .05; low_loss=... corrects it"
        )
    else:
        yield (
            "edges were convolved with the low loss: thickness "
            f"{np.median(plural.thickness):.2g} mean free paths in the median"
        )
    if misfit:
        yield (
            "the model does not describe the counts, as chi-square tells: plural scattering, fine "
            "structure, another edge, or a camera that counts more than one for an electron; the "
            "errors were multiplied by the root of chi-square, and fractions may be biased"
        )
