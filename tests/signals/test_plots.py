"""Plots show the result, and leave no trace in the signal."""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import CloseEvent, MouseEvent

from hyperspy_twin.core import Grid, trace
from hyperspy_twin.signals._figures import model_figure, show_once
from hyperspy_twin.signals._figures.markers import interior_points


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def markers(signal):
    return list(signal._plot.signal_plot.ax_markers)


def test_regions_are_outlined_and_numbered(chain):
    segmented = chain.segmented
    segmented.plot()
    outlines, numbers = markers(segmented)
    assert len(outlines.kwargs["verts"]) == len(segmented.regions)
    assert list(numbers.kwargs["texts"]) == [str(r) for r in segmented.regions["region"]]
    assert not segmented.metadata.has_item("Markers")


def test_spectrum_is_plotted_before_and_after_indexing(chain):
    for signal in (chain.found, chain.indexed):
        signal.plot()
        signal.plot(region=2)
        assert not signal.metadata.has_item("Markers")
    figure = plt.gcf()
    assert figure.axes


def test_strain_shows_four_maps_on_one_scale(chain):
    figure = chain.strain.plot(limit=0.03)
    maps = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in maps] == [
        "e_xx",
        "e_yy",
        "e_xy",
        "rotation (counter-clockwise)",
    ]
    assert maps[1].images[0].get_clim() == (-0.03, 0.03)
    assert "reference region" in figure.get_suptitle()


def test_strain_takes_colours_and_the_size_of_the_figure(chain):
    figure = chain.strain.plot(cmap="PuOr", figsize=(5, 4))
    assert tuple(figure.get_size_inches()) == (5, 4)
    assert figure.axes[0].images[0].get_cmap().name == "PuOr"
    assert "-0.00" not in figure.get_suptitle()


def test_rotation_has_a_scale_of_its_own_and_arrows_where_it_ends(chain):
    turned = chain.strain.deepcopy()
    turned.data[3] += 40.0
    turned.data[3, :20] = np.nan
    figure = turned.plot(limit=10.0)
    assert "grey: no lattice" in figure.get_suptitle()
    maps = [axis.images[0] for axis in figure.axes if axis.images]
    assert maps[0].colorbar.extend == "neither"
    low, high = maps[3].get_clim()
    assert high == -low == pytest.approx(40, abs=1)
    assert maps[3].colorbar.extend == "max"
    grey = maps[3].get_cmap().get_bad()
    assert grey[0] == grey[1] == grey[2] < 1


def test_a_component_is_centred_on_zero_with_diverging_colours(chain):
    component = chain.strain.e_yy
    component.plot()
    low, high = component._plot.signal_plot.ax.images[0].get_clim()
    assert high == pytest.approx(-low)
    assert component._plot.signal_plot.ax.images[0].get_cmap().name == "RdBu_r"
    component.plot(cmap="viridis")


def test_one_component_is_plotted_as_an_image(chain):
    assert chain.strain.inav[1].plot() is plt.gcf()
    chain.strain.e_yy.plot()


def test_model_is_seen_along_the_beam(chain):
    axis = chain.model.plot().axes[0]
    bottom, top = axis.get_ylim()
    assert bottom > top
    assert "Ge" in axis.get_legend().get_texts()[0].get_text()


def test_model_is_coloured_by_any_column_and_zoomed(chain):
    roi = hs.roi.RectangularROI(left=1.0, top=1.0, right=2.0, bottom=2.5)
    axis = chain.model.plot(by="region", roi=roi).axes[0]
    assert (axis.get_xlim(), axis.get_ylim()) == ((1, 2), (2.5, 1))
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    x, y = chain.model.positions[:, :2].T / 10
    inside = (x >= 1) & (x <= 2) & (y >= 1) & (y <= 2.5)
    assert names[0] == f"region {chain.model.region[inside][0]} ({inside.sum()})" or len(names) > 1
    assert chain.model.plot(by="z").axes[1].get_ylabel() == "z (Å)"
    with pytest.raises(ValueError, match="no column 'charge'"):
        chain.model.plot(by="charge")


