"""What the spectrum of a region says of its lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import OrientedCrystal, Peaks


@dataclass(frozen=True, eq=False)
class RegionLattice:
    """What the spectrum of a region says of its lattice.

    Attributes
    ----------
    peaks
        All its peaks.
    crystallinity
        What the region is, in words for the reader.
    has_lattice
        Whether that is one crystal or several.
    indexed
        Which of the peaks its phase explains, boolean, shape (n,); None without a phase.
    explained
        How much of the peaks' evidence the phase explains, from 0 to 1; None without a phase.
    hkl
        Miller indices of the peaks, shape (n, 3), 0 where it explains none; None without a phase.
    crystal
        The crystal of the phase in its orientation; None without a phase.
    """

    peaks: Peaks
    crystallinity: str
    has_lattice: bool
    indexed: np.ndarray | None = None
    explained: float | None = None
    hkl: np.ndarray | None = None
    crystal: OrientedCrystal | None = None

    @property
    def lattice_peaks(self) -> Peaks:
        """Peaks that belong to the crystal: the indexed ones, or all where none is."""
        if self.indexed is None or not self.indexed.any():
            return self.peaks
        return self.peaks.take(self.indexed)

    @property
    def lattice_hkl(self) -> np.ndarray:
        """Miller indices of these peaks, shape (n, 3); 0 without a phase."""
        if self.hkl is None or self.indexed is None or not self.indexed.any():
            return np.zeros((len(self.peaks.snr), 3), int)
        return self.hkl[self.indexed]

    @property
    def distortion(self) -> float:
        """How much more the lattice is stretched along one direction than across it.

        Relative to the cell of its crystal, so that the pixel size does not matter; NaN without a
        phase, or with reflections in one direction only.
        """
        if self.crystal is None or self.hkl is None or self.indexed is None:
            return np.nan
        expected = self.crystal.reciprocal_vectors(self.hkl[self.indexed])
        weight = 1.0 / np.linalg.norm(self.lattice_peaks.error, axis=1)[:, None]
        affine, _, rank, _ = np.linalg.lstsq(
            weight * expected, weight * self.lattice_peaks.position, rcond=1e-6
        )
        if rank < 2:
            return np.nan
        largest, smallest = np.linalg.svd(affine, compute_uv=False)
        return float(largest / smallest - 1.0)
