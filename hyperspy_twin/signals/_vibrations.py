"""Vibrations of a model as signals and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import Signal1D

from hyperspy_twin.core import Table
from hyperspy_twin.signals._densities import AtomGroups, density_signal

if TYPE_CHECKING:
    from hyperspy_twin.properties import (
        PhononDensity,
        PhononSettings,
        RepeatedCell,
        ThermalDisplacements,
    )

# Said with each density of the valence force field: Grüneisen parameters of the highest line of Ge,
# of the force field and measured (D. Olego, M. Cardona, Phys. Rev. B 25 (1982) 1151).
NO_STRAIN = (
    "strain is not read from the shift of a peak: in this force field peaks rise under tension "
    "(Grüneisen parameter -0.6 in Ge), in crystals they fall (1.1)"
)


def phonon_signal(
    found: PhononDensity,
    groups: AtomGroups,
    settings: PhononSettings,
    temperature: float | None,
    calculator: Any,
    title: str,
) -> Signal1D:
    """Density of vibrations, or at a temperature its form of energy losses."""
    from hyperspy_twin.properties import energy_loss

    energies, values, variance = found.energies, found.values, found.variance
    details: dict[str, Any] = {"resolution": settings.resolution}
    if calculator is None:
        details |= {
            "field": settings.field,
            "moments": found.moments,
            "vectors": settings.vectors,
            "seed": settings.seed,
            "caution": NO_STRAIN,
        }
    else:
        details["calculator"] = type(calculator).__name__
    if temperature is not None:
        # Below its resolution a density does not tell how it goes to zero.
        above = energies >= settings.resolution
        energies, values, variance = energies[above], values[:, above], variance[:, above]
        if len(energies) < 2:
            raise ValueError("energy losses begin at the energy of the resolution: none is left")
        factor = energy_loss(np.ones(len(energies)), energies, temperature)
        values, variance = values * factor, variance * factor**2
        details |= {"temperature": float(temperature), "form": "energy losses by single phonons"}
    signal = density_signal(
        values, variance, energies, unit="meV", groups=groups, title=title, details=details
    )
    if temperature is not None:
        signal.metadata.Signal.quantity = "Losses by single phonons (1/meV²/atom)"
    return signal


def bands_signal(title: str, cell: RepeatedCell, path: str | None, points: int) -> Signal1D:
    """Energies along a path of wave vectors."""
    from ase.cell import Cell

    try:
        line = Cell(cell.cell).bandpath(path, npoints=points)
    except KeyError as error:
        raise ValueError(f"{path!r} has a point that is none of this lattice: {error}") from error
    length, places, labels = line.get_linear_kpoint_axis()
    # A path may go on from another point at the same length: energies are kept once.
    kept = np.flatnonzero(np.diff(length, prepend=-1.0) > 0)
    reciprocal = 2 * np.pi * np.linalg.inv(cell.cell).T
    energies = cell.energies(line.kpts[kept] @ reciprocal)
    axes = [
        {"name": "branch", "size": energies.shape[1], "navigate": True},
        {
            "name": "wave vector",
            "axis": length[kept],
            "units": "1/Å",
            "navigate": False,
        },
    ]
    bands = {"labels": list(labels), "places": places.tolist()}
    return Signal1D(
        energies.T,
        axes=axes,
        metadata={
            "General": {"title": f"Vibrations of {title}"},
            "Signal": {"quantity": "Energy (meV)"},
            "Bands": bands,
        },
    )


def displacement_table(found: ThermalDisplacements, groups: AtomGroups) -> Table:
    """Mean square displacements of each part and element."""
    from ase.data import chemical_symbols

    parts = zip(groups.axes, np.unravel_index(found.group, groups.shape or (1,)), strict=False)
    places = {axis.name: np.asarray(axis.places)[at] for axis, at in parts if not axis.names}
    columns = {
        **places,
        "element": np.array([chemical_symbols[one] for one in found.number]),
        "atoms": found.atoms,
        "mean_square": found.values,
        "error": np.sqrt(found.variance),
        "B": 8 * np.pi**2 * found.values,
    }
    units = {axis.name: axis.unit for axis in groups.axes if axis.name in places}
    return Table.from_columns(columns, {**units, "mean_square": "Å²", "error": "Å²", "B": "Å²"})