def test_the_atom_next_to_the_viewer_covers_those_below():
    """A column of Ge with Si at its top, and one with Si at its bottom."""
    positions = np.array([[1, 1, 0.0], [1, 1, 0.2], [2, 1, 0.0], [2, 1, 0.2]])
    elements = np.array(["Si", "Ge", "Ge", "Si"])
    axis = model_figure(positions, "element", elements, 0.4, (0.0, 3.0, 0.0, 2.0)).axes[0]
    silicon, germanium, atoms = axis.collections
    np.testing.assert_array_equal(atoms.get_offsets()[2:], [[1, 1], [2, 1]])
    np.testing.assert_array_equal(
        atoms.get_facecolors()[2:], [silicon.get_facecolor()[0], germanium.get_facecolor()[0]]
    )


def test_columns_are_seen_at_any_size(chain):
    """The diameter of a column follows the distance of the next, and never vanishes."""
    whole = chain.model.plot().axes[0].collections[-1].get_sizes()[0]
    roi = hs.roi.RectangularROI(left=1.0, top=1.0, right=2.0, bottom=2.0)
    near = chain.model.plot(roi=roi).axes[0].collections[-1].get_sizes()[0]
    assert near > 4 * whole >= 4 * 0.25


def test_spectrum_names_its_region_and_takes_markers(chain):
    for options in ({}, {"region": 2}):
        chain.indexed.plot(**options)
        plot = chain.indexed._plot.signal_plot
        found = [marker.get_current_kwargs().get("texts", []) for marker in plot.ax_markers]
        texts = [str(text) for own in found for text in own]
        assert f"region {options.get('region', 1)}" in texts
        before = len(plot.ax_markers)
        chain.indexed.add_marker(hs.plot.markers.Points(offsets=[[0, 4]], sizes=20))
        assert len(plot.ax_markers) == before + 1
        assert plot.figure.axes[0].get_xticklabels()


def test_numbers_stand_inside_their_regions():
    labels = np.ones((60, 80), int)
    labels[5:55, 5:15] = labels[5:15, 5:75] = labels[45:55, 5:75] = 2  # open to the right
    labels[20:40, 30:60] = 3
    outlines = trace(labels, Grid((60, 80), (0.1, 0.1), (0.0, 0.0)))
    points, regions = interior_points(outlines)
    assert regions == [1, 2, 3]
    for (x, y), region in zip(points, regions, strict=True):
        assert labels[round(y / 0.1), round(x / 0.1)] == region
    np.testing.assert_allclose(points[2], [4.45, 2.95], atol=0.5)


def test_a_notebook_shows_an_open_figure_once(monkeypatch):
    from IPython.core import display_functions

    shown = []
    monkeypatch.setattr(display_functions, "display", shown.append)
    monkeypatch.setattr("IPython.display.display", shown.append)
    figure = show_once(plt.figure())
    figure._ipython_display_()
    assert not shown
    plt.close(figure)
    figure._ipython_display_()
    assert shown == [figure]


def test_plot_gives_the_figure(chain):
    for signal in (chain.segmented, chain.found, chain.indexed, chain.strain, chain.model):
        assert signal.plot() in map(plt.figure, plt.get_fignums())


def test_plot_of_an_image_without_spots():
    import hyperspy_twin as ht

    noise = ht.Micrograph(np.random.default_rng(0).normal(size=(100, 100)))
    noise.segment().find_peaks(show_progressbar=False).plot()


def test_a_click_on_a_region_shows_its_spectrum(chain):
    plt.close("all")
    spectrum = chain.indexed.plot()
    (navigator,) = (plt.figure(one) for one in plt.get_fignums() if one != spectrum.number)
    axis = navigator.axes[0]
    labels, scale = chain.segmented.labels.data, chain.micrograph.axes_manager[0].scale
    axes = chain.indexed._plot.axes_manager
    assert axis.get_title().startswith("region 1")
    for region in (2, 3, 1):
        row, column = np.argwhere(labels == region)[len(labels)]
        x, y = axis.transData.transform((column * scale, row * scale))
        navigator.canvas.callbacks.process(
            "button_press_event", MouseEvent("button_press_event", navigator.canvas, x, y, 1)
        )
        assert axes.indices == (region - 1,)
        assert axis.get_title().startswith(f"region {region}")
        shown = [one.get_current_kwargs().get("texts", []) for one in markers(chain.indexed)]
        assert f"region {region}" in [str(text) for own in shown for text in own]
    navigator.canvas.callbacks.process("close_event", CloseEvent("close_event", navigator.canvas))
    axes.indices = (1,)
    assert axis.get_title().startswith("region 1")
