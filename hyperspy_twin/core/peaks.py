"""The measured Bragg peaks of one region."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# Default of the columns that need not be given: `Peaks` fills them.
_NOT_MEASURED: Any = None
_ABSENT: dict[str, Any] = {
    "snr": np.nan,
    "probability": np.nan,
    "width": np.nan,
    "width_error": np.nan,
    "harmonic": False,
    "lattice": 0,
    "satellite": 0,
}


@dataclass(frozen=True, eq=False)
class Peaks:
    """Bragg peaks of the spectrum of one region, one of each Friedel pair, strongest first.

    Attributes
    ----------
    position
        Reciprocal vectors (x, y) in 1/nm, shape (n, 2).
    error
        Standard errors of ``position``, shape (n, 2).
    intensity
        Squared amplitude of the lattice fringe, in squared image units, shape (n,).
    snr
        Power of the peak over the expected power of the noise, shape (n,).
    probability
        Probability that the peak is one, as its detector judges, shape (n,).
    width
        Standard deviation of the peak beyond that of the region's window, in 1/nm, alike in all
        directions: 0 for a perfect lattice across the region, more for small crystals, strain
        and bending; shape (n,).
    width_error
        Standard error of ``width``, shape (n,).
    harmonic
        Whether the peak is an integer multiple of another one, shape (n,).
    lattice
        Number of the plane lattice of the peak, from 1; 0 on none; shape (n,).
    satellite
        Number of the lattice that the peak is a satellite of, displaced from its points by one
        common vector, as scan distortion and modulations make them; 0 for others; shape (n,).
    region
        Number of the region in its image.

    Notes
    -----
    Columns that were not measured are NaN, False or 0.
    """

    position: np.ndarray
    error: np.ndarray
    intensity: np.ndarray
    snr: np.ndarray = _NOT_MEASURED
    probability: np.ndarray = _NOT_MEASURED
    width: np.ndarray = _NOT_MEASURED
    width_error: np.ndarray = _NOT_MEASURED
    harmonic: np.ndarray = _NOT_MEASURED
    lattice: np.ndarray = _NOT_MEASURED
    satellite: np.ndarray = _NOT_MEASURED
    region: int = 0

    def __post_init__(self) -> None:
        """Fill the columns that were not measured."""
        for name, absent in _ABSENT.items():
            if getattr(self, name) is _NOT_MEASURED:
                object.__setattr__(self, name, np.full(len(self.intensity), absent))

    def __len__(self) -> int:
        return len(self.intensity)

    @classmethod
    def none(cls, region: int = 0) -> Peaks:
        """No peaks."""
        return cls(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), region=region)

    def join(self, other: Peaks) -> Peaks:
        """Peaks of both, strongest first; of the region of the first."""
        columns: dict[str, Any] = {}
        for name, own in self._columns().items():
            columns[name] = np.concatenate([own, getattr(other, name)])
        both = replace(self, **columns)
        return both.take(np.argsort(-both.intensity, kind="stable"))

    def take(self, which: np.ndarray) -> Peaks:
        """Peaks of some indices, or those that a mask marks."""
        return replace(self, **{name: own[which] for name, own in self._columns().items()})

    def _columns(self) -> dict[str, Any]:
        return {name: values for name, values in vars(self).items() if name != "region"}
