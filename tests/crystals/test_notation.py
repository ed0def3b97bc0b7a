"""Names of planes and directions."""

from __future__ import annotations

from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_twin.crystals.notation import (
    direction_family,
    direction_label,
    four_direction_indices,
    four_plane_indices,
    has_four_indices,
    phase_label,
    plane_family,
    plane_label,
    read_direction,
    three_direction_indices,
)
from hyperspy_twin.crystals.structures import catalogue

INDICES = st.tuples(*[st.integers(-12, 12)] * 3).filter(any)


@pytest.mark.parametrize(
    ("uvw", "four"),
    [
        ((1, 0, 0), (2, -1, -1, 0)),
        ((1, 1, 0), (1, 1, -2, 0)),
        ((2, 1, 0), (1, 0, -1, 0)),
        ((0, 0, 1), (0, 0, 0, 1)),
        ((1, 1, 1), (1, 1, -2, 3)),
    ],
)
def test_directions_of_textbooks(uvw, four):
    assert four_direction_indices(uvw) == four
    assert three_direction_indices(four) == uvw


@given(INDICES)
def test_four_indices_name_the_same_direction(uvw):
    """U a1 + V a2 + T a3 + W c is parallel to u a + v b + w c, and back gives [u v w]."""
    crystal = catalogue.get("GaN")
    a, b, c = crystal.base
    four = four_direction_indices(uvw)
    three = np.array(uvw) @ crystal.base
    same = np.array(four) @ np.array([a, b, -a - b, c])
    assert np.allclose(np.cross(three, same), 0, atol=1e-6 * np.linalg.norm(three) * 100)
    assert three @ same > 0
    divisor = gcd(*uvw)
    assert three_direction_indices(four) == tuple(value // divisor for value in uvw)


@given(INDICES)
def test_the_zone_law_holds_in_four_indices(hkl):
    """A plane holds a direction if h u + k v + l w = 0, and likewise h U + k V + i T + l W = 0."""
    uvw = np.cross(hkl, (1, 2, 5))
    if uvw.any():
        assert np.dot(four_plane_indices(hkl), four_direction_indices(uvw)) == 0


def test_hexagonal_and_trigonal_cells_have_four_indices():
    names = ("GaN", "MoS2", "graphene", "Al2O3", "Si", "SnO2", "CuTe", "ZrO2")
    assert [has_four_indices(catalogue.get(name)) for name in names] == [True] * 4 + [False] * 4


@pytest.mark.parametrize(
    ("style", "plane", "direction"),
    [
        ("plain", "(1 -1 1)", "[1 -1 0]"),
        ("unicode", "(11̄1)", "[11̄0]"),
        ("mathtext", r"$(1\overline{1}1)$", r"$[1\overline{1}0]$"),
    ],
)
def test_labels_of_a_cubic_crystal(style, plane, direction):
    silicon = catalogue.get("Si")
    assert plane_label((1, -1, 1), silicon, style) == plane
    assert direction_label((1, -1, 0), silicon, style) == direction


def test_labels_of_a_hexagonal_crystal():
    nitride = catalogue.get("GaN")
    assert plane_label((1, 0, 0), nitride, "mathtext") == r"$(10\overline{1}0)$"
    assert direction_label((2, 1, 0), nitride, "mathtext") == r"$[10\overline{1}0]$"
    assert phase_label(nitride, (0, 0, 1)) == "GaN [0001]"
    assert plane_label((1, 0, 0), nitride, brackets="") == "1 0 -1 0"


def test_families_have_their_own_brackets():
    assert plane_family((1, 1, 0)) == "{110}"
    assert plane_family((1, -1, 0), style="mathtext") == r"$\{1\overline{1}0\}$"
    assert direction_family((1, 1, 0)) == "<110>"
    assert direction_family((1, -1, 0), style="mathtext") == r"$\langle 1\overline{1}0\rangle$"


def test_bars_side_by_side_are_kept_apart():
    assert plane_label((1, -1, -5), style="mathtext") == r"$(1\overline{1}\,\overline{5})$"


def test_indices_of_two_digits_are_kept_apart():
    assert plane_label((11, -12, 1), style="plain") == "(11 -12 1)"
    assert plane_label((11, -12, 1), style="unicode") == "(11 1̄2̄ 1)"
    assert plane_label((11, -12, 1), style="mathtext") == r"$(11\,\overline{12}\,1)$"


@pytest.mark.parametrize("brackets", ["()", "[]", "{}", "⟨⟩", ""])
def test_matplotlib_can_draw_every_label(brackets):
    from matplotlib.mathtext import MathTextParser

    label = plane_label((1, -2, 11), style="mathtext", brackets=brackets)
    assert MathTextParser("path").parse(label).width > 0


@pytest.mark.parametrize(
    ("text", "uvw"),
    [
        ("[110]", (1, 1, 0)),
        ("[1-10]", (1, -1, 0)),
        ("1 -1 0", (1, -1, 0)),
        ("[10, 1, 0]", (10, 1, 0)),
        ("[11-20]", (1, 1, 0)),
        ("<0001>", (0, 0, 1)),
        ((2, 2, 0), (1, 1, 0)),
        (np.array([1, 0, -1, 0]), (2, 1, 0)),
    ],
)
def test_directions_are_read_as_people_write_them(text, uvw):
    assert read_direction(text) == uvw


@given(INDICES)
def test_labels_are_read_back(uvw):
    divisor = gcd(*uvw)
    reduced = tuple(value // divisor for value in uvw)
    assert read_direction(direction_label(reduced)) == reduced
    assert read_direction(direction_label(reduced, catalogue.get("GaN"))) == reduced


@pytest.mark.parametrize(
    "wrong", ["Ge", "[11]", "[1.5 1 0]", (0, 0, 0), (1, 0), (1.5, 1, 0), "", 1]
)
def test_what_is_no_direction_is_named(wrong):
    with pytest.raises(ValueError, match="no direction"):
        read_direction(wrong)


def test_wrong_four_indices_and_styles_are_named():
    with pytest.raises(ValueError, match="add up to 0"):
        read_direction((1, 1, 0, 0))
    with pytest.raises(ValueError, match="unknown style"):
        plane_label((1, 1, 0), style="latex")
