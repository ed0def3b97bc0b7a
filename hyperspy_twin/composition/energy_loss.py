"""Composition by energy-loss spectra: edges fitted with cross-sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.composition.cross_sections import cross_section, find_edges, onset_of, optics_of
from hyperspy_twin.composition.elements import elements_of
from hyperspy_twin.composition.energy_loss_spectra import (
    EnergyLossSpectra,
    all_spectra,
    spectra_of_loss,
)
from hyperspy_twin.composition.quantification import (
    NO_COMPOSITION,
    EdgeFit,
    LowLoss,
    excess_of_misfit,
    fit_edges,
    fractions_of_amounts,
    low_loss_of,
)
from hyperspy_twin.composition.scanned_grid import grid_of_scan
from hyperspy_twin.core import content_hash, count_steps
from hyperspy_twin.signals._images import show_progress
from hyperspy_twin.signals._values import CompositionReport
from hyperspy_twin.signals.composition_map import CompositionMap

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

# Standard errors by which an edge has to stand out of the background in the sum of all spectra.
SEEN = 3.0
EMPTY = "the spectrum is empty or not finite"
UNSETTLED = "the fit did not settle"
ONE_EDGE = ": the intensity of one edge is that of ht.composition.edge_intensity(...)"


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
    names = elements_of(si, elements, ("Si", "Ge"), ONE_EDGE)
    spectra = spectra_of_loss(si, energy_range)
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
    amounts[~good] = 0.0
    excess = excess_of_misfit(
        whole, quality, freedom * int(good.sum()), counts / max(counts[good].sum(), 1.0)
    )
    covariance *= excess[:, None, None]
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
            tuple(_notes(optics, plural, float(np.median(excess)), fine_structure)),
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


def _low_loss_of(low_loss: BaseSignal, spectra: EnergyLossSpectra) -> LowLoss:
    found = all_spectra(low_loss)
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
    return low_loss_of(np.asarray(found))


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
    spectra: EnergyLossSpectra, shapes: np.ndarray, plural: LowLoss | None, kept: np.ndarray
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
    optics: Any, plural: LowLoss | None, excess: float, fine_structure: float
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
    if excess > 1:
        yield (
            "the model does not describe the counts, as chi-square tells: plural scattering, fine "
            "structure, another edge, or a camera that counts more than one for an electron; "
            f"errors were multiplied by {np.sqrt(excess):.3g} in the median, and fractions may be "
            "wrong by one to two of them everywhere alike"
        )
