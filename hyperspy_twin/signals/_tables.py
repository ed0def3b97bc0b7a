"""Tables that signals show of what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hyperspy_twin.core import Peaks, PhaseInvariants, Table

if TYPE_CHECKING:
    from hyperspy_twin.crystals import PhaseRecords
    from hyperspy_twin.spectra import RegionSpectrum
    from hyperspy_twin.strain import (
        BulkCell,
        Choices,
        Dislocations,
        GrainBoundary,
        Misfit,
        PlanarFaults,
        RegionMeans,
    )

_Defects = TypeVar("_Defects", "Dislocations", "PlanarFaults")

PLAIN = ("snr", "probability", "width", "width_error", "harmonic", "lattice", "satellite")


@dataclass(frozen=True, repr=False)
class StrainPlan:
    """What was decided for a strain map, with the alternatives and why they were not taken.

    Attributes
    ----------
    reference
        Number of the region whose lattice is the reference.
    regions
        Table of the regions that could be it, the reference first. Columns:
        ``region``, ``score`` over that of the best, the fraction of the image that is left of it
        beside its outline (``area``) and of the border that it touches (``border``), how well
        its phase explains its peaks (``explained``), how much more it is stretched along one
        direction than across it (``distortion``), and ``verdict``.
    reflections
        Table of the reflections of the reference: ``x``, ``y``, ``h``, ``k``, ``l``, the part of
        the ``information`` that each carries, and ``verdict``.
    resolution
        Standard deviation of the window in real space.
    mask_radius
        Standard deviation of the mask in reciprocal space, 1 / (2 pi resolution).
    neighbour
        Distance to the nearest reflection that the mask keeps out.
    compared
        Numbers of the regions that share the reflections.
    """

    reference: int
    regions: Table
    reflections: Table
    resolution: float
    mask_radius: float
    neighbour: float
    compared: tuple[int, ...]
    unit: str

    def __repr__(self) -> str:
        return (
            f"Reference: region {self.reference}\n{self.regions}\n\n"
            f"Reflections\n{self.reflections}\n\n"
            f"Window: standard deviation {self.resolution:.3g} {self.unit}, in reciprocal space "
            f"{self.mask_radius:.3g} 1/{self.unit}; the nearest other reflection is "
            f"{self.neighbour:.3g} 1/{self.unit} away\n"
            f"Regions compared: {', '.join(map(str, self.compared))}"
        )


def plan_of(choices: Choices, shape: tuple[int, int], unit: str) -> StrainPlan:
    """Give the choices of a strain analysis as tables.

    Parameters
    ----------
    choices
        The choices.
    shape
        Of the image.
    unit
        Unit of length.
    """
    found, chosen = choices.regions, choices.reflections
    order = np.lexsort((-found.score, found.region != choices.reference))
    verdict = np.where(found.eligible, "possible", "more distorted, or a small part of its lattice")
    regions = {
        "region": found.region,
        "score": found.score / found.score.max(),
        "area": found.area / np.prod(shape),
        "border": found.border,
        "explained": found.quality,
        "distortion": found.distortion,
        "verdict": np.where(found.region == choices.reference, "reference", verdict),
    }
    reflections = {
        **dict(zip("xy", chosen.position.T, strict=True)),
        **dict(zip("hkl", chosen.hkl.T, strict=True)),
        "information": chosen.information,
        "verdict": np.array(chosen.verdict),
    }
    return StrainPlan(
        reference=choices.reference,
        regions=Table.from_columns(regions)[order],
        reflections=Table.from_columns(reflections, dict.fromkeys("xy", f"1/{unit}")),
        resolution=choices.resolution,
        mask_radius=1.0 / (2.0 * np.pi * choices.resolution),
        neighbour=choices.neighbour,
        compared=choices.compared,
        unit=unit,
    )


def peaks_table(peaks: Sequence[Peaks], records: PhaseRecords, unit: str) -> Table:
    """Table of the peaks of some regions, with the crystal that explains each once indexed.

    Parameters
    ----------
    peaks
        Of each region.
    records
        Of the regions that have one. A peak that several crystals share is that of the first.
    unit
        Unit of length.
    """
    columns = {
        "region": np.repeat([one.region for one in peaks], list(map(len, peaks))).astype(int),
        **{name: _joined([one.position[:, n] for one in peaks]) for n, name in enumerate("xy")},
        **{
            f"error_{name}": _joined([one.error[:, n] for one in peaks])
            for n, name in enumerate("xy")
        },
        "intensity": _joined([one.intensity for one in peaks]),
        **{name: _joined([getattr(one, name) for one in peaks]) for name in PLAIN},
    }
    if records:
        found = [_explained(one, records) for one in peaks]
        hkl, crystal, forbidden, laue_zone = (
            _joined(list(column)) for column in zip(*found, strict=True)
        )
        columns |= dict(zip("hkl", hkl.reshape(-1, 3).T, strict=True))
        columns |= {"crystal": crystal, "forbidden": forbidden, "laue_zone": laue_zone}
    inverse = ("x", "y", "error_x", "error_y", "width", "width_error")
    return Table.from_columns(columns, dict.fromkeys(inverse, f"1/{unit}"))


def _explained(peaks: Peaks, records: PhaseRecords) -> tuple[np.ndarray, ...]:
    """Find what explains the peaks of a region: indices, number of the crystal, forbidden, zone."""
    hkl, forbidden = np.zeros((len(peaks), 3), int), np.zeros(len(peaks), bool)
    crystal, laue_zone = np.zeros(len(peaks), int), np.zeros(len(peaks), int)
    if peaks.region in records:
        for number, one in enumerate(records[peaks.region].crystals, 1):
            free = (crystal == 0) & one.hkl.any(axis=1)
            hkl[free], forbidden[free], crystal[free] = one.hkl[free], one.forbidden[free], number
            laue_zone[free] = one.laue_zone[free]
    return hkl, crystal, forbidden, laue_zone


def spectra_table(spectra: Sequence[RegionSpectrum], unit: str) -> Table:
    """Table of the regions of a spectrum: what they are, peaks, plane lattices and halo."""
    halos = [one.halo for one in spectra]
    names = [one.crystallinity.name for one in spectra]
    columns = {
        "region": np.array([one.peaks.region for one in spectra], int),
        "crystallinity": np.array(names),
        "probability": np.array([one.crystallinity.certainty for one in spectra]),
        "peaks": np.array([len(one.peaks) for one in spectra]),
        "lattices": np.array([one.peaks.lattice.max(initial=0) for one in spectra]),
        **{
            f"halo_{name}": np.array([[*getattr(halo, name), np.nan][0] for halo in halos])
            for name in ("radius", "error", "width")
        },
    }
    return Table.from_columns(
        columns, {name: f"1/{unit}" for name in columns if name.startswith("halo")}
    )


def dislocations_table(blocks: Mapping[int, Dislocations], unit: str) -> Table:
    """Table of dislocations.

    Parameters
    ----------
    blocks
        The dislocations of each lattice, by the number of the region that names Burgers vectors.
    unit
        Unit of length.
    """
    found, lattice = _join_blocks(blocks)
    (x, y), (b_x, b_y) = found.position.T, found.burgers.T
    columns = {
        "x": x,
        "y": y,
        "b_x": b_x,
        "b_y": b_y,
        "burgers": found.indices,
        "alternative": found.alternative,
        "error": found.error,
        "probability": found.probability,
        "lattice": lattice,
        "kind": np.where(found.partial, "partial", "perfect"),
    }
    return Table.from_columns(columns, dict.fromkeys(("x", "y", "b_x", "b_y", "error"), unit))


def planar_faults_table(blocks: Mapping[int, PlanarFaults], unit: str) -> Table:
    """Table of planar faults, by the number of the region whose lattice names them."""
    found, lattice = _join_blocks(blocks)
    columns = {
        "start_x": found.start[:, 0],
        "start_y": found.start[:, 1],
        "end_x": found.end[:, 0],
        "end_y": found.end[:, 1],
        "length": np.linalg.norm(found.end - found.start, axis=1),
        "plane": found.plane,
        "R": found.indices,
        "R_x": found.shift[:, 0],
        "R_y": found.shift[:, 1],
        "R_error": found.error,
        "jump_error": found.jump_error,
        "dip": found.dip,
        "lattice": lattice,
    }
    lengths = ("start_x", "start_y", "end_x", "end_y", "length", "R_x", "R_y", "R_error")
    return Table.from_columns(columns, {**dict.fromkeys(lengths, unit), "jump_error": "turns"})


def _join_blocks(blocks: Mapping[int, _Defects]) -> tuple[_Defects, np.ndarray]:
    """Defects of all lattices, and the number of the lattice of each."""
    every = list(blocks.values())
    names = [field.name for field in fields(every[0])]
    joined = {name: np.concatenate([getattr(one, name) for one in every]) for name in names}
    return type(every[0])(**joined), np.repeat(list(blocks), [len(one.error) for one in every])


def boundaries_table(found: Sequence[GrainBoundary], unit: str) -> Table:
    """Table of grain boundaries."""
    columns = {
        "region": np.array([one.regions[0] for one in found], int),
        "other": np.array([one.regions[1] for one in found], int),
        "length": np.array([one.length for one in found]),
        "angle": np.array([one.angle for one in found]),
        "error": np.array([one.error for one in found]),
        "kind": np.array(["high" if one.is_high_angle else "low" for one in found], str),
        "plane": np.array([one.plane for one in found]).reshape(-1, 3),
        "burgers": np.array([one.burgers for one in found]).reshape(-1, 3),
        "spacing": np.array([one.spacing for one in found]),
    }
    return Table.from_columns(
        columns, {"length": unit, "angle": "°", "error": "°", "spacing": unit}
    )


def strain_table(means: RegionMeans, errors: Mapping[str, np.ndarray]) -> Table:
    """Table of the strain of each region, NaN where it shows no lattice.

    Parameters
    ----------
    means
        Means, standard deviations and standard errors of the components.
    errors
        Mean of each further map by region.
    """
    names = ("xx", "yy", "xy", "rotation")
    means_by_name = dict(zip(("e_xx", "e_yy", "e_xy", "rotation"), means.mean, strict=True))
    columns = {
        "region": means.region,
        "pixels": means.pixels,
        **means_by_name,
        **{f"sd_{name}": row for name, row in zip(names, means.deviation, strict=True)},
        **{f"sem_{name}": row for name, row in zip(names, means.error, strict=True)},
        **errors,
    }
    degrees = {name: "°" for name in columns if name.endswith("rotation")}
    return Table.from_columns(columns, degrees)


def interfaces_table(
    found: Sequence[Misfit], unit: str, invariants: PhaseInvariants | None
) -> Table:
    """Table of misfit, tilt and change of phases at each interface."""
    names = ("misfit_along", "misfit_across", "tilt")
    values = np.array([one.values for one in found]).reshape(-1, 3).T
    errors = np.array([one.errors for one in found]).reshape(-1, 3).T
    columns = {
        "first": np.array([one.first for one in found], int),
        "second": np.array([one.second for one in found], int),
        "length": np.array([one.length for one in found], float),
        "angle": np.array([one.angle for one in found], float),
        **dict(zip(names, values, strict=True)),
        **{f"error_{name}": row for name, row in zip(names, errors, strict=True)},
    }
    unknown = (np.nan, np.nan)
    phases = [
        unknown if invariants is None else invariants.compare(one.first, one.second)
        for one in found
    ]
    columns["phase"], columns["error_phase"] = np.array(phases, float).reshape(-1, 2).T
    degrees = dict.fromkeys(("angle", "tilt", "error_tilt", "phase", "error_phase"), "°")
    return Table.from_columns(columns, {"length": unit, **degrees})


def bulk_table(cells: Sequence[BulkCell]) -> Table:
    """Table of the bulk cells that an absolute strain refers to."""
    lengths = [(np.nan,) * 3 if one.crystal is None else one.crystal.lattice[:3] for one in cells]
    columns = {
        "region": np.array([one.region for one in cells]),
        "phase": np.array(["" if one.crystal is None else one.crystal.name for one in cells]),
        **dict(zip("abc", np.array(lengths).T, strict=True)),
        "rotation": np.array([one.turn for one in cells]),
        "reason": np.array([one.reason for one in cells]),
    }
    return Table.from_columns(columns, {**dict.fromkeys("abc", "Å"), "rotation": "°"})


def means_by_region(
    maps: Mapping[str, np.ndarray], labels: np.ndarray, regions: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean of each map over the pixels of each region that have a value."""
    found = {}
    for name, values in maps.items():
        known = np.isfinite(values) & (labels > 0)
        index = np.where(known, np.searchsorted(regions, labels), len(regions)).ravel()
        total = np.bincount(index, np.where(known, values, 0).ravel(), len(regions) + 1)
        with np.errstate(invalid="ignore"):
            found[name] = total[:-1] / np.bincount(index, minlength=len(regions) + 1)[:-1]
    return found


def _joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(columns) if columns else np.zeros(0)
