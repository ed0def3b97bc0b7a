"""What an indexed spectrum tells of the spots and the state of its regions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_twin.signals._peaks import peaks_table, states_table, with_indices
from hyperspy_twin.signals._state import TwinState, table

if TYPE_CHECKING:
    from hyperspy_twin.core.grid import Grid
    from hyperspy_twin.crystals.indexing.record_list import RecordList


class RegionSpectra(TwinState):
    """Mixin of :class:`IndexedFFT`: spots, states, rings and spectra of the regions."""

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
            (1/nm), ``intensity`` (squared fringe amplitude), ``snr``, ``probability``, ``width``
            (1/nm, beyond that of the region's window) with ``width_error``, ``harmonic`` (an
            integer multiple of another spot), ``lattice`` (number of the crystal within the
            region, 0 on none), ``satellite`` (number of the crystal whose spots it accompanies at
            one common distance, 0 if none) and, once indexed, ``h``, ``k``, ``l`` (0 0 0 where
            not explained), ``crystal`` (1 for that of the region's record, from 2 for further
            ones) and ``forbidden`` (only double diffraction feeds the reflection).

        Raises
        ------
        ValueError
            If there is no such region.
        """
        peaks = peaks_table(self._twin("peaks"))
        records = self.phases
        if records:
            peaks = with_indices(peaks, records)
        if region is None:
            return peaks
        self._check_region(region)
        return peaks[peaks["region"] == region]

    @property
    def states(self) -> dict[int, str]:
        """State of each region.

        Single crystal, several crystals, powder (rings), fringes (spots along one line),
        amorphous or too small.
        """
        return {state["region"]: state["state"] for state in self._states()}

    @property
    def regions(self) -> np.ndarray:
        """Table of what the regions are, a structured array.

        Columns: ``region``, ``state`` and its ``probability`` (NaN where it was not weighed),
        number of ``spots`` and of plane ``lattices``, and the halo between the spots
        (``halo_radius`` with ``halo_error`` and full ``halo_width`` in 1/nm; NaN without one).
        """
        return states_table(self._states(), peaks_table(self._twin("peaks")))

    def rings(self, region: int) -> np.ndarray:
        """Table of the rings in the spectrum of a region, the most prominent first.

        Parameters
        ----------
        region
            Number of the region.

        Returns
        -------
        numpy.ndarray
            Structured array with the columns ``radius``, its ``error``, full ``width`` (1/nm),
            and ``height``, the power over that of the minima beside the ring.

        Raises
        ------
        ValueError
            If there is no such region.
        """
        self._check_region(region)
        state = next(state for state in self._states() if state["region"] == region)
        return table({name: np.array(values, float) for name, values in state["rings"].items()})

    @property
    def phases(self) -> RecordList:
        """Phase, zone axis and orientation of each region; empty before :meth:`index_phases`.

        A tuple of one record for each region, which prints as a table.
        """
        from hyperspy_twin.crystals.indexing.record_list import RecordList
        from hyperspy_twin.crystals.indexing.records import RegionPhase

        return RecordList(RegionPhase.from_json(text) for text in self._twin("phases", []))

    def edit_peaks(
        self,
        region: int,
        *,
        add: Sequence[Sequence[float]] = (),
        remove: Sequence[Sequence[float]] = (),
    ) -> Any:
        """Add spots to a region, or take some away.

        Parameters
        ----------
        region
            Number of the region.
        add
            Points (x, y) in 1/nm; the maximum of the region's spectrum next to each becomes a
            spot of probability 1, however weak it is.
        remove
            Points (x, y) in 1/nm; the spot next to each goes. Either member of a Friedel pair
            stands for both.

        Returns
        -------
        IndexedFFT
            The same spectrum. The state of the region is judged anew; phases have to be
            identified again.

        Raises
        ------
        ValueError
            If there is no such region, or no maximum or spot within three resolutions of a point.
        """
        from hyperspy_twin.signals._peaks import edited_peaks

        self._check_region(region)
        image, grid = self.image()
        mask = self._labels(grid) == region
        stored, states = self._twin("peaks"), self._states()
        return self._derive(
            type(self),
            self.data,
            self._axes(),
            "edit_peaks",
            {
                "region": region,
                "add": np.asarray(add, float).tolist(),
                "remove": np.asarray(remove, float).tolist(),
            },
            **edited_peaks(image, grid, mask, region, stored, states, add, remove),
            phases=[],
        )

    def region_spectra(self) -> Signal2D:
        """Spectra of the regions, each in its own window, as a lazy stack along ``region``.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            Amplitude of the fringes in image units on the axes of this signal; a fringe
            a cos(2 pi g r) has the amplitude a at g and at -g.

        Raises
        ------
        ValueError
            If the spectrum was cropped or rebinned, so that the image is lost.
        """
        from hyperspy_twin.signals._region_spectra import stack_of_regions

        image, grid = self.image()
        return stack_of_regions(image, grid, self._labels(grid), list(self.states), self._axes())

    def _states(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self._twin("region_states", [])]

    def _check_region(self, region: int) -> None:
        if region not in self.states:
            raise ValueError(f"there is no region {region}: the regions are {list(self.states)}")

    def _image_grid(self) -> Grid:
        """Grid of the image that the spectrum belongs to.

        Raises
        ------
        ValueError
            If the spectrum was cropped or rebinned, so that the image is lost.
        """
        from hyperspy_twin.core.grid import Grid

        stored = self._twin("image_grid")
        grid = Grid(*(tuple(stored[name]) for name in ("shape", "scale", "offset")))
        if tuple(self.data.shape) != grid.shape:
            raise ValueError(
                f"the spectrum was cropped from {grid.shape} to {self.data.shape}: "
                "start this step from the whole spectrum"
            )
        return grid

    def _labels(self, grid: Grid) -> np.ndarray:
        from hyperspy_twin.core.outlines import rasterise

        return rasterise(self._outlines(), grid)
