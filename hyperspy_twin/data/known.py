"""What is really in a sample micrograph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import import_module

import numpy as np

from hyperspy_twin.simulation.scan import Scan

# Module and function that build each sample.
BUILDERS = {
    "sige_quantum_well": "quantum_well",
    "nanoparticles": "particles",
    "amorphous_on_crystal": "amorphous_layer",
    "mismatched_nanowire": "nanowire",
}


@dataclass(frozen=True)
class Truth:
    """The truth of a sample micrograph.

    The maps are sampled where each pixel looked, drift included; the atoms are those of the
    sample at rest, before tilt, drift and jitter, and reach a little beyond the field of view.

    Attributes
    ----------
    labels
        Region of each pixel, shape (rows, columns); 0 is vacuum or unassigned.
    phases
        Phase of each label; ``"amorphous"`` where there is no crystal.
    zone_axes
        Lattice direction along the beam of each label; absent where there is no crystal, and
        where the crystal is near no low-index zone axis.
    orientations
        Matrix (3, 3) of each crystalline label: image vector = matrix @ crystal vector.
    strain
        Maps ``e_xx``, ``e_yy``, ``e_xy`` (Lagrangian) and ``rotation`` (degrees, positive
        counter-clockwise on the screen), shape (rows, columns), relative to the ``reference``
        region's unstrained lattice; NaN where there is no crystal.
    positions
        Atoms (x right, y down, z depth), shape (n, 3), Angstrom from the first pixel's centre.
    numbers
        Atomic numbers, shape (n,).
    reference
        Label that the strain is relative to.
    """

    labels: np.ndarray
    phases: dict[int, str]
    zone_axes: dict[int, tuple[int, int, int]]
    orientations: dict[int, np.ndarray]
    strain: dict[str, np.ndarray]
    positions: np.ndarray
    numbers: np.ndarray
    reference: int

    def __post_init__(self) -> None:
        """Protect the arrays: one truth is shared by all who ask for it."""
        arrays = [self.labels, self.positions, self.numbers]
        for array in [*arrays, *self.strain.values(), *self.orientations.values()]:
            array.setflags(write=False)


def truth(name: str, arguments: Mapping[str, object]) -> Truth:
    """Truth of a sample micrograph, computed anew from how it was made.

    Parameters
    ----------
    name
        Name of the function of :mod:`hyperspy_twin.data` that made the micrograph.
    arguments
        All its arguments, as kept in ``metadata.Twin.sample``.

    Returns
    -------
    Truth
        The same object for the same arguments, with read-only arrays.

    Raises
    ------
    ValueError
        If there is no such sample, or an argument is out of range.
    TypeError
        If an argument is missing or unknown.
    """
    if name not in BUILDERS:
        raise ValueError(f"there is no sample {name!r}; choose from {sorted(BUILDERS)}.")
    return _cached_truth(name, json.dumps(dict(arguments), sort_keys=True))


@lru_cache(maxsize=4)
def _cached_truth(name: str, arguments: str) -> Truth:
    scan, sample = split_arguments(json.loads(arguments))
    build: Callable[..., Truth] = import_module(f".{BUILDERS[name]}", __package__).build
    return build(scan, **sample)


def split_arguments(arguments: Mapping[str, object]) -> tuple[Scan, dict[str, object]]:
    """Separate how a micrograph is recorded from what is recorded.

    Parameters
    ----------
    arguments
        All arguments of a sample.

    Returns
    -------
    scan : Scan
        The frame.
    sample : dict
        The arguments of the sample alone.

    Raises
    ------
    TypeError
        If an argument of the scan is missing.
    """
    names = [field.name for field in fields(Scan)]
    scan = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in arguments.items()
        if key in names
    }
    sample = {key: value for key, value in arguments.items() if key not in names}
    return Scan(**scan), sample  # type: ignore[arg-type]
