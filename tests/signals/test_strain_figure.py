"""The figure of a strain map: robust colours, hatching, reference, reflections and frame."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.contour import QuadContourSet

from hyperspy_twin.core import Grid, trace
from hyperspy_twin.signals._figures.bragg import overlay
from hyperspy_twin.signals._figures.scale_bar import round_length
from hyperspy_twin.signals._figures.strain import REFERENCE, strain_figure
from hyperspy_twin.signals._values import StrainSettings

GRID = Grid((80, 100), (0.1, 0.1))
NAMES = ("e_xx", "e_yy", "e_xy", "rotation")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn(errors=None, frame=0.0, maps=None):
    labels = np.where(np.arange(80)[:, None] < 40, 1, 2) * np.ones(100, int)
    g = np.array([[3.0, 0.0], [0.0, 4.0]])
    settings = StrainSettings(2, g, 0.5, "lagrangian", NAMES, angle=frame)
    if maps is None:
        maps = {name: np.where(labels == 1, 0.02, 0.0) for name in NAMES}
    outlines = trace(labels, GRID)
    return strain_figure(maps, GRID, outlines, settings, unit="nm", errors=errors)


def hatched(axis):
    return [one for one in axis.collections if isinstance(one, QuadContourSet)]


def test_what_is_below_its_error_is_hatched():
    figure = drawn({"e_xx": np.full(GRID.shape, 0.01), "e_yy": np.full(GRID.shape, 0.001)})
    first, second, third, _ = [axis for axis in figure.axes if axis.images]
    (areas,) = hatched(first)
    box = areas.get_paths()[0].get_extents()
    assert (box.y0, box.y1) == pytest.approx((3.95, 7.9), abs=0.06)
    assert len(hatched(second)) == 1
    assert not hatched(third)
    assert "hatched: below the standard error" in figure.get_suptitle()
    assert "hatched" not in drawn().get_suptitle()


def test_errors_that_are_not_known_are_said():
    figure = drawn({"e_xx": np.full(GRID.shape, np.nan)})
    assert "standard errors are not known" in figure.get_suptitle()
    assert not hatched(figure.axes[0])


def test_few_wild_values_do_not_rule_the_colours():
    maps = {name: np.full(GRID.shape, 0.01) for name in NAMES}
    errors = {name: np.full(GRID.shape, 1e-3) for name in NAMES}
    for name in NAMES:
        maps[name][:4] = 0.7
        errors[name][:4] = 5e-3
    figure = drawn(errors, maps=maps)
    assert figure.axes[0].images[0].get_clim() == pytest.approx((-0.01, 0.01))


def test_reference_reflections_and_frame_are_shown():
    figure = drawn(frame=90.0)
    first = figure.axes[0]
    (outline,) = [line for line in first.lines if to_rgba(line.get_color()) == to_rgba(REFERENCE)]
    assert outline.get_ydata().min() == pytest.approx(3.95)
    vectors, frame = figure.axes[-2:]
    assert [text.xy for text in vectors.texts] == [(3.0, 0.0), (0.0, 4.0)]
    assert {"e_x'x'", "e_y'y'", "e_x'y'"} <= {axis.get_title() for axis in figure.axes}
    low, high = vectors.get_ylim()
    assert low > high
    places = {text.get_text(): text.get_position() for text in frame.texts if text.get_text()}
    assert places["x'"] == pytest.approx((0.0, -1.2))
    assert places["y'"] == pytest.approx((1.2, 0.0))


@pytest.mark.parametrize(
    ("largest", "length"), [(0.99, 0.5), (1.0, 1), (4.9, 2), (7.5, 5), (60, 50)]
)
def test_scale_bars_have_round_lengths(largest, length):
    assert round_length(largest) == pytest.approx(length)


def test_colours_are_those_of_the_group_that_is_there():
    amplitudes = np.zeros((2, 50, 60), np.float32)
    amplitudes[0, :, :30], amplitudes[1, :, 30:] = 5.0, 0.2
    amplitudes[:, :5] = np.nan
    amplitudes[:, 40:] = 0.0
    found = overlay(amplitudes, [(1, 0, 0), (0, 0, 1)])
    np.testing.assert_allclose(found[20, 10], (1, 0, 0, 0.6))
    np.testing.assert_allclose(found[20, 50], (0, 0, 1, 0.6))
    assert (found[:5, :, 3] == 0).all()
    assert (found[40:, :, 3] == 0).all()
