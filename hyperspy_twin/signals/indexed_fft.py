"""The spectrum of an image with the Bragg spots and phases of its regions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import ComplexSignal2D, LazyComplexSignal2D

from hyperspy_twin.grid import Grid
from hyperspy_twin.signals._state import TwinState, axes_of, table
from hyperspy_twin.signals.strain_map import StrainMap

if TYPE_CHECKING:
    from hyperspy_twin.crystals.regions import RegionPhase


class IndexedFFT(TwinState, ComplexSignal2D):
    """Spectrum of an image with the spots of its regions, by :meth:`SegmentedImage.find_peaks`.

    The data are the complex spectrum of the whole image, zero frequency at index ``size // 2``.
    Positions of spots are in 1/nm (1/px without a calibration), x right and y down.
    """

    _signal_type = "twin_indexed_fft"
    _alias_signal_types = ["IndexedFFT"]

    def peaks(self, region: int | None = None) -> np.ndarray:
        """Table of Bragg spots, one of each Friedel pair.

        Parameters
        ----------
        region
            Number of a region; all regions by default.

        Returns
        -------
        numpy.ndarray
            Structured array with the columns ``region``, ``x``, ``y``, ``error_x``, ``error_y``
            (1/nm), ``intensity`` (squared fringe amplitude), ``snr``, ``probability`` and, once
            indexed, ``h``, ``k``, ``l`` (0 0 0 where not explained).

        Raises
        ------
        ValueError
            If there is no such region.
        """
        stored = self._twin("peaks")
        values = np.asarray(stored["values"]).reshape(-1, len(stored["columns"]))
        columns = {name: values[:, index] for index, name in enumerate(stored["columns"])}
        columns["region"] = columns["region"].astype(int)
        for record in self.phases:
            for index, name in enumerate("hkl"):
                column = columns.setdefault(name, np.zeros(len(values), int))
                column[columns["region"] == record.region] = record.hkl[:, index]
        peaks = table(columns)
        if region is None:
            return peaks
        self._check_region(region)
        return peaks[peaks["region"] == region]

    @property
    def states(self) -> dict[int, str]:
        """State of each region: crystalline, fringes, amorphous or too small."""
        return {state["region"]: state["state"] for state in self._states()}

    @property
    def phases(self) -> tuple[RegionPhase, ...]:
        """Phase, zone axis and orientation of each region; empty before :meth:`index_phases`."""
        from hyperspy_twin.crystals.regions import RegionPhase

        return tuple(RegionPhase.from_json(text) for text in self._twin("phases", []))

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

        crystals = as_candidates(candidates, self.metadata.get_item("Sample.elements", []))
        states = self._states()
        spots = []
        for state in states:
            peaks = self.peaks(state["region"])
            spots.append(
                (_pairs(peaks, "x", "y"), _pairs(peaks, "error_x", "error_y"), peaks["intensity"])
            )
        found = index_regions(
            spots,
            crystals,
            tolerance=tolerance,
            calibrated=self._calibrated,
            max_index=max_index,
            zone_axes=zone_axes,
        )
        records = []
        for state, record in zip(states, found, strict=True):
            lattice = state["state"] == "crystalline"
            reason = record.reason if lattice else f"{state['state']}: {state['reason']}"
            records.append(replace(record, region=state["region"], reason=reason))
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

    def plot(self, region: int | None = None, **kwargs: Any) -> None:
        """Plot the amplitude of the spectrum with the spots of the regions and their indices.

        Parameters
        ----------
        region
            Number of the region whose spots to show; all by default.
        **kwargs
            Passed to the plot of the amplitude.
        """
        from hyperspy_twin.signals._markers import colour_of, spot_markers

        peaks = self.peaks(region)
        indexed = "h" in (peaks.dtype.names or ())
        names = [_miller(peak) if indexed else "" for peak in peaks]
        shown = self.amplitude
        kwargs.setdefault("norm", "log")
        shown.plot(**kwargs)
        colours = [colour_of(number) for number in peaks["region"]]
        for marker in spot_markers(_pairs(peaks, "x", "y"), colours, names):
            shown.add_marker(marker)

    def _states(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self._twin("region_states", [])]

    def _check_region(self, region: int) -> None:
        if region not in self.states:
            raise ValueError(f"there is no region {region}: the regions are {list(self.states)}")

    @staticmethod
    def _axes_for(grid: Grid, unit: str) -> list[dict[str, Any]]:
        from hyperspy_twin.spectra.transform import reciprocal_axes

        scale, offset = reciprocal_axes(grid)
        return axes_of(Grid(grid.shape, scale, offset), f"1/{unit}")


def _pairs(peaks: np.ndarray, first: str, second: str) -> np.ndarray:
    return np.stack([peaks[first], peaks[second]], axis=1)


def _miller(peak: np.ndarray) -> str:
    indices = [int(peak[name]) for name in "hkl"]
    return " ".join(map(str, indices)) if any(indices) else ""


class LazyIndexedFFT(IndexedFFT, LazyComplexSignal2D):
    """An indexed spectrum whose data are read when they are needed."""
