"""Detection of Bragg peaks at a constant false-alarm rate, by their power or their profiles."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.spectra.detection.candidates import (
    Candidates,
    detection_threshold,
    expected_maxima,
    find_candidates,
    resolution_cells,
)
from hyperspy_twin.spectra.detection.line_profiles import measure_profile_snr
from hyperspy_twin.spectra.detection.measurement import measure_peaks
from hyperspy_twin.spectra.transform import WindowedRegion


def detect_cfar(
    region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0
) -> Peaks:
    """Find the Bragg peaks of a windowed region.

    Noise power is exponentially distributed about its expectation [1]_. The threshold lets
    ``false_alarms`` maxima of the continuous spectrum of noise pass, counted as the expected
    number of maxima of a smooth chi-squared field [2]_. What a stronger peak spreads around it,
    because its crystal ends inside the region, counts as noise.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    false_alarms
        Expected number of false peaks in a spectrum of pure noise.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    Peaks
        Sorted by falling intensity; the probability is that noise alone makes no such peak.

    References
    ----------
    .. [1] S. M. Kay, Fundamentals of Statistical Signal Processing II, Prentice Hall (1998).
    .. [2] K. J. Worsley, Adv. Appl. Probab. 26 (1994) 13.
    """
    found = find_candidates(region, false_alarms, shortest_spacing)
    return _measure_high(region, found, found.excess, false_alarms, shortest_spacing)


def detect_profile(
    region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0
) -> Peaks:
    """Find the Bragg peaks that stand out of their row and their column.

    Parameters
    ----------
    region, false_alarms, shortest_spacing
        As for :func:`detect_cfar`.

    Returns
    -------
    Peaks
        Strongest first; the probability is that noise makes no such maximum of a profile.
    """
    found = find_candidates(region, false_alarms, shortest_spacing)
    height = measure_profile_snr(region)[found.row, found.column]
    return _measure_high(region, found, height, false_alarms, shortest_spacing)


def _measure_high(
    region: WindowedRegion,
    found: Candidates,
    height: np.ndarray,
    false_alarms: float,
    spacing: float,
) -> Peaks:
    """Measure the candidates whose height, (n,) in units of the noise, stands out from it."""
    kept = height > detection_threshold(region, false_alarms, spacing)
    false = expected_maxima(height[kept], resolution_cells(region, spacing))
    return measure_peaks(region, found[kept], np.exp(-false))
