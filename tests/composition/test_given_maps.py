"""Maps that are quantified already: what is kept, what is said, and what is refused."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht

GERMANIUM = np.random.default_rng(3).uniform(0.1, 0.9, (5, 7))
PAIR = {"Si": 1 - GERMANIUM, "Ge": GERMANIUM}


def signal(data, element=None, scale=3.0, offset=12.0, units="nm", title=""):
    """Map of an element with axes."""
    axes = [
        {"name": name, "size": size, "scale": scale, "offset": offset, "units": units}
        for name, size in zip("yx", data.shape, strict=True)
    ]
    found = hs.signals.Signal2D(data, axes=axes)
    found.metadata.General.title = title
    if element:
        found.metadata.set_item("Sample.elements", [element])
    return found


def test_dictionary_of_arrays():
    maps = ht.composition.from_map(PAIR)
    assert type(maps) is ht.CompositionMap
    assert maps.elements == ("Si", "Ge")
    np.testing.assert_allclose(maps["Ge"].data, GERMANIUM, rtol=1e-6)
    assert np.isnan(maps.error.data).all()
    assert "not known" in str(maps.report) and "fractions" in str(maps.report)
    assert maps.placement is None and maps._unit == "px"


def test_list_as_exspy_returns_it_keeps_scale_and_offset():
    listed = [signal(100 * PAIR[one], one, title=f"atomic percent of {one}") for one in PAIR]
    maps = ht.composition.from_map(listed)
    np.testing.assert_allclose(maps["Si"].data, PAIR["Si"], rtol=1e-6)
    assert "percent" in str(maps.report)
    for axis in maps["Ge"].axes_manager.signal_axes:
        assert (axis.scale, axis.offset, axis.units) == (3.0, 12.0, "nm")


def test_micrometres_become_nanometres():
    maps = ht.composition.from_map([signal(PAIR[one], one, 0.013, 0.0, "um") for one in PAIR])
    assert maps.axes_manager.signal_axes[0].scale == pytest.approx(13.0)
    assert maps._unit == "nm"


def test_stack_with_elements_given():
    stack = hs.stack([signal(PAIR[one]) for one in PAIR])
    maps = ht.composition.from_map(stack, ["Si", "Ge"])
    np.testing.assert_allclose(maps["Ge"].data, GERMANIUM, rtol=1e-6)
    with pytest.raises(ValueError, match="give elements="):
        ht.composition.from_map(stack)
    with pytest.raises(ValueError, match="2 maps and 3 elements"):
        ht.composition.from_map(stack, ["Si", "Ge", "C"])


def test_percent_is_told_by_the_sum():
    maps = ht.composition.from_map({name: 100 * one for name, one in PAIR.items()})
    np.testing.assert_allclose(maps["Ge"].data, GERMANIUM, rtol=1e-6)


def test_errors_are_carried():
    errors = {"Si": np.full(GERMANIUM.shape, 1.0), "Ge": np.full(GERMANIUM.shape, 2.0)}
    maps = ht.composition.from_map({name: 100 * one for name, one in PAIR.items()}, errors=errors)
    np.testing.assert_allclose(maps.error.data[0], 0.01, rtol=1e-6)
    np.testing.assert_allclose(maps.error.data[1], 0.02, rtol=1e-6)
    variance = maps["Ge"].metadata.Signal.Noise_properties.variance
    np.testing.assert_allclose(variance.data, 4e-4, rtol=1e-6)


def test_pixels_without_composition_are_withheld_with_a_reason():
    maps = {name: one.copy() for name, one in PAIR.items()}
    for one in maps.values():
        one[0, :3] = 0.0
    maps["Ge"][1, 0] = np.nan
    found = ht.composition.from_map(maps)
    assert np.isnan(found.data[:, 0, :3]).all() and np.isnan(found.data[:, 1, 0]).all()
    assert np.isfinite(found.data).sum() == found.data.size - 2 * 4
    assert sum(found.report.withheld.values()) == 4
    assert "withheld in 3 pixels" in str(found.report)


@pytest.mark.parametrize(
    ("maps", "elements", "said"),
    [
        ({"Si": PAIR["Si"], "Ge": -PAIR["Ge"]}, None, "Ge is negative in 35 pixels"),
        ({"Si": PAIR["Si"], "Ge": PAIR["Ge"] + 1}, None, "Ge is above 1|add up to"),
        ({"Si": 0.5 * PAIR["Si"], "Ge": 0.5 * PAIR["Ge"]}, None, "neither 1 nor 100 %"),
        ({"Si": PAIR["Si"][:2], "Ge": PAIR["Ge"]}, None, "different sizes"),
        ({"Si": PAIR["Si"], "Xy": PAIR["Ge"]}, None, "unknown elements: Xy"),
        ([PAIR["Si"], PAIR["Ge"]], None, "give elements="),
        ([PAIR["Si"], PAIR["Ge"]], ["Si", "Si"], "more than once: Si"),
        (PAIR, ["Si", "C"], "no map of C"),
        ([], None, "no map"),
        ({"Si": 0 * GERMANIUM, "Ge": 0 * GERMANIUM}, None, "no composition"),
        (
            [signal(100 * PAIR[one], one, title="weight percent of Si") for one in PAIR],
            None,
            "weight percent",
        ),
    ],
)
def test_what_cannot_be_true_is_refused(maps, elements, said):
    with pytest.raises(ValueError, match=said):
        ht.composition.from_map(maps, elements)


def test_a_negative_fraction_within_its_error_is_kept():
    noisy = {"Si": np.array([[1.01, 0.4]]), "Ge": np.array([[-0.01, 0.6]])}
    errors = {name: np.full((1, 2), 0.01) for name in noisy}
    maps = ht.composition.from_map(noisy, errors=errors)
    np.testing.assert_allclose(maps["Ge"].data, noisy["Ge"], rtol=1e-6)


def test_one_wrong_pixel_is_named():
    maps = {name: one.copy() for name, one in PAIR.items()}
    maps["Ge"][2, 4] += 0.3 * (1 - maps["Ge"][2, 4])
    with pytest.raises(ValueError, match="column 4, row 2"):
        ht.composition.from_map(maps)


# ---- the signal type ----


@pytest.fixture
def maps():
    errors = {name: 0.01 * (1 + one) for name, one in PAIR.items()}
    return ht.composition.from_map({one: signal(PAIR[one]) for one in PAIR}, errors=errors)


@pytest.mark.parametrize("lazy", [False, True])
def test_save_and_load(maps, tmp_path, lazy):
    maps.save(tmp_path / "maps.hspy")
    loaded = hs.load(tmp_path / "maps.hspy", lazy=lazy)
    assert isinstance(loaded, ht.CompositionMap) and loaded._lazy == lazy
    assert loaded.elements == maps.elements and str(loaded.report) == str(maps.report)
    np.testing.assert_array_equal(np.asarray(loaded["Ge"].data), maps["Ge"].data)
    np.testing.assert_array_equal(np.asarray(loaded.error.data), maps.error.data)
    assert loaded.history[-1]["step"] == "from_map"
    assert {"hyperspy_twin", "exspy"} <= set(loaded.history[-1]["versions"])


def test_cropped_maps_keep_their_errors_and_place(maps):
    part = maps.isig[2:5, 1:4]
    np.testing.assert_array_equal(part["Ge"].data, maps["Ge"].data[1:4, 2:5])
    np.testing.assert_array_equal(part.error.data, maps.error.data[:, 1:4, 2:5])
    assert part["Ge"].axes_manager.signal_axes[0].offset == 12.0 + 2 * 3.0


def test_sliced_elements_keep_their_names(maps):
    assert maps.inav[1:].elements == ("Ge",)
    with pytest.raises(KeyError, match="no element 'Si'"):
        maps.inav[1:]["Si"]
    with pytest.raises(ValueError, match="only navigation axis"):
        maps.inav[0]["Si"]


def test_a_derived_map_keeps_its_errors(maps):
    derived = maps._derive(ht.CompositionMap, "step", {})
    np.testing.assert_array_equal(derived.error.data, maps.error.data)
    assert [one["step"] for one in derived.history] == ["from_map", "step"]


def test_repr_and_help(maps):
    assert repr(maps) == "<CompositionMap, title: , elements: Si, Ge, dimensions: (7, 5) nm>"
    with pytest.raises(AttributeError, match="belongs to IndexedFFT"):
        maps.gpa  # noqa: B018


def test_a_signal_that_was_only_given_the_type_says_what_to_do():
    plain = hs.signals.Signal2D(np.zeros((2, 4, 4)))
    plain.set_signal_type("CompositionMap")
    with pytest.raises(ValueError, match=r"from_map"):
        plain.elements  # noqa: B018


def test_plot_has_one_picture_for_each_element(maps):
    figure = maps.plot()
    titles = [axis.get_title() for axis in figure.axes]
    assert [title.split()[0] for title in titles if title] == ["Si", "Ge"]
    for axis in figure.axes[:2]:
        assert axis.images[0].get_clim() == (0.0, 1.0)


def test_placement_is_kept_in_files(maps, tmp_path):
    from hyperspy_twin.core import Placement

    matrix = np.array([[2.0, 0.1, 3.0], [-0.1, 2.0, 4.0]])
    covariance = np.array([[np.inf, 0.0], [0.0, 0.25]])
    placement = Placement(matrix, np.zeros((5, 2)), covariance, "given", 1.0)
    state = {"placement": placement, "placement_rows": maps._grid.y}
    placed = maps._derive(ht.CompositionMap, "register", {}, **state)
    placed.save(tmp_path / "placed.hspy")
    found = hs.load(tmp_path / "placed.hspy").placement
    np.testing.assert_array_equal(found.matrix, matrix)
    np.testing.assert_array_equal(found.covariance, covariance)
    assert found.method == "given" and maps.placement is None
