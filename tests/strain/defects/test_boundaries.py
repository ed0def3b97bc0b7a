from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.strain import RegionLattice
from hyperspy_twin.strain.defects import find_boundaries
from hyperspy_twin.strain.defects.boundaries import find_turn

A = 0.246  # nm, graphene
HEXAGON = np.array([[np.cos(a), np.sin(a)] for a in np.radians([10.0, 70.0, 130.0])])
GRID = Grid((200, 200), (0.02, 0.02))


def peaks_of(position, region=1, error=1e-3):
    count = len(position)
    return Peaks(
        position=position,
        error=np.full((count, 2), error),
        intensity=np.ones(count),
        snr=np.full(count, 1e4),
        region=region,
    )


def turned(position, degrees):
    angle = np.radians(degrees)
    return position @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def grain(degrees, region):
    return RegionLattice(
        peaks_of(turned(HEXAGON * 2 / (A * np.sqrt(3)), degrees), region), "single crystal", True
    )


@given(st.floats(0.0, 60.0), st.floats(0.97, 1.03))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_stretch_of_the_scan_turns_no_hexagon(degrees, stretch):
    first, second = (turned(HEXAGON, one) * [stretch, 1.0] for one in (0.0, degrees))
    angle, error = find_turn(peaks_of(first), peaks_of(second))
    assert angle == pytest.approx(min(degrees, 60.0 - degrees), abs=0.1)
    assert 0.0 < error < 2.0


def test_boundary_of_30_degrees():
    labels = np.ones((200, 200), int)
    labels[:, 104:] = 2
    labels[:, 97:104] = 0
    (found,) = find_boundaries({1: grain(0, 1), 2: grain(30, 2)}, labels, GRID, {})
    assert found.regions == (1, 2) and found.is_high_angle
    assert found.angle == pytest.approx(30.0, abs=1e-6)
    assert found.length == pytest.approx(4.0, rel=0.01)
    assert found.spacing == pytest.approx(A / (2 * np.sin(np.radians(15))), rel=1e-3)


def test_boundary_of_5_degrees_is_no_high_angle():
    labels = np.repeat([[1, 2]], 200, axis=0).repeat(100, axis=1)
    (found,) = find_boundaries({1: grain(0, 1), 2: grain(5, 2)}, labels, GRID, {})
    assert not found.is_high_angle
    assert found.spacing == pytest.approx(A / (2 * np.sin(np.radians(2.5))), rel=1e-3)


def test_regions_apart_and_other_lattices_share_none():
    labels = np.ones((200, 200), int)
    labels[:, 40:160] = 0
    labels[:, 160:] = 2
    assert not find_boundaries({1: grain(0, 1), 2: grain(30, 2)}, labels, GRID, {})
    square = RegionLattice(peaks_of(np.eye(2) * 4.0, 2), "single crystal", True)
    labels = np.repeat([[1, 2]], 200, axis=0).repeat(100, axis=1)
    assert not find_boundaries({1: grain(0, 1), 2: square}, labels, GRID, {})
