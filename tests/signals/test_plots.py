"""Plots show the result, and leave no trace in the signal."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest


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


def test_one_component_is_plotted_as_an_image(chain):
    assert chain.strain.inav[1].plot() is plt.gcf()
    chain.strain.e_yy.plot()


def test_model_is_seen_along_the_beam(chain):
    axis = chain.model.plot().axes[0]
    bottom, top = axis.get_ylim()
    assert bottom > top
    assert "Ge" in axis.get_legend().get_texts()[0].get_text()


def test_plot_gives_the_figure(chain):
    for signal in (chain.segmented, chain.found, chain.indexed, chain.strain, chain.model):
        assert signal.plot() in map(plt.figure, plt.get_fignums())


def test_plot_of_an_image_without_spots():
    import numpy as np

    import hyperspy_twin as ht

    noise = ht.Micrograph(np.random.default_rng(0).normal(size=(100, 100)))
    noise.segment().find_peaks(show_progressbar=False).plot()
