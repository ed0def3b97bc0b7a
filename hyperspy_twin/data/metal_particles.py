"""Metal nanoparticles on an amorphous carbon film."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.data.known_truth import Truth
from hyperspy_twin.simulation import (
    GLASSES,
    SAMPLE,
    Scan,
    cut_octahedron,
    fill_glass,
    require_positive,
    turn_along_beam,
)

# Face-centred cubic metals: atomic number and lattice parameter in Angstrom (Wyckoff 1963).
METALS = {"Au": (79, 4.078), "Ag": (47, 4.086), "Pt": (78, 3.924), "Pd": (46, 3.891)}

# The beam directions in turn; the last is far from every low-index zone axis.
ZONE_AXES: tuple[tuple[int, int, int] | None, ...] = (
    (1, 1, 0),
    (0, 0, 1),
    (1, 1, 1),
    (1, 1, 0),
    (1, 1, 0),
    None,
)
OFF_ZONE = (0.93, 0.33, 0.16)
# Half the largest relative difference of two diameters.
SPREAD = 0.15
# nm. Between two particles, at least.
GAP = 1.0
# Angstrom. Half the nearest-neighbour distance in gold.
ATOM_RADIUS = 1.44


def build_particles(
    scan: Scan, *, number: int, diameter: float, metals: tuple[str, ...], film_thickness: float
) -> Truth:
    """Build :func:`~hyperspy_twin.data.nanoparticles` side by side, lying on the film.

    Labels 1 to ``number`` for the particles and ``number + 1`` for the film alone. Each particle is
    unstrained relative to its own metal; the reference is particle 1.
    """
    require_positive(number=number, diameter=diameter, film_thickness=film_thickness)
    if not isinstance(number, Integral):
        raise ValueError(f"number must be a whole number of particles, not {number!r}.")
    unknown = sorted(set(metals) - set(METALS))
    if unknown or not metals:
        raise ValueError(f"metals must be taken from {sorted(METALS)}, not {metals!r}.")
    random = scan.random(SAMPLE)
    radii = ANGSTROM_PER_NM / 2 * diameter * random.uniform(1 - SPREAD, 1 + SPREAD, number)
    centres = _scatter(radii, scan, random)

    atoms, atom_numbers, orientations, outlines = [], [], {}, []
    for label, (radius, centre) in enumerate(zip(radii, centres, strict=True), 1):
        metal = metals[(label - 1) % len(metals)]
        zone = ZONE_AXES[(label - 1) % len(ZONE_AXES)]
        orientations[label] = turn_along_beam(zone or OFF_ZONE, random)
        particle = cut_octahedron(METALS[metal][1], radius) @ orientations[label].T
        particle[:, :2] += centre
        particle[:, 2] -= particle[:, 2].max()
        atoms.append(particle)
        atom_numbers.append(np.full(len(particle), METALS[metal][0]))
        outlines.append(_outline(particle[:, :2]))

    left, right, top, bottom = scan.filled_box(diameter + film_thickness)
    film = GLASSES["C"]
    low = left, top, film.closest
    high = right, bottom, film.closest + ANGSTROM_PER_NM * film_thickness
    carbon, carbon_numbers = fill_glass(low, high, glass=film, random=random)
    positions = np.concatenate([*atoms, carbon])
    positions[:, 2] -= positions[:, 2].min()

    labels = np.full(scan.shape, number + 1)
    x, y = np.broadcast_arrays(*scan.seen_points())
    for label, edges in enumerate(outlines, 1):
        labels[np.all([a * x + b * y <= c for a, b, c in edges], axis=0)] = label
    zones = {label: ZONE_AXES[(label - 1) % len(ZONE_AXES)] for label in orientations}
    unstrained = np.where(labels <= number, 0.0, np.nan)
    return Truth(
        labels=labels,
        phases={label: metals[(label - 1) % len(metals)] for label in orientations}
        | {number + 1: "amorphous"},
        zone_axes={label: zone for label, zone in zones.items() if zone is not None},
        orientations=orientations,
        strain=dict.fromkeys(("e_xx", "e_yy", "e_xy", "rotation"), unstrained),
        positions=positions,
        numbers=np.concatenate([*atom_numbers, carbon_numbers]),
        reference=1,
    )


def _scatter(radii: np.ndarray, scan: Scan, random: np.random.Generator) -> np.ndarray:
    """Centres at random, whole inside the field and apart by at least 1 nm."""
    field = ANGSTROM_PER_NM * np.array(scan.field)
    reach = radii + ANGSTROM_PER_NM * GAP / 2
    attempts = 100 if np.all(field > 2 * reach.max()) else 0
    for _ in range(attempts):
        centres = np.empty((0, 2))
        for index, radius in enumerate(radii):
            trials = reach[index] + random.random((200, 2)) * (field - 2 * reach[index])
            distance = np.linalg.norm(trials[:, None] - centres, axis=-1)
            free = np.all(distance >= radius + radii[:index] + ANGSTROM_PER_NM * GAP, axis=1)
            if not free.any():
                break
            centres = np.vstack([centres, trials[np.argmax(free)]])
        else:
            return centres
    raise ValueError(
        f"{len(radii)} particles do not fit side by side in {scan.field[0]:.1f} x "
        f"{scan.field[1]:.1f} nm: lower number or diameter, or enlarge the field."
    )


def _outline(points: np.ndarray) -> np.ndarray:
    """Half-planes a x + b y <= c around the projected atoms, one atomic radius outside."""
    from scipy.spatial import ConvexHull

    equations = ConvexHull(points).equations
    return np.column_stack([equations[:, :2], ATOM_RADIUS - equations[:, 2]])
