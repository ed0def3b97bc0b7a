"""Bragg spots by all evidence at once: noise, surroundings, and the lattice of the others."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from hyperspy_twin.spectra.detection.candidates import (
    Candidates,
    detection_threshold,
    find_candidates,
)
from hyperspy_twin.spectra.detection.cfar import Spots, measure
from hyperspy_twin.spectra.detection.line_profiles import profile_snr
from hyperspy_twin.spectra.fitting.wave_fit import fit_weight
from hyperspy_twin.spectra.lattices.fit import (
    RELATIVE_TOLERANCE,
    RESOLUTION_TOLERANCE,
    find_lattices,
)
from hyperspy_twin.spectra.transform import WindowedRegion

# Expected number of maxima of noise among the candidates.
FALSE_CANDIDATES = 20.0
# Constant and weights of the evidence, from the tuning set (`benchmarks/spots_weights.py`).
WEIGHTS = np.array([-1.028, 0.351, 0.134, 1.968, 0.704])
WEIGHTS_WITH_NETWORK = np.array([-0.027, 0.318, 0.110, 2.031, 0.682, 0.245])


def detect_consensus(
    region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0
) -> Spots:
    """Find the Bragg spots that the detectors and the lattice agree on.

    Candidates well below the threshold of the single detectors are weighed by a logistic
    regression of four kinds of evidence: their power over noise and over the skirts of stronger
    spots, their height over the profiles of their row and column, their place on the plane
    lattices of the clear spots, and the network's view where torch is installed. A place off all
    lattices counts little against a clear spot, so that a second crystal keeps its spots.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    false_alarms
        Expected number of spots in a spectrum of pure noise by power alone.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    Spots
        Strongest first, with the calibrated probability of each to be a lattice spot.
    """
    found = find_candidates(region, FALSE_CANDIDATES * false_alarms / 0.05, shortest_spacing)
    if not len(found):
        return measure(region, found, np.zeros(0))
    threshold = detection_threshold(region, false_alarms, shortest_spacing)
    values = evidence(region, found, threshold)
    network = None
    if find_spec("torch") is not None:
        from hyperspy_twin.spectra.detection.network import probability_map

        network = probability_map(region)[found.row, found.column]
    probability = weigh(values, network)
    kept = probability >= 0.5
    return measure(region, found[kept], probability[kept])


def evidence(region: WindowedRegion, found: Candidates, threshold: float) -> np.ndarray:
    """Evidence for each candidate, shape (n, 4).

    Its power over noise and skirts less the threshold; its height over profiles and skirts less
    the threshold; whether there is a lattice; and the logarithm of how much
    likelier the place is for a spot of a lattice than for anything else. All are bounded, as the
    tails of noise in real images are not those of theory.

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
    profile = profile_snr(region)[found.row, found.column]
    skirts = found.skirt / found.maxima.power
    height = 1 / (1 / np.maximum(profile, 0.1) + skirts)
    scale = np.asarray(region.grid.scale)
    position, snr = found.maxima.frequency / scale, found.maxima.power / found.noise
    spread = np.sqrt(np.diag(np.linalg.inv(fit_weight(region.window).extent))) / (2 * np.pi) / scale
    error = spread / np.sqrt(2 * snr[:, None])
    clear = excess > threshold
    lattices = find_lattices(position[clear], error[clear], snr[clear], spread).lattices
    length = np.linalg.norm(position, axis=1, keepdims=True)
    variance = error**2 + (RELATIVE_TOLERANCE * length) ** 2 + (RESOLUTION_TOLERANCE * spread) ** 2
    places = [one.fit.ratios(position, variance)[1] for one in lattices]
    place = np.max(places, axis=0) if places else np.zeros(len(found))
    return np.stack(
        [
            np.clip(excess - threshold, -6, 8),
            np.clip(height - threshold, -6, 8),
            np.full(len(found), float(bool(lattices))),
            np.clip(place, -4, 4),
        ],
        axis=1,
    )


def weigh(values: np.ndarray, network: np.ndarray | None) -> np.ndarray:
    """Probability of each candidate to be a lattice spot.

    Parameters
    ----------
    values
        Evidence, shape (n, 4), of :func:`evidence`.
    network
        (n,) probability by the network, or None without it.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    weights = WEIGHTS if network is None else WEIGHTS_WITH_NETWORK
    return 1 / (1 + np.exp(-terms(values, network) @ weights))


def terms(values: np.ndarray, network: np.ndarray | None) -> np.ndarray:
    """Terms of the regression, shape (n, 5), or (n, 6) with the network.

    Parameters
    ----------
    values
        Evidence, shape (n, 4), of :func:`evidence`.
    network
        (n,) probability by the network, or None without it.
    """
    columns = [np.ones(len(values)), *values.T]
    if network is not None:
        bounded = np.clip(network, 1e-3, 1 - 1e-3)
        columns.append(np.log(bounded / (1 - bounded)))
    return np.stack(columns, axis=1)
