"""Detection of Bragg peaks by a small trained network that sees their surroundings."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from scipy import spatial

from hyperspy_twin.core import Peaks
from hyperspy_twin.spectra.background import on_half_plane, wrap
from hyperspy_twin.spectra.detection.candidates import (
    MERGING_DISTANCE,
    SHORTEST_PERIOD,
    candidates_at,
)
from hyperspy_twin.spectra.detection.measurement import measure_peaks
from hyperspy_twin.spectra.detection.network_input import (
    CHANNELS,
    find_eligible,
    patch_indices,
    prepare_channels,
)
from hyperspy_twin.spectra.transform import WindowedRegion

INSTALL = 'pip install "hyperspy_twin[network]"'
WEIGHTS = "weights/spot_network.npz"
# Probability from which a maximum is called a peak: more likely one than not.
SMALLEST_PROBABILITY = 0.5


@dataclass(frozen=True)
class NetworkMaxima:
    """Frequencies that the network takes for peaks, one of each Friedel pair.

    Attributes
    ----------
    row, column
        Indices in the half plane of the region's spectrum, each shape (n,); every one is a local
        maximum of the power, without a stronger one within the resolution.
    probability
        Calibrated probability of being a lattice peak, shape (n,), falling.
    """

    row: np.ndarray
    column: np.ndarray
    probability: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


def detect_network(region: WindowedRegion, shortest_spacing: float = 0.0) -> Peaks:
    """Find the Bragg peaks of a windowed region with the bundled network, and measure them.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    Peaks
        Sorted by falling intensity, with the network's probability; empty where there is none.

    Raises
    ------
    ImportError
        If torch is not installed.
    """
    found = find_network_maxima(region)
    height, width = region.grid.shape
    bins = np.stack([found.column, wrap(found.row, height)], axis=1)
    position = bins / (width, height) / region.grid.scale
    seen = np.hypot(*position.T) * shortest_spacing <= 1
    if not seen.any():
        return Peaks.none()
    return measure_peaks(region, candidates_at(region, position[seen]), found.probability[seen])


def find_network_maxima(
    region: WindowedRegion, smallest_probability: float = SMALLEST_PROBABILITY
) -> NetworkMaxima:
    """Find the maxima of a windowed spectrum that the bundled network takes for Bragg peaks.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    smallest_probability
        Maxima below this calibrated probability are left out.

    Returns
    -------
    NetworkMaxima
        Most probable first; empty where there is none.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError
        If ``smallest_probability`` is not between 0 and 1.
    """
    if not 0 <= smallest_probability <= 1:
        raise ValueError(
            f"smallest_probability must be between 0 and 1, not {smallest_probability}"
        )
    height, width = region.grid.shape
    probability = map_probability(region)
    row, column = np.nonzero(find_eligible(region.power, height, width))
    value = probability[row, column]
    likely = value >= smallest_probability
    row, column, value = row[likely], column[likely], value[likely]
    bins = np.stack([wrap(row, height), column], axis=1)
    alone = _without_neighbours(bins, region.power[row, column])
    order = alone[np.argsort(-value[alone], kind="stable")]
    return NetworkMaxima(row[order], column[order], value[order])


def _without_neighbours(bins: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Choose the maxima (n, 2) without a stronger one within the resolution, as indices."""
    everywhere = spatial.cKDTree(np.concatenate([bins, -bins]))
    pairs = everywhere.query_pairs(MERGING_DISTANCE, output_type="ndarray") % max(len(bins), 1)
    first, second = pairs.T
    weaker = np.concatenate(
        [first[power[first] < power[second]], second[power[second] < power[first]]]
    )
    return np.setdiff1d(np.arange(len(bins)), weaker)


def map_probability(region: WindowedRegion) -> np.ndarray:
    """Calibrated probability of every frequency to be a peak.

    float32 on the half plane, shape (rows, columns // 2 + 1); 0 beyond the band of lattices. It is
    calibrated at local maxima of the power.
    """
    torch = require_torch()
    network, slope, intercept = _network()
    height, width = region.grid.shape
    rows, columns = patch_indices(height, width)
    row, column = on_half_plane(rows[:, None], columns[None, :], height, width)
    with torch.inference_mode():
        channels = torch.from_numpy(prepare_channels(region)[:, row, column][None])
        logits = network(channels.contiguous(memory_format=torch.channels_last))[0].numpy()
    result = np.zeros((height, width // 2 + 1), np.float32)
    inside = (columns >= 0) & (columns < width / SHORTEST_PERIOD)
    tall = np.abs(rows) < height / SHORTEST_PERIOD
    target = np.ix_(rows[tall] % height, columns[inside])
    result[target] = 1 / (1 + np.exp(-(slope * logits[np.ix_(tall, inside)] + intercept)))
    return result


def require_torch() -> Any:
    """Import torch, or say how to install it."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ImportError(f'method="network" needs torch: {INSTALL}') from error


@functools.cache
def _network() -> tuple[Any, float, float]:
    """Bundled network with the slope and intercept of its calibration."""
    torch = require_torch()
    from hyperspy_twin.spectra.detection.unet import PeakUNet

    with files("hyperspy_twin.data").joinpath(WEIGHTS).open("rb") as stream:
        arrays = dict(np.load(stream, allow_pickle=False))
    slope, intercept = (float(value) for value in arrays.pop("calibration"))
    network = PeakUNet(CHANNELS, normalised=False)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return network.requires_grad_(False).eval(), slope, intercept
