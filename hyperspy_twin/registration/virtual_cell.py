"""The virtual unit cell: a crystal's cell strained and turned to match the reference region."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import polar
from scipy.spatial.transform import Rotation

from hyperspy_twin.core import ANGSTROM_PER_NM, OrientedCrystal
from hyperspy_twin.registration.beam_stretch import stretch_along_beam

# Between an indexed phase and its micrograph lie some percent of strain and a little rotation. What
# lies beyond these bounds, set by judgement, means that peaks and orientation do not belong
# together.
LARGEST_STRETCH_RATIO = 1.35
# Degrees, about the beam.
LARGEST_ROTATION = 20.0
# Degrees, between the zone axis and the beam.
LARGEST_MISTILT = 15.0
# Ratio of the singular values of reflections, weighted, below which they lie on one line.
COLLINEAR = 1e-3


def reciprocal_vectors(base: np.ndarray, hkl: np.ndarray) -> np.ndarray:
    """Return the x and y components of h a* + k b* + l c* in 1/nm, shape (..., 2).

    The lattice vectors a, b, c are rows in the image frame, Angstrom, shape (3, 3), and the Miller
    indices of shape (..., 3).
    """
    reciprocal = np.linalg.inv(np.asarray(base, float)).T
    return ANGSTROM_PER_NM * (np.asarray(hkl, float) @ reciprocal)[..., :2]


def align_to_zone_axis(oriented: OrientedCrystal) -> OrientedCrystal:
    """Turn a crystal by the smallest rotation that puts its zone axis along the beam.

    A model that repeats along the beam needs a lattice translation exactly along +z, which an
    orientation fitted with a small mistilt does not offer.

    Raises
    ------
    ValueError
        If the orientation is not a proper rotation, or the zone axis is more than 15 degrees from
        the beam.
    """
    orientation = _proper_rotation(oriented.orientation)
    direction = orientation @ (np.asarray(oriented.zone_axis, float) @ oriented.crystal.base)
    length = np.linalg.norm(direction)
    if not length > 0:
        raise ValueError("the zone axis [000] has no direction: give a lattice direction [uvw]")
    direction = direction / length
    tilt = np.degrees(np.arctan2(np.hypot(direction[0], direction[1]), direction[2]))
    if tilt > LARGEST_MISTILT:
        raise ValueError(
            f"zone axis {tuple(map(int, oriented.zone_axis))} is {tilt:.1f} degrees from the beam: "
            "the orientation and the zone axis do not belong together; index again"
        )
    axis = np.cross(direction, [0.0, 0.0, 1.0])
    sine = np.linalg.norm(axis)
    if sine == 0:
        return oriented
    turn = Rotation.from_rotvec(np.radians(tilt) * axis / sine).as_matrix()
    return replace(oriented, orientation=turn @ orientation)


def fit_virtual_cell(
    oriented: OrientedCrystal,
    hkl: np.ndarray,
    g: np.ndarray,
    *,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Fit the lattice of a virtual cell to the measured peaks of a region.

    The oriented cell is deformed in the image plane so that its reflections reproduce the peaks
    in the sense of weighted least squares: all four in-plane components are free, so that a
    tetragonal distortion, a shear and a small rotation are kept. The length along the beam cannot
    be seen in a projection; it follows from the symmetry of the lattice, see
    :func:`~hyperspy_twin.registration.beam_stretch.stretch_along_beam`.
    The fitted lattice vectors a, b, c are rows in the image frame, Angstrom, shape (3, 3).

    Parameters
    ----------
    oriented
        The crystal, its zone axis along the beam.
    hkl, g
        Miller indices (k, 3) of the peaks, and their vectors (x, y) in 1/nm, shape (k, 2).
    weights
        Weights of the peaks, such as inverse variances of g, shape (k,). Equal if absent.

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
    nominal = oriented.crystal.base @ _proper_rotation(oriented.orientation).T
    model = reciprocal_vectors(nominal, hkl)
    root = np.sqrt(weights)[:, None]
    for name, vectors in (("indexed", model), ("measured", g)):
        singular = np.linalg.svd(root * vectors, compute_uv=False)
        if len(singular) < 2 or not singular[1] > COLLINEAR * singular[0]:
            raise ValueError(
                f"the {name} reflections lie on one line through the origin: a cell needs "
                "at least two reflections in different directions"
            )
    transform = np.linalg.lstsq(root * model, root * g, rcond=None)[0]
    in_plane = np.linalg.inv(transform)
    _check_deformation(in_plane)
    deformation = np.eye(3)
    deformation[:2, :2] = in_plane
    deformation[2, 2] = stretch_along_beam(nominal, in_plane.T)
    return nominal @ deformation.T


def find_cell_error(
    g: np.ndarray, error: np.ndarray, *, weights: np.ndarray | None = None
) -> np.ndarray:
    """Find the standard errors of a lattice that was fitted to peaks.

    An error E of the fit, g (1 + E) for g, moves a point at the distance r from the origin by
    -E r. Element i, j is the standard error of component i of that for each unit of r along j,
    shape (2, 2).

    Parameters
    ----------
    g, error
        Peaks (x, y) and their standard errors, in one unit, shape (k, 2) each.
    weights
        Weights of the fit, shape (k,). Equal if absent.
    """
    g, error = np.asarray(g, float), np.asarray(error, float)
    weights = np.ones(len(g)) if weights is None else np.asarray(weights, float)
    weighted = g * weights[:, None]
    gain = np.linalg.solve(weighted.T @ g, weighted.T)
    return np.sqrt(gain**2 @ error**2)


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
    rotation, _ = polar(in_plane)
    advice = "check the indices of the reflections and the orientation"
    if np.linalg.det(rotation) < 0:
        raise ValueError(f"the measured reflections mirror the indexed ones: {advice}")
    # Without a sign, which last digits decide at half a turn.
    angle = np.degrees(np.arctan2(abs(rotation[1, 0]), rotation[0, 0]))
    if angle > LARGEST_ROTATION:
        raise ValueError(
            f"the measured reflections are turned {angle:.1f} degrees from the indexed ones: "
            f"{advice}"
        )
    ratio = np.linalg.cond(in_plane)
    if ratio > LARGEST_STRETCH_RATIO:
        raise ValueError(
            f"the fitted cell is stretched {ratio:.2f} times more along one direction than across "
            f"it: {advice}"
        )
