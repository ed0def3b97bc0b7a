"""The spectrum of an image with the Bragg spots and phases of its regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import ComplexSignal2D, LazyComplexSignal2D

from hyperspy_twin.grid import Grid
from hyperspy_twin.signals._spots import RegionSpectra
from hyperspy_twin.signals._state import axes_of
from hyperspy_twin.signals.strain_map import StrainMap

if TYPE_CHECKING:
    pass


class IndexedFFT(RegionSpectra, ComplexSignal2D):
    """Spectrum of an image with the spots of its regions, by :meth:`SegmentedImage.find_peaks`.

    The data are the complex spectrum of the whole image, zero frequency at index ``size // 2``.
    Positions of spots are in 1/nm (1/px without a calibration), x right and y down.
    """

    _signal_type = "twin_indexed_fft"
    _alias_signal_types = ["IndexedFFT"]

    def index_phases(
        self,
        candidates: Any = None,
        *,
        tolerance: float = 0.05,
        max_index: int = 3,
        zone_axes: Sequence[Sequence[int]] | None = None,
    ) -> IndexedFFT:
        """Identify the crystal phase, zone axis and orientation of every region.

        Parameters
        ----------
        candidates
            One candidate or a list of them: names of bundled structures, paths of CIF files,
            ``diffpy.structure.Structure``, ``ase.Atoms``. By default the bundled structures made
            of the elements in ``metadata.Sample.elements``.
        tolerance
            Largest relative distortion of the image that is looked for.
        max_index
            Largest index of the zone axes that are tried.
        zone_axes
            Try these zone axes only.

        Returns
        -------
        IndexedFFT
            The same spectrum; ``phases`` holds one record per region.

        Raises
        ------
        ValueError
            If there is no candidate, a name is unknown or a file cannot be read.

        See Also
        --------
        hyperspy_twin.crystals.indexing.index_spots : The method and its score.
        """
        from hyperspy_twin.crystals.candidates import as_candidates
        from hyperspy_twin.crystals.regions import index_regions
        from hyperspy_twin.spectra.region import LATTICE_STATES

        crystals = as_candidates(candidates, self.metadata.get_item("Sample.elements", []))
        states = self._states()
        peaks = self.peaks()
        tables = [peaks[peaks["region"] == state["region"]] for state in states]
        kept = [one["satellite"] == 0 for one in tables]
        spots = [
            (_pairs(own, "x", "y"), _pairs(own, "error_x", "error_y"), own["intensity"])
            for own in (one[chosen] for one, chosen in zip(tables, kept, strict=True))
        ]
        found = index_regions(
            spots,
            crystals,
            tolerance=tolerance,
            calibrated=self._calibrated,
            max_index=max_index,
            zone_axes=zone_axes,
        )
        records = []
        for state, record, chosen in zip(states, found, kept, strict=True):
            hkl = np.zeros((len(chosen), 3), int)
            hkl[chosen] = record.hkl
            lattice = state["state"] in LATTICE_STATES
            reason = record.reason if lattice else f"{state['state']}: {state['reason']}"
            records.append(replace(record, region=state["region"], reason=reason, hkl=hkl))
        return self._derive(
            type(self),
            self.data,
            self._axes(),
            "index_phases",
            {
                "candidates": [crystal.name for crystal in crystals],
                "tolerance": tolerance,
                "max_index": max_index,
                "zone_axes": None if zone_axes is None else np.asarray(zone_axes).tolist(),
            },
            phases=[record.to_json() for record in records],
        )

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
        hyperspy_twin.strain.phase.geometric_phase_analysis : The method and its literature.
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

        stored = self._twin("image_grid")
        grid = Grid(*(tuple(stored[name]) for name in ("shape", "scale", "offset")))
        if tuple(self.data.shape) != grid.shape:
            raise ValueError(
                f"the spectrum was cropped from {grid.shape} to {self.data.shape}: "
                "start this step from the whole spectrum"
            )
        return inverse_spectrum(np.asarray(self.data)), grid

    @staticmethod
    def _axes_for(grid: Grid, unit: str) -> list[dict[str, Any]]:
        from hyperspy_twin.spectra.transform import reciprocal_axes

        scale, offset = reciprocal_axes(grid)
        return axes_of(Grid(grid.shape, scale, offset), f"1/{unit}")


def _pairs(peaks: np.ndarray, first: str, second: str) -> np.ndarray:
    return np.stack([peaks[first], peaks[second]], axis=1)


class LazyIndexedFFT(IndexedFFT, LazyComplexSignal2D):
    """An indexed spectrum whose data are read when they are needed."""
