"""Phases of the regions of a spectrum: found, decided by a person, or sought under conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._indexing import SpotsToIndex, expected_scale, indexed, spots_to_index
from hyperspy_twin.signals._spots import RegionSpectra

if TYPE_CHECKING:
    from hyperspy_twin.core.crystal import Crystal
    from hyperspy_twin.crystals.indexing.records import RegionPhase


class RegionPhases(RegionSpectra):
    """Mixin of :class:`IndexedFFT` with all that gives phases to regions."""

    def index_phases(
        self,
        candidates: Any = None,
        *,
        tolerance: float = 0.05,
        max_index: int = 3,
        zone_axes: Sequence[Sequence[int]] | None = None,
        calibration_error: float | None = None,
    ) -> Any:
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
            Largest index of the zone axes that are tried; a single sheet is seen along its normal
            only.
        zone_axes
            Try these zone axes only.
        calibration_error
            Largest relative error of the pixel size, such as 0.005, where you know it: then
            crystals that differ by more are told apart. By default a pixel size is
            as often right to a percent as wrong by several.

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
        accept, constrain : What a person decides about the answer.
        hyperspy_twin.crystals.indexing.peak_indexing.index_spots : The method and its score.
        """
        from hyperspy_twin.crystals.structures.candidates import as_candidates

        crystals = as_candidates(candidates, self.metadata.get_item("Sample.elements", []))
        options = {
            "tolerance": tolerance,
            "max_index": max_index,
            "calibration_error": calibration_error,
        }
        records = indexed(self, list(self.states), crystals, zone_axes=zone_axes, **options)
        return self._with_phases(
            records,
            "index_phases",
            {
                "candidates": [crystal.name for crystal in crystals],
                **options,
                "zone_axes": None if zone_axes is None else np.asarray(zone_axes).tolist(),
            },
            candidates=[crystal.to_json() for crystal in crystals],
        )

    def accept(self, region: int, phase: str | int, *, crystal: int = 1) -> Any:
        """Take a ranked phase of a region as the answer.

        Parameters
        ----------
        region
            Number of the region.
        phase
            Name of a phase in the ranking or the ties of its record, such as ``"Ge"`` or
            ``"Ge [110]"``, or its rank, 1 for the best.
        crystal
            Number of the crystal where the region holds several, 1 for that of the record, 2 for
            the first of ``record.further``.

        Returns
        -------
        IndexedFFT
            The same spectrum. The record of the region holds the phase, without ties, and its
            reason says who decided. Further crystals go if the phase claims their own spots.

        Raises
        ------
        ValueError
            If there is no such region or crystal, phases have not been identified, or the phase
            is not ranked; the message lists what is.
        """
        from hyperspy_twin.crystals.indexing.decisions import (
            accepted,
            chosen_crystal,
            named_match,
            settled,
        )

        whole = self._record(region)
        record = chosen_crystal(whole, crystal)
        match = named_match(record, phase)
        spots = spots_to_index(self.peaks(region))
        if isinstance(match, tuple):
            match = self._index_tie(record, spots, *match)
        others = [other for other in self.phases if other.region != region]
        decided = settled(whole, crystal, accepted(record, match, spots.chosen, others))
        records = [decided if other.region == region else other for other in self.phases]
        parameters = {"region": region, "phase": phase, "crystal": crystal}
        return self._with_phases(records, "accept", parameters)

    def constrain(
        self,
        *,
        zone_axis: Any = None,
        phase: str | Sequence[str] | None = None,
        region: int | None = None,
    ) -> Any:
        """Identify phases again with what a person knows about them.

        Parameters
        ----------
        zone_axis
            Direction [uvw] along the beam, or a list of them, each as integers such as
            ``(1, 1, 0)`` or text such as ``"[110]"``; four indices are those of a hexagonal cell.
            All equivalent directions are meant, the opposite one too.
        phase
            Name of a candidate of :meth:`index_phases`, or a list of them.
        region
            Number of the region; all by default. Records of other regions stay, and the pixel
            size that they imply is expected.

        Returns
        -------
        IndexedFFT
            The same spectrum with new records.

        Raises
        ------
        ValueError
            If neither is given, phases have not been identified, a phase is no candidate, or
            there is no such region.
        """
        from hyperspy_twin.crystals.diffraction.notation import direction_label
        from hyperspy_twin.crystals.indexing.decisions import directions, told_apart, with_opposites

        axes = None if zone_axis is None else directions(zone_axis)
        crystals = self._candidates(phase)
        if axes is None and phase is None:
            raise ValueError("give what you know: zone_axis=..., phase=..., or both")
        regions = list(self.states) if region is None else [self._record(region).region]
        options = self._index_options()
        if region is not None:
            known = [r.scale for r in self.phases if r.phase is not None and r.region != region]
            if known:
                options["scale_prior"] = expected_scale(known)
        if phase is not None:
            options["elements"] = sorted({e for crystal in crystals for e in crystal.elements})
        sought = None if axes is None else with_opposites(axes, crystals)
        given = [crystal.name for crystal in crystals] if phase is not None else []
        given += [direction_label(axis) for axis in axes or ()]
        limits = f"limited by the user to {', '.join(given)}"
        new = {
            record.region: replace(told_apart(record), reason=f"{limits}; {record.reason}")
            for record in indexed(self, regions, crystals, zone_axes=sought, **options)
        }
        records = [new.get(record.region, record) for record in self.phases]
        parameters = {
            "zone_axis": axes,
            "phase": [crystal.name for crystal in crystals] if phase is not None else None,
            "region": region,
        }
        return self._with_phases(records, "constrain", parameters)

    def _with_phases(
        self, records: list[RegionPhase], step: str, parameters: dict[str, Any], **state: Any
    ) -> Any:
        phases = [record.to_json() for record in records]
        return self._derive(
            type(self), self.data, self._axes(), step, parameters, phases=phases, **state
        )

    def _index_tie(
        self,
        record: RegionPhase,
        spots: SpotsToIndex,
        name: str,
        zone_axis: tuple[int, int, int],
    ) -> Any:
        """Explanation that a record names as a tie but does not hold."""
        from hyperspy_twin.crystals.indexing.peak_indexing import index_spots

        options = self._index_options()
        if record.phase is not None:
            options["scale_prior"] = expected_scale([record.scale])
        del options["calibration_error"]
        found = index_spots(
            *spots.measured,
            self._candidates(name),
            calibrated=self._calibrated,
            zone_axes=[zone_axis],
            **options,
        )
        return found[0]

    def _record(self, region: int) -> RegionPhase:
        """Record of a region.

        Raises
        ------
        ValueError
            If there is no such region, or it has no record.
        """
        self._check_region(region)
        return next(record for record in self._known_phases() if record.region == region)

    def _known_phases(self) -> tuple[RegionPhase, ...]:
        """Give the records of all regions.

        Raises
        ------
        ValueError
            If there are none.
        """
        records = self.phases
        if not records:
            raise ValueError("phases have not been identified: call index_phases(...) first")
        return records

    def _candidates(self, names: str | Sequence[str] | None) -> list[Crystal]:
        """Candidates of the last indexing, all or some."""
        from hyperspy_twin.core.crystal import Crystal

        self._known_phases()
        stored = [Crystal.from_json(text) for text in self._twin("candidates", [])]
        if names is None:
            return stored
        wanted = [names] if isinstance(names, str) else list(names)
        known = {crystal.name: crystal for crystal in stored}
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            raise ValueError(
                f"{', '.join(map(repr, unknown)) or 'nothing'} is not among the candidates: they "
                f"are {', '.join(known)}; call index_phases(...) with others"
            )
        return [known[name] for name in wanted]

    def _index_options(self) -> dict[str, Any]:
        """Options of the last :meth:`index_phases`."""
        steps = [step["parameters"] for step in self.history if step["step"] == "index_phases"]
        return {name: steps[-1][name] for name in ("tolerance", "max_index", "calibration_error")}
