"""Fixtures that all rooms share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from ase.data import chemical_symbols
from scipy.spatial.transform import Rotation

from hyperspy_twin.core import Crystal

matplotlib.use("Agg")

# Folder of the real files, which `real_files.md` lists.
SHARED = Path(
    os.environ.get("HYPERSPY_TWIN_FILES") or Path(__file__).resolve().parents[2] / "shared"
)
ABSENT = "a real file is not present"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Spare the workers what each would do for itself.

    Libraries of linear algebra would have a thread for each processor in each worker, and these
    wait for one another by running. What takes longest to compile is compiled here.
    """
    from hyperspy_twin.core.kernels import COMPILED_BESIDE

    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    programs = ["-m", COMPILED_BESIDE], ["-c", "import orix.quaternion"]
    started = [subprocess.Popen([sys.executable, *one]) for one in programs]
    for one in started:
        one.wait()


@pytest.fixture(scope="session")
def shared_file():
    """Path of a real file; skips where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(ABSENT)
        return path

    return find


def pytest_terminal_summary(terminalreporter):
    """Say how many tests had no real file to read, and where those can be had."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(isinstance(one.longrepr, tuple) and ABSENT in one.longrepr[2] for one in skipped)
    if count:
        terminalreporter.write_line(
            f"{count} {'test' if count == 1 else 'tests'} skipped for want of real files in "
            f"{SHARED}: tests/real_files.md says what they are and where they can be had"
        )


FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def crystal(name, edges, numbers, fractional, occupancy=None):
    """Cubic crystal of one edge, or hexagonal one of two, in Å."""
    cubic = np.ndim(edges) == 0
    lattice = (edges,) * 3 + (90,) * 3 if cubic else (edges[0], *edges, 90, 90, 120)
    symbols = tuple(chemical_symbols[number] for number in numbers)
    return Crystal(name, lattice, symbols, fractional, occupancy or (1.0,) * len(symbols))


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
    """Small crystals of common types."""
    diamond = np.concatenate([FCC, FCC + 0.25])
    hexagonal = [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]
    # Right-handed threefold screw of tellurium: a structure unlike its mirror image.
    screw = [[0.2636, 0, 1 / 3], [0, 0.2636, 2 / 3], [1 - 0.2636, 1 - 0.2636, 0]]
    return {
        "fcc": crystal("fcc", 4.078, [79] * 4, FCC),
        "bcc": crystal("bcc", 2.866, [26] * 2, [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "diamond": crystal("diamond", 5.431, [14] * 8, diamond),
        "zincblende": crystal("zincblende", 5.869, [49] * 4 + [15] * 4, diamond),
        "rocksalt": crystal(
            "rocksalt", 4.212, [12] * 4 + [8] * 4, np.concatenate([FCC, FCC + 0.5])
        ),
        "hexagonal": crystal("hexagonal", (3.2, 5.2), [12, 12], hexagonal),
        "chiral": crystal("chiral", (4.457, 5.929), [52] * 3, screw),
    }


@pytest.fixture(scope="session")
def orient():
    return zone_orientation


@pytest.fixture(scope="session")
def make_crystal():
    return crystal
