"""Reflections of the crystals of an image, grouped as a person names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals import PhaseRecords, RegionPhase, name_family, plane_label
from hyperspy_twin.spectra import RegionSpectrum
from hyperspy_twin.strain import Reflections

GROUPS = ("phase", "family", "grain")
By = str | Sequence[int] | Sequence[Sequence[int]]


class _GrainPeaks(NamedTuple):
    """Peaks of one crystal of a region, and what it is where a phase is known."""

    name: str
    peaks: Peaks
    hkl: np.ndarray
    record: RegionPhase | None


def group_reflections(
    by: By, spectra: Mapping[int, RegionSpectrum], records: PhaseRecords
) -> Reflections:
    """Reflections of all crystals in groups.

    Parameters
    ----------
    by
        ``"phase"``, ``"family"``, ``"grain"``, or Miller indices of one or several reflections.
    spectra
        Spectrum of each region.
    records
        Phases of the regions; those of grains need not be known.

    Raises
    ------
    ValueError
        If ``by`` is none of these, phases are not known but needed, or no crystal shows a
        reflection.
    """
    wanted = None if isinstance(by, str) else _as_indices(by)
    if isinstance(by, str) and by not in GROUPS:
        raise ValueError(f"by is {', '.join(map(repr, GROUPS))} or Miller indices, not {by!r}")
    if by != "grain" and not records:
        raise ValueError(
            f"filtering by {by if isinstance(by, str) else 'Miller indices'} needs phases: call "
            "index_phases(...) first, or filter by='grain'"
        )
    grains = list(_grains(spectra, records))
    if not grains:
        raise ValueError("no region has a lattice to filter by: find peaks first")
    name_of = _naming(by, wanted)
    names = [[name_of(one, row) for row in range(len(one.peaks))] for one in grains]
    every = [name for own in names for name in own]
    known = tuple(dict.fromkeys(name for name in every if name is not None))
    if wanted is not None:
        _check_shown(wanted, grains)
        order = [plane_label(one) for one in wanted.tolist()]
        known = tuple(sorted(known, key=lambda name: order.index(name.partition(" ")[2])))
    return Reflections(
        np.concatenate([one.peaks.position for one in grains]),
        np.concatenate([one.peaks.intensity for one in grains]),
        np.repeat(np.arange(len(grains)), [len(one.peaks) for one in grains]),
        np.array([-1 if name is None else known.index(name) for name in every]),
        known,
    )


def _grains(spectra: Mapping[int, RegionSpectrum], records: PhaseRecords) -> Iterator[_GrainPeaks]:
    """Crystals of all regions, by their phases or else by the plane lattices of the peaks."""
    for region, one in spectra.items():
        crystals = records[region].crystals if region in records else ()
        indexed = [record for record in crystals if record.match is not None]
        for number, record in enumerate(indexed, 1):
            match: Any = record.match
            used = match.in_zone
            which = f"region {region}" + (f" crystal {number}" if len(indexed) > 1 else "")
            if used.any():
                name = f"{which} {match.label}"
                yield _GrainPeaks(name, one.peaks.take(used), match.hkl[used], record)
        if not indexed and one.crystallinity.has_lattice:
            count = int(one.peaks.lattice.max(initial=0))
            for number in range(1, count + 1):
                own = one.peaks.take(one.peaks.lattice == number)
                name = f"region {region}" + (f" crystal {number}" if count > 1 else "")
                yield _GrainPeaks(name, own, np.zeros((len(own), 3), int), None)


def _naming(by: By, wanted: np.ndarray | None) -> Callable[[_GrainPeaks, int], str | None]:
    """Give the name of the group of a peak; None in none."""

    def name(grain: _GrainPeaks, row: int) -> str | None:
        if by == "grain":
            return grain.name
        match = None if grain.record is None else grain.record.match
        if match is None:
            return None
        if by == "phase":
            return match.phase
        hkl = grain.hkl[row]
        if wanted is None:
            return f"{match.phase} {name_family(hkl.tolist(), match.crystal)}"
        same = (wanted == hkl).all(axis=1) | (wanted == -hkl).all(axis=1)
        return (
            f"{match.phase} {plane_label(wanted[same.argmax()].tolist())}" if same.any() else None
        )

    return name


def _as_indices(by: Any) -> np.ndarray:
    """Miller indices of a person, shape (k, 3)."""
    found = np.atleast_2d(np.asarray(by))
    whole = found.dtype.kind in "iu" and found.ndim == 2 and found.shape[1] == 3
    if not whole or not found.any(axis=1).all():
        raise ValueError(
            f"Miller indices are whole numbers (h, k, l), or a list of such, not {by!r}"
        )
    return found


def _check_shown(wanted: np.ndarray, grains: Sequence[_GrainPeaks]) -> None:
    """Raise a ValueError for Miller indices that no crystal shows."""
    shown = np.concatenate([one.hkl for one in grains])
    shown = np.unique(shown[shown.any(axis=1)], axis=0)
    for one in wanted:
        if not ((shown == one).all(axis=1) | (shown == -one).all(axis=1)).any():
            listed = ", ".join(plane_label(row) for row in shown.tolist())
            raise ValueError(f"no crystal shows {plane_label(one.tolist())}: shown are {listed}")
