"""From a model to the table of places whose force nothing explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM, Table

if TYPE_CHECKING:
    from hyperspy_twin.core import GradientNoise
    from hyperspy_twin.properties import CheckedAtoms, Evidence

UNITS = {
    "x": "nm",
    "y": "nm",
    "width": "nm",
    "height": "nm",
    "displacement_x": "pm",
    "displacement_y": "pm",
    "force": "eV/Å",
}
PM_PER_ANGSTROM = 100.0


def measured_positions(model: Any) -> np.ndarray:
    """Positions as the image showed them, in Å in the box, also of a relaxed model."""
    start = model.positions - model._box.origin
    return start - model.displacement if "displacement_x" in model._box.columns else start


def check_model(model: Any, chance: float) -> CheckedAtoms:
    """Check the forces of a model that was made from a strain map."""
    from ase.data import chemical_symbols

    from hyperspy_twin.properties import (
        MeasuredNoise,
        check_forces,
        site_fractions,
        supported_elements,
    )

    settings = model._state("strain")
    noise_of_image = None if settings is None else settings.noise
    if noise_of_image is None or not np.isfinite(model.error[:, :2]).any():
        raise ValueError(
            "the errors of the positions are not known, against which forces are judged: check() "
            "needs a model made by StrainMap.to_atoms() from an image whose noise was measured"
        )
    numbers = model.numbers
    alloy = model._state("alloy")
    elements = sorted(set(np.unique(numbers).tolist()) | set(_numbers_of(alloy)))
    unknown = {chemical_symbols[one] for one in elements} - set(supported_elements())
    if unknown:
        raise ValueError(
            "check() knows the forces of tetrahedral semiconductors alone, and has no constants of "
            f"{', '.join(sorted(unknown))}: look at forces(calculator=...) and force_map(), or "
            "select() the regions of a semiconductor"
        )
    fractions = site_fractions(numbers, model.region, model.occupancy, elements)
    if alloy is not None:
        given = model._columns(*alloy.elements)
        mixed = given.sum(axis=1) > 0
        fractions[mixed] = 0.0
        for number, values in zip(_numbers_of(alloy), given.T, strict=True):
            fractions[mixed, elements.index(number)] = values[mixed]
    resolution = ANGSTROM_PER_NM * settings.resolution
    lines = ANGSTROM_PER_NM**3 * _noise_of_lines(noise_of_image, model.region)
    noise = MeasuredNoise(model.error[:, :2], lines, resolution, model.region)
    box = model._box
    return check_forces(
        measured_positions(model),
        (box.cell, box.pbc),
        elements=elements,
        fractions=fractions,
        noise=noise,
        chance=chance,
    )


def table_of_suspects(model: Any, strain: Any, found: CheckedAtoms) -> Table:
    """Table of the places in the axes of the image, with their likely causes."""
    from hyperspy_twin.properties import name_cause

    points = measured_positions(model)[:, :2]
    known = _evidence(model, strain, found, points) if found.suspects else None
    size = np.linalg.norm(found.force, axis=1)
    rows = []
    for one in found.suspects:
        half = np.array([one.width, one.height]) / 2
        here = (np.abs(points - (one.x, one.y)) <= half).all(axis=1) & found.tested
        x, y = np.array([one.x, one.y]) + model._box.origin[:2]
        shift = PM_PER_ANGSTROM * np.array(one.displacement)
        rows.append(
            (
                "scan line" if one.is_line else "area",
                *(np.array([x, y, one.width, one.height]) / ANGSTROM_PER_NM),
                one.significance,
                *shift,
                size[here].mean() if here.any() else np.nan,
                "" if known is None else name_cause(one, known),
            )
        )
    names = ("kind", *list(UNITS)[:4], "significance", *list(UNITS)[4:], "cause")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    text = {"kind": np.array([], "U1"), "cause": np.array([], "U1")}
    return Table.from_columns(
        {name: columns.get(name, text.get(name, np.array([]))) for name in names}, UNITS
    )


def _evidence(model: Any, strain: Any, found: CheckedAtoms, points: np.ndarray) -> Evidence:
    """Collect what the model, and the strain map if it is given, know of places."""
    from hyperspy_twin.atoms import sample_nearest
    from hyperspy_twin.properties import Evidence

    scan = model._state("scan")
    error = np.hypot(*model.error[:, :2].T)
    dislocations = np.empty((0, 2))
    origin = model._box.origin[:2]
    if strain is not None:
        in_image = (points + origin) / ANGSTROM_PER_NM
        error = sample_nearest(np.asarray(strain.sigma.data), strain._grid, in_image)
        if strain._state("image") is not None:
            cores = strain.dislocations(show_progressbar=False)
            dislocations = np.column_stack([cores["x"], cores["y"]]) * ANGSTROM_PER_NM - origin
    fly_back = -np.inf
    if scan is not None and scan.fly_back > 0:
        fly_back = points[:, 0].min() + ANGSTROM_PER_NM * scan.fly_back
    return Evidence(
        points=points,
        region=model.region,
        whole=found.bonded,
        error=error,
        resolution=ANGSTROM_PER_NM * model._state("strain").resolution,
        dislocations=dislocations,
        fly_back=float(fly_back),
        drifts=scan is not None and any(scan.drift),
    )


def _noise_of_lines(noise: GradientNoise, region: np.ndarray) -> np.ndarray:
    """Noise of scan lines along x and y at each atom in nm³, shape (n, 2).

    Where that of a region is not known, it is taken to be the mean of the others: the same lines
    scan all.
    """
    along = np.diagonal(np.asarray(noise.lines), axis1=1, axis2=2)
    found = np.tile(along.mean(axis=0), (len(region), 1))
    for number, values in zip(np.asarray(noise.region), along, strict=True):
        found[region == number] = values
    return found


def _numbers_of(alloy: object) -> list[int]:
    """Atomic numbers of the elements of an alloy, if there is one."""
    from ase.data import atomic_numbers

    return [atomic_numbers[one] for one in getattr(alloy, "elements", ())]
