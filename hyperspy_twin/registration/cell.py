"""The virtual unit cell: a crystal's cell strained and turned to match the reference region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

# Between an indexed phase and its micrograph lie some percent of strain and a little rotation.
# Anything beyond these bounds means that reflections and orientation do not belong together.
LARGEST_STRETCH_RATIO = 1.35
LARGEST_ROTATION = 20.0
LARGEST_MISTILT = 15.0

ANGSTROM_PER_NM = 10.0


def reciprocal_vectors(lattice: np.ndarray, hkl: np.ndarray) -> np.ndarray:
    """Return the in-plane reciprocal vectors of reflections.

    Parameters
    ----------
    lattice
        Lattice vectors a, b, c as rows in the image frame, Angstrom, shape (3, 3).
    hkl
        Miller indices, shape (k, 3).

    Returns
    -------
    numpy.ndarray
        The x and y components of h a* + k b* + l c* in 1/nm, shape (k, 2).
    """
    reciprocal = np.linalg.inv(np.asarray(lattice, float)).T
    return ANGSTROM_PER_NM * (np.asarray(hkl, float) @ reciprocal)[:, :2]


def align_to_zone_axis(
    base: np.ndarray, zone_axis: Sequence[int] | np.ndarray, orientation: np.ndarray
) -> np.ndarray:
    """Turn an orientation by the smallest rotation that puts a zone axis along the beam.

    A model that repeats along the beam needs a lattice translation exactly along +z, which an
    orientation fitted with a small mistilt does not offer.

    Parameters
    ----------
    base
        Lattice vectors a, b, c as rows in the crystal's Cartesian frame, Angstrom, shape (3, 3).
    zone_axis
        Lattice direction [uvw] along +z, into the screen, shape (3,).
    orientation
        Matrix M of "image vector = M @ crystal vector", shape (3, 3).

    Returns
    -------
    numpy.ndarray
        The aligned orientation matrix, shape (3, 3).

    Raises
    ------
    ValueError
        If ``orientation`` is not a proper rotation, or the zone axis is more than 15 degrees from
        the beam.
    """
    orientation = _proper_rotation(orientation)
    direction = orientation @ (np.asarray(zone_axis, float) @ np.asarray(base, float))
    length = np.linalg.norm(direction)
    if not length > 0:
        raise ValueError("the zone axis [000] has no direction: give a lattice direction [uvw]")
    direction = direction / length
    tilt = np.degrees(np.arctan2(np.hypot(direction[0], direction[1]), direction[2]))
    if tilt > LARGEST_MISTILT:
        raise ValueError(
            f"zone axis {tuple(np.asarray(zone_axis).tolist())} is {tilt:.1f} degrees from the "
            "beam: the orientation and the zone axis do not belong together; index again"
        )
    axis = np.cross(direction, [0.0, 0.0, 1.0])
    sine = np.linalg.norm(axis)
    if sine == 0:
        return orientation
    turn = Rotation.from_rotvec(np.radians(tilt) * axis / sine).as_matrix()
    return turn @ orientation


def fit_cell(
    base: np.ndarray,
    hkl: np.ndarray,
    g: np.ndarray,
    orientation: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Fit the lattice of a virtual cell to the measured reflections of the reference region.

    The oriented cell is deformed in the image plane so that its reflections reproduce the measured
    ones in the sense of weighted least squares: all four in-plane components are free, so that a
    tetragonal distortion, a shear and a small rotation are kept. The length along the beam cannot
    be seen in a projection; it is scaled by the mean in-plane factor, the square root of the
    in-plane change of area, which is exact for a wrong pixel size or an isotropic expansion.

    Parameters
    ----------
    base
        Lattice vectors a, b, c as rows in the crystal's Cartesian frame, Angstrom, shape (3, 3).
    hkl
        Miller indices of the reflections, shape (k, 3).
    g
        Measured reciprocal vectors (x, y) of the reflections in 1/nm, shape (k, 2).
    orientation
        Matrix M of "image vector = M @ crystal vector", shape (3, 3).
    weights
        Weights of the reflections, such as inverse variances of g, shape (k,). Equal if absent.

    Returns
    -------
    numpy.ndarray
        Lattice vectors a, b, c as rows in the image frame, Angstrom, shape (3, 3).

    Raises
    ------
    ValueError
        If shapes disagree, values are not finite, the reflections do not span the plane, or the
        fit needs a mirror, a rotation above 20 degrees or a stretch ratio above 1.35: then the
        indices, the reflections and the orientation do not belong together.
    """
    hkl, g = np.asarray(hkl, float), np.asarray(g, float)
    if hkl.ndim != 2 or hkl.shape[1] != 3 or g.shape != (len(hkl), 2):
        raise ValueError(f"hkl must be (k, 3) and g (k, 2); got {hkl.shape} and {g.shape}")
    weights = np.ones(len(hkl)) if weights is None else np.asarray(weights, float)
    if weights.shape != (len(hkl),) or not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise ValueError("weights must be one finite number >= 0 for each reflection")
    if not (np.all(np.isfinite(g)) and np.all(np.isfinite(hkl))):
        raise ValueError("hkl and g must be finite: leave out reflections without a position")
    nominal = np.asarray(base, float) @ _proper_rotation(orientation).T
    model = reciprocal_vectors(nominal, hkl)
    root = np.sqrt(weights)[:, None]
    for name, vectors in (("indexed", model), ("measured", g)):
        singular = np.linalg.svd(root * vectors, compute_uv=False)
        if len(singular) < 2 or not singular[1] > 1e-3 * singular[0]:
            raise ValueError(
                f"the {name} reflections lie on one line through the origin: a cell needs "
                "at least two reflections in different directions"
            )
    transform = np.linalg.lstsq(root * model, root * g, rcond=None)[0]
    in_plane = np.linalg.inv(transform)
    _check_deformation(in_plane)
    deformation = np.eye(3)
    deformation[:2, :2] = in_plane
    deformation[2, 2] = np.sqrt(np.linalg.det(in_plane))
    return nominal @ deformation.T


def _proper_rotation(orientation: np.ndarray) -> np.ndarray:
    matrix = np.asarray(orientation, float)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6):
        raise ValueError("orientation must be a (3, 3) rotation matrix with orthonormal rows")
    if np.linalg.det(matrix) < 0:
        raise ValueError(
            "orientation mirrors the crystal (determinant -1): the image frame x right, y down, "
            "z into the screen is right-handed, so give a proper rotation"
        )
    return matrix


def _check_deformation(in_plane: np.ndarray) -> None:
    """Refuse a deformation that no strained crystal shows."""
    left, stretches, right = np.linalg.svd(in_plane)
    rotation = left @ right
    advice = "check the indices of the reflections and the orientation"
    if np.linalg.det(rotation) < 0:
        raise ValueError(f"the measured reflections mirror the indexed ones: {advice}")
    angle = np.degrees(np.arctan2(rotation[1, 0], rotation[0, 0]))
    if abs(angle) > LARGEST_ROTATION:
        raise ValueError(
            f"the measured reflections are turned {angle:.1f} degrees from the indexed ones: "
            f"{advice}"
        )
    if stretches[0] > LARGEST_STRETCH_RATIO * stretches[1]:
        raise ValueError(
            f"the fitted cell is stretched {stretches[0] / stretches[1]:.2f} times more along one "
            f"direction than across it: {advice}"
        )
