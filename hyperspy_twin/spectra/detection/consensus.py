"""Bragg peaks by all evidence at once: noise, surroundings, and the lattice of the others."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from scipy.special import expit

from hyperspy_twin.core import Peaks
from hyperspy_twin.spectra.detection.candidates import (
    Candidates,
    detection_threshold,
    find_candidates,
)
from hyperspy_twin.spectra.detection.line_profiles import measure_profile_snr
from hyperspy_twin.spectra.detection.measurement import measure_peaks
from hyperspy_twin.spectra.fitting import fit_weight
from hyperspy_twin.spectra.lattices import distortion_variance, find_lattices
from hyperspy_twin.spectra.transform import WindowedRegion

# Expected number of maxima of noise among the candidates, at the usual number of false alarms: many
# enough that no peak is lost before it is weighed.
FALSE_CANDIDATES = 20.0
USUAL_FALSE_ALARMS = 0.05
# Ranges of the evidence, in units of the noise power and as a logarithm: the tails of noise in
# real images are not those of theory. Set on the tuning half of benchmarks/spots.py.
LOWEST_EXCESS = -6.0
HIGHEST_EXCESS = 8.0
LARGEST_ON_LATTICE = 4.0
# Height over the profiles below which it is no evidence: keeps zeros from a division.
LOWEST_PROFILE = 0.1
# The network's probability is bounded by this and by one less this: its calibration has no more
# examples than to know so much.
NETWORK_BOUND = 1e-3
# Probability from which a candidate is called a peak: more likely one than not.
KEPT = 0.5
# Constant and weights of the evidence, from the tuning half (`benchmarks/spots_weights.py`).
WEIGHTS = np.array([-1.028, 0.351, 0.134, 1.968, 0.704])
WEIGHTS_WITH_NETWORK = np.array([-0.027, 0.318, 0.110, 2.031, 0.682, 0.245])


def detect_consensus(
    region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0
) -> Peaks:
    """Find the Bragg peaks that the detectors and the lattice agree on.

    Candidates well below the threshold of the single detectors are weighed by a logistic
    regression of four kinds of evidence: their power over noise and over the tails of stronger
    peaks, their height over the profiles of their row and column, whether they are on the
    plane lattices of the clear peaks, and the network's view where torch is installed. Being off
    all lattices counts little against a clear peak, so that a second crystal keeps its peaks.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    false_alarms
        Expected number of peaks in a spectrum of pure noise by power alone.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    Peaks
        Strongest first, with the calibrated probability of each to be a lattice peak.
    """
    candidates = FALSE_CANDIDATES * false_alarms / USUAL_FALSE_ALARMS
    found = find_candidates(region, candidates, shortest_spacing)
    if not len(found):
        return measure_peaks(region, found, np.zeros(0))
    threshold = detection_threshold(region, false_alarms, shortest_spacing)
    values = measure_evidence(region, found, threshold)
    network = None
    if find_spec("torch") is not None:
        from hyperspy_twin.spectra.detection.network import map_probability

        network = map_probability(region)[found.row, found.column]
    probability = weigh(values, network)
    kept = probability >= KEPT
    return measure_peaks(region, found[kept], probability[kept])


def measure_evidence(region: WindowedRegion, found: Candidates, threshold: float) -> np.ndarray:
    """Measure the evidence for each candidate, shape (n, 4).

    Its power over noise and tails less the threshold; its height over profiles and tails less
    the threshold; whether there is a lattice; and the logarithm of how much likelier the position
    is for a peak of a lattice than for anything else.

    Parameters
    ----------
    region
        The windowed region.
    found
        The candidates.
    threshold
        Of the excess, for the stated number of false alarms.
    """
    excess = found.excess
    profile = measure_profile_snr(region)[found.row, found.column]
    tails = found.tail / found.maxima.power
    height = 1 / (1 / np.maximum(profile, LOWEST_PROFILE) + tails)
    scale = np.asarray(region.grid.scale)
    position, snr = found.maxima.frequency / scale, found.maxima.power / found.noise
    spread = np.sqrt(np.diag(np.linalg.inv(fit_weight(region.window).extent))) / (2 * np.pi) / scale
    error = spread / np.sqrt(2 * snr[:, None])
    clear = excess > threshold
    lattices = find_lattices(position[clear], error[clear], snr[clear], spread).lattices
    variance = error**2 + distortion_variance(position, spread)
    ratios = [one.fit.ratios(position, variance)[1] for one in lattices]
    on_lattice = np.max(ratios, axis=0) if ratios else np.zeros(len(found))
    return np.stack(
        [
            np.clip(excess - threshold, LOWEST_EXCESS, HIGHEST_EXCESS),
            np.clip(height - threshold, LOWEST_EXCESS, HIGHEST_EXCESS),
            np.full(len(found), float(bool(lattices))),
            np.clip(on_lattice, -LARGEST_ON_LATTICE, LARGEST_ON_LATTICE),
        ],
        axis=1,
    )


def weigh(values: np.ndarray, network: np.ndarray | None) -> np.ndarray:
    """Probability (n,) to be a lattice peak, by evidence (n, 4) and the network's view (n,)."""
    weights = WEIGHTS if network is None else WEIGHTS_WITH_NETWORK
    return expit(regression_terms(values, network) @ weights)


def regression_terms(values: np.ndarray, network: np.ndarray | None) -> np.ndarray:
    """Terms of the regression in :func:`weigh`, shape (n, 5), or (n, 6) with the network."""
    columns = [np.ones(len(values)), *values.T]
    if network is not None:
        bounded = np.clip(network, NETWORK_BOUND, 1 - NETWORK_BOUND)
        columns.append(np.log(bounded / (1 - bounded)))
    return np.stack(columns, axis=1)
