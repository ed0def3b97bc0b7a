"""Detection of Bragg peaks at a constant false-alarm rate."""

from __future__ import annotations

from hyperspy_twin.core import Peaks
from hyperspy_twin.spectra.detection.candidates import find_candidates
from hyperspy_twin.spectra.detection.measurement import measure_above_noise
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
    return measure_above_noise(region, found, found.excess, false_alarms, shortest_spacing)
