"""The spectrum of an image with the Bragg spots and phases of its regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hyperspy.signals import ComplexSignal2D, LazyComplexSignal2D

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.signals._crystals import RegionCrystals
from hyperspy_twin.signals._state import axes_of
from hyperspy_twin.signals.strain_map import StrainMap


class IndexedFFT(RegionCrystals, ComplexSignal2D):
    """Spectrum of an image with the spots of its regions, by :meth:`SegmentedImage.find_peaks`.

    The data are the complex spectrum of the whole image, zero frequency at index ``size // 2``.
    Positions of spots are in 1/nm (1/px without a calibration), x right and y down.
    """

    _signal_type = "twin_indexed_fft"
    _alias_signal_types = ["IndexedFFT"]

    def gpa(
        self,
        *,
        reference: int | None = None,
        vectors: Sequence[Sequence[float]] | None = None,
        resolution: float | None = None,
        definition: str = "lagrangian",
    ) -> StrainMap:
        """Map strain, rotation and displacement by geometric phase analysis.

        Parameters
        ----------
        reference
            Number of the region whose lattice is the reference; by default the largest
            well-indexed crystalline one.
        vectors
            Reciprocal vectors (x, y), at least two; by default a strong low-order pair of the
            reference region.
        resolution
            Standard deviation of the real-space window in the unit of the image; by default
            chosen from the spacing of the spots.
        definition
            ``"lagrangian"`` (spacing over reference spacing - 1) or ``"eulerian"``.

        Returns
        -------
        StrainMap
            The maps; NaN where there is no lattice.

        Raises
        ------
        ValueError
            If no region has a lattice, the spectrum was cropped, or an argument does not fit.

        See Also
        --------
        hyperspy_twin.strain.gpa.geometric_phase_analysis : The method and its literature.
        """
        from hyperspy_twin.signals._strain import analyse

        image, grid = self.image()
        maps, strain, lattices = analyse(
            image, grid, self, reference, vectors, resolution, definition
        )
        return self._derive(
            StrainMap,
            maps,
            StrainMap._axes_for(grid, self._unit),
            "gpa",
            {
                "reference": reference,
                "vectors": None if vectors is None else np.asarray(vectors).tolist(),
                "resolution": resolution,
                "definition": definition,
            },
            strain=strain,
            lattices=lattices,
        )

    def image(self) -> tuple[np.ndarray, Grid]:
        """Image that the spectrum belongs to, shape (rows, columns), and its grid.

        Raises
        ------
        ValueError
            If the spectrum was cropped or rebinned, so that the image is lost.
        """
        from hyperspy_twin.spectra.transform import inverse_spectrum

        grid = self._image_grid()
        return inverse_spectrum(np.asarray(self.data)), grid

    @staticmethod
    def _axes_for(grid: Grid, unit: str) -> list[dict[str, Any]]:
        from hyperspy_twin.spectra.transform import reciprocal_axes

        scale, offset = reciprocal_axes(grid)
        return axes_of(Grid(grid.shape, scale, offset), f"1/{unit}")


class LazyIndexedFFT(IndexedFFT, LazyComplexSignal2D):
    """An indexed spectrum whose data are read when they are needed."""
