"""Metal nanoparticles on an amorphous carbon film."""

from __future__ import annotations

from itertools import product
from numbers import Integral

import numpy as np

from hyperspy_twin.data.checks import require_positive
from hyperspy_twin.data.known import Truth
from hyperspy_twin.simulation.packing import GLASSES, fill_glass
from hyperspy_twin.simulation.scan import Scan

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
LEAN = 3e-3
FACET_RATIO = 1.15
GAP = 1.0
ATOM_RADIUS = 1.44


def build(
    scan: Scan, *, number: int, diameter: float, metals: tuple[str, ...], film_thickness: float
) -> Truth:
    """Build faceted particles side by side, lying on the film.

    Parameters
    ----------
    scan
        The frame.
    number
        Of particles.
    diameter
        Mean distance of opposite {100} facets in nm; each particle is within 15 % of it.
    metals
        Elements of the particles, in turn.
    film_thickness
        Of the carbon film, in nm.

    Returns
    -------
    Truth
        Labels 1 to ``number`` for the particles and ``number + 1`` for the film alone. Each
        particle is unstrained relative to its own metal; the reference is particle 1.

    Raises
    ------
    ValueError
        If an argument is out of range or the particles do not fit side by side.
    """
    require_positive(number=number, diameter=diameter, film_thickness=film_thickness)
    if not isinstance(number, Integral):
        raise ValueError(f"number must be a whole number of particles, not {number!r}.")
    unknown = sorted(set(metals) - set(METALS))
    if unknown or not metals:
        raise ValueError(f"metals must be taken from {sorted(METALS)}, not {metals!r}.")
    random = scan.random(0)
    radii = 5 * diameter * random.uniform(0.85, 1.15, number)
    centres = _scatter(radii, scan, random)

    atoms, atom_numbers, orientations, outlines = [], [], {}, []
    for label, (radius, centre) in enumerate(zip(radii, centres, strict=True), 1):
        metal = metals[(label - 1) % len(metals)]
        zone = ZONE_AXES[(label - 1) % len(ZONE_AXES)]
        orientations[label] = beam_along(zone or OFF_ZONE, random)
        particle = truncated_octahedron(METALS[metal][1], radius) @ orientations[label].T
        particle[:, :2] += centre
        particle[:, 2] -= particle[:, 2].max()
        atoms.append(particle)
        atom_numbers.append(np.full(len(particle), METALS[metal][0]))
        outlines.append(_outline(particle[:, :2]))

    left, right, top, bottom = scan.filled_box(diameter + film_thickness)
    film = GLASSES["C"]
    low, high = (left, top, film.closest), (right, bottom, film.closest + 10 * film_thickness)
    carbon, carbon_numbers = fill_glass(low, high, film, random)
    positions = np.concatenate([*atoms, carbon])
    positions[:, 2] -= positions[:, 2].min()

    labels = np.full(scan.shape, number + 1)
    x, y = np.broadcast_arrays(*scan.seen())
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


def truncated_octahedron(lattice: float, radius: float) -> np.ndarray:
    """Face-centred cubic particle bounded by {111} and {100} facets.

    The {100} facets are 1.15 times as far out as the {111} facets, as the surface energies of
    gold have it in Wulff's construction.

    Parameters
    ----------
    lattice
        Lattice parameter, Angstrom.
    radius
        Distance of the {100} facets from the centre, Angstrom.

    Returns
    -------
    numpy.ndarray
        Positions in the crystal's axes about the centre, shape (n, 3), Angstrom.

    References
    ----------
    L.D. Marks, Rep. Prog. Phys. 57 (1994) 603.
    """
    reach = int(np.ceil(radius / lattice)) + 1
    cells = np.array(list(product(range(-reach, reach + 1), repeat=3)))
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    points = np.abs(lattice * (cells[:, None] + basis).reshape(-1, 3))
    inside = (points.max(axis=1) <= radius) & (
        points.sum(axis=1) <= np.sqrt(3) * radius / FACET_RATIO
    )
    return lattice * (cells[:, None] + basis).reshape(-1, 3)[inside]


def beam_along(direction: tuple[float, ...], random: np.random.Generator) -> np.ndarray:
    """Rotation that sends a crystal direction along the beam, up to a few mrad.

    Parameters
    ----------
    direction
        In the crystal's axes.
    random
        For the in-plane angle and the lean out of the beam, 3 mrad along each axis.

    Returns
    -------
    numpy.ndarray
        Shape (3, 3), image vector = matrix @ crystal vector.
    """
    from scipy.spatial.transform import Rotation

    beam = np.asarray(direction, float) / np.linalg.norm(direction)
    across = np.cross(beam, np.eye(3)[np.argmin(np.abs(beam))])
    across /= np.linalg.norm(across)
    aligned = np.array([across, np.cross(beam, across), beam])
    angles = [*(LEAN * random.standard_normal(2)), random.uniform(0, 2 * np.pi)]
    return Rotation.from_euler("xyz", angles).as_matrix() @ aligned


def _scatter(radii: np.ndarray, scan: Scan, random: np.random.Generator) -> np.ndarray:
    """Centres at random, whole inside the field and apart by at least 1 nm."""
    field = 10 * np.array(scan.field)
    reach = radii + 5 * GAP
    attempts = 100 if np.all(field > 2 * reach.max()) else 0
    for _ in range(attempts):
        centres = np.empty((0, 2))
        for index, radius in enumerate(radii):
            trials = reach[index] + random.random((200, 2)) * (field - 2 * reach[index])
            distance = np.linalg.norm(trials[:, None] - centres, axis=-1)
            free = np.all(distance >= radius + radii[:index] + 10 * GAP, axis=1)
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
