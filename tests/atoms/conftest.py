"""Small crystals that the tests of this room share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
THIRD = 1 / 3


def crystal(base, numbers, fractional, occupancy=None):
    numbers = np.asarray(numbers)
    return SimpleNamespace(
        base=np.asarray(base, float),
        numbers=numbers,
        fractional=np.asarray(fractional, float),
        occupancy=np.ones(len(numbers)) if occupancy is None else np.asarray(occupancy, float),
    )


def hexagonal(a, c):
    return np.array([[a * 0.75**0.5, -a / 2, 0], [0, a, 0], [0, 0, c]])


def zone_orientation(base, zone_axis, angle=0.0):
    """Return a rotation that puts [uvw] along +z, turned by an angle in degrees about it."""
    direction = np.asarray(zone_axis) @ base
    z = direction / np.linalg.norm(direction)
    helper = np.eye(3)[np.argmin(np.abs(z))]
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    frame = np.array([x, np.cross(z, x), z])
    return Rotation.from_euler("z", angle, degrees=True).as_matrix() @ frame


@pytest.fixture(scope="session")
def crystals():
    return {
        "fcc": crystal(4.078 * np.eye(3), [79] * 4, FCC),
        "bcc": crystal(2.866 * np.eye(3), [26] * 2, [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "diamond": crystal(5.431 * np.eye(3), [14] * 8, np.concatenate([FCC, FCC + 0.25])),
        "zincblende": crystal(
            5.869 * np.eye(3), [49] * 4 + [15] * 4, np.concatenate([FCC, FCC + 0.25])
        ),
        "rocksalt": crystal(
            4.212 * np.eye(3), [12] * 4 + [8] * 4, np.concatenate([FCC, FCC + 0.5])
        ),
        "hexagonal": crystal(
            hexagonal(3.2, 5.2), [12, 12], [[THIRD, 2 * THIRD, 0.25], [2 * THIRD, THIRD, 0.75]]
        ),
        # Right-handed threefold screw of tellurium: a structure unlike its mirror image.
        "chiral": crystal(
            hexagonal(4.457, 5.929),
            [52] * 3,
            [[0.2636, 0, THIRD], [0, 0.2636, 2 * THIRD], [1 - 0.2636, 1 - 0.2636, 0]],
        ),
    }


@pytest.fixture(scope="session")
def orient():
    return zone_orientation
