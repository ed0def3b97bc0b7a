"""The calibrated pixel grid."""

from __future__ import annotations

import pytest

from hyperspy_twin.core import Grid


def test_pixel_size_is_the_side_of_the_square_of_the_same_area():
    assert Grid((4, 5), (0.2, 0.8)).pixel_size == pytest.approx(0.4)
