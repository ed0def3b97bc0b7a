"""Maps of the intensity of one edge, without cross-sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.composition.cross_sections import onset_of
from hyperspy_twin.composition.energy_loss_spectra import spectra_of_loss
from hyperspy_twin.composition.quantification import window_intensity
from hyperspy_twin.composition.scanned_grid import grid_of_scan
from hyperspy_twin.signals._images import axes_of
from hyperspy_twin.signals.composition_map import VARIANCE

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal
    from hyperspy.signals import Signal2D

# Of the onset and in eV: from where to where the background is fitted by default. Edges before are
# further off in most materials, and the energy scale is right within some eV.
BACKGROUND_FROM = 0.85
BACKGROUND_TO = 5.0
WINDOW = 50.0  # eV after the onset that are added up: white lines, and little of other edges


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

    spectra = spectra_of_loss(si, None)
    onset = onset_of(edge)
    background = background or (onset * BACKGROUND_FROM, onset - BACKGROUND_TO)
    window = window or (onset, onset + WINDOW)
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
