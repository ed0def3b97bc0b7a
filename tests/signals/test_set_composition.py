"""Models alloyed by composition maps: numbers of atoms per layer, sublattices, what is kept."""

import json
from dataclasses import replace

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.special import erf

import hyperspy_twin as ht
from hyperspy_twin.core import Placement
from hyperspy_twin.signals._twin import write
from hyperspy_twin.signals._values import ModelBox

SIDE, DEPTH = 120.0, 21.72  # Å
PIXEL = 3.0  # nm


def diamond_or_zincblende(cation="Si", anion="Si", constant=5.43):
    """Model of a block seen along [001], columns along z."""
    from ase.data import atomic_numbers

    cells = np.indices((22, 22, 4)).reshape(3, -1).T
    fcc = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]]) / 4
    sites = np.concatenate([fcc, fcc + 0.25])
    order = np.lexsort((cells[:, 2], cells[:, 1], cells[:, 0]))
    positions = (cells[order][:, None] + sites).reshape(-1, 3) * constant
    numbers = np.tile(np.repeat([atomic_numbers[cation], atomic_numbers[anion]], 4), len(cells))
    data = np.column_stack([positions, numbers, np.ones(len(numbers)), np.ones(len(numbers))])
    axes = [
        {"name": "atom", "size": len(data), "navigate": True},
        {"name": "column", "size": 6, "navigate": False},
    ]
    model = ht.AtomicModel(data, axes=axes)
    write(
        model,
        model=ModelBox(
            ("x", "y", "z", "Z", "region", "occupancy"),
            ("Å", "Å", "Å", "", "", ""),
            np.diag([SIDE, SIDE, DEPTH]),
            np.zeros(3),
            (False, False, True),
        ),
    )
    return model


def placed(maps, elements, offset=(-1.0, -1.0)):
    """Composition map whose pixels of 3 nm lie on the image at an offset in nm."""
    found = ht.composition.from_map(dict(zip(elements, maps, strict=True)))
    matrix = np.array([[PIXEL, 0, offset[0]], [0, PIXEL, offset[1]]])
    rows = maps[0].shape[0]
    write(
        found,
        placement=Placement(matrix, np.zeros((rows, 2)), np.zeros((2, 2)), "given", 1.0),
        placement_rows=found._grid.y,
    )
    return found


def well(y):
    """Fraction of germanium at a height in nm."""
    return 0.1 + 0.6 * 0.5 * (1 + erf((y - 6.2) / (np.sqrt(2) * 1.0)))


def well_maps(rows=6, columns=6):
    fine = (np.arange(30) - 14.5) / 30
    y = -1.0 + PIXEL * (np.arange(rows)[:, None] + fine)
    germanium = np.tile(well(y).mean(axis=1)[:, None], columns)
    return placed([1 - germanium, germanium], ["Si", "Ge"])


@pytest.fixture(scope="module")
def silicon():
    return diamond_or_zincblende()


@pytest.fixture(scope="module")
def alloyed(silicon):
    return silicon.set_composition(well_maps())


def test_layers_hold_whole_numbers_of_what_the_map_says(alloyed):
    layers = alloyed.layer_composition()
    assert len(layers) == 88  # four (004) planes in each of 22 cells
    off = layers["sites"] * (layers["Ge"] - layers["expected_Ge"])
    assert np.abs(off).max() < 1.0 + 1e-3
    np.testing.assert_allclose(layers["Si"] + layers["Ge"], 1)
    assert np.abs(layers["expected_Ge"] - well(layers["position"])).max() < 0.05
    assert np.sqrt(np.mean((layers["Ge"] - well(layers["position"])) ** 2)) < 0.02


def test_both_models_are_kept(alloyed, silicon):
    names = alloyed._box.columns
    assert names == (*silicon._box.columns, "Si", "Ge")
    table = np.asarray(alloyed.data)
    silicon_part, germanium_part = table[:, -2], table[:, -1]
    np.testing.assert_allclose(silicon_part + germanium_part, 1)
    is_germanium = alloyed.numbers == 32
    np.testing.assert_array_equal(
        alloyed.occupancy, np.where(is_germanium, germanium_part, silicon_part)
    )
    np.testing.assert_array_equal(alloyed.positions, silicon.positions)
    assert np.all(silicon.numbers == 14)


def test_collapse_draws_again_and_repeats_with_its_seed(alloyed):
    again, other = alloyed.collapse(seed=0), alloyed.collapse(seed=1)
    np.testing.assert_array_equal(again.numbers, alloyed.numbers)
    changed = other.numbers != alloyed.numbers
    assert 0.2 < changed.mean() < 0.6
    one, two = alloyed.layer_composition(), other.layer_composition()
    assert np.abs((one["Ge"] - two["Ge"]) * one["sites"]).max() <= 1.01


def test_pieces_of_a_layer_agree_with_the_pixels_of_the_map(alloyed):
    maps = well_maps()
    column = np.rint((alloyed.positions[:, 0] / 10 + 1.0) / PIXEL).astype(int)
    row = np.rint((alloyed.positions[:, 1] / 10 + 1.0) / PIXEL).astype(int)
    for r in range(1, 4):
        for c in range(1, 4):
            inside = (row == r) & (column == c)
            found = np.mean(alloyed.numbers[inside] == 32)
            wanted = float(maps["Ge"].data[r, c])
            by_chance = np.sqrt(wanted * (1 - wanted) / np.count_nonzero(inside))
            assert abs(found - wanted) < 1.5 * by_chance
        found = np.mean(alloyed.numbers[row == r] == 32)
        assert abs(found - float(maps["Ge"].data[r, 2])) < 0.005


def test_atoms_within_a_layer_are_random(alloyed):
    layer = np.rint(alloyed.positions[:, 1] / (5.43 / 4)).astype(int)
    inside = layer == 80  # of uniform composition
    germanium = alloyed.numbers[inside] == 32
    x = np.rint(alloyed.positions[inside, 0] / (5.43 / 4)).astype(int)
    of_columns = [germanium[x == one].mean() for one in np.unique(x)]
    expected = np.sqrt(0.7 * 0.3 / 4)  # columns of four atoms
    assert 0.7 * expected < np.std(of_columns) < 1.3 * expected


def test_pixels_smaller_than_an_atom_leave_the_alloy_random(silicon):
    """Fine maps, such as those of strain, must not make the atoms of a row alternate."""
    half = np.full((480, 480), 0.5)
    maps = ht.composition.from_map({"Si": half, "Ge": half})
    fine = Placement(
        np.array([[0.025, 0, 0], [0, 0.025, 0]]), np.zeros((480, 2)), np.zeros((2, 2)), "given", 1.0
    )
    write(maps, placement=fine, placement_rows=maps._grid.y)
    model = silicon.set_composition(maps)
    near = model.neighbours(4.0)  # with the twelve of the second shell
    alike = np.mean(model.numbers[near.atom] == model.numbers[near.index])
    assert abs(alike - 0.5) < 0.01


def test_atoms_stacked_in_columns_get_what_single_ones_get(silicon, alloyed):
    stacked = silicon.deepcopy()
    order = np.lexsort(silicon.positions.T[::-1])
    stacked.data = np.asarray(silicon.data)[order]
    found = stacked.set_composition(well_maps())
    np.testing.assert_allclose(found.data[:, -2:], np.asarray(alloyed.data)[order, -2:], atol=1e-12)
    one, two = found.layer_composition(), alloyed.layer_composition()
    np.testing.assert_allclose(one["expected_Ge"], two["expected_Ge"], atol=1e-12)
    assert np.abs(one["sites"] * (one["Ge"] - one["expected_Ge"])).max() < 1.0 + 1e-3


def test_history_says_what_was_done(alloyed):
    record = json.loads(alloyed._state("history")[-1])
    assert record["step"] == "set_composition"
    assert record["outcome"]["Si/Ge"]["part of the sites"] == 1.0
    assert record["parameters"]["seed"] == 0


def test_saved_and_sliced(alloyed, tmp_path):
    alloyed.save(tmp_path / "alloy.hspy")
    loaded = hs.load(tmp_path / "alloy.hspy")
    np.testing.assert_array_equal(loaded.collapse(seed=3).numbers, alloyed.collapse(3).numbers)
    part = loaded.inav[:1000]
    assert len(part.layer_composition()) > 2
    assert "Ge" in repr(loaded)


def test_only_the_sublattice_of_the_elements_changes():
    model = diamond_or_zincblende("Ga", "As", 5.65)
    indium = np.full((6, 6), 0.15)
    maps = placed([indium, 0.5 - indium, np.full((6, 6), 0.5)], ["In", "Ga", "As"])
    found = model.set_composition(maps)
    anions = model.numbers == 33
    np.testing.assert_array_equal(found.numbers[anions], 33)
    np.testing.assert_array_equal(found.occupancy[anions], 1)
    cations = found.numbers[~anions]
    assert set(np.unique(cations)) == {31, 49}
    assert abs(np.mean(cations == 49) - 0.3) < 1e-3
    layers = found.layer_composition()
    np.testing.assert_array_equal(layers["sites"], np.count_nonzero(~anions) // len(layers))


def test_named_sublattice_replaces_its_host():
    model = diamond_or_zincblende("Sr", "O")
    lanthanum = np.tile(np.linspace(0, 0.5, 6), (6, 1))
    maps = placed([lanthanum, 1 - lanthanum], ["La", "Sr"])
    found = model.set_composition(maps, {"La/Sr": "Sr"})
    np.testing.assert_array_equal(found.numbers[model.numbers == 8], 8)
    x = found.positions[:, 0]
    left, right = (found.numbers[(model.numbers == 38) & side] for side in (x < 20, x > 90))
    assert np.mean(left == 57) < 0.1
    assert np.mean(right == 57) > 0.35


def test_sites_beside_the_map_and_in_withheld_pixels_stay(silicon):
    germanium = np.full((3, 3), 0.5)
    germanium[2, 2] = np.nan
    maps = placed([1 - germanium, germanium], ["Si", "Ge"])
    found = silicon.set_composition(maps)
    x, y = found.positions[:, :2].T / 10
    covered = (x < 6.5) & (y < 6.5) & ~((x > 3.5) & (y > 3.5))
    assert np.all(found.numbers[~covered] == 14)
    assert abs(np.mean(found.numbers[covered] == 32) - 0.5) < 0.01
    outcome = json.loads(found._state("history")[-1])["outcome"]
    assert abs(outcome["Si/Ge"]["part of the sites"] - covered.mean()) < 0.01


def test_drift_of_the_rows_is_followed(silicon):
    maps = well_maps()
    drifted = maps.deepcopy()
    shifts = np.stack([np.zeros(6), np.linspace(0, 2, 6)], axis=1)
    write(drifted, placement=replace(maps.placement, row_shifts=shifts))
    still, moved = (silicon.set_composition(one).layer_composition() for one in (maps, drifted))
    middle = [np.interp(0.4, one["expected_Ge"], one["position"]) for one in (still, moved)]
    # The middle lies at row 2.4 of the map, which drift has moved by 0.96 nm.
    assert abs(middle[1] - middle[0] - 0.96) < 0.1


def test_image_guides_the_interface(silicon):
    y = 0.02 * np.arange(600)
    image = np.tile((100 + 300 * well(y))[:, None], (1, 600))
    image *= 1 + 0.5 * np.cos(2 * np.pi * y / 0.1357)[:, None]
    guide = hs.signals.Signal2D(image)
    for axis in guide.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    alone = silicon.set_composition(well_maps()).layer_composition()
    guided = silicon.set_composition(well_maps(), guide=guide)
    layers = guided.layer_composition()
    near = np.abs(layers["position"] - 6.2) < 4
    truth = well(layers["position"])

    def off(table):
        return np.sqrt(np.mean((table["expected_Ge"] - truth)[near] ** 2))

    assert off(layers) < 0.02
    assert off(layers) < off(alone)
    outcome = json.loads(guided._state("history")[-1])["outcome"]
    assert outcome["Si/Ge"]["variance that the guide explains"] > 0.95


def test_short_range_order(alloyed, caplog):
    def unlike(model):
        near = model.neighbours(2.6)
        return np.mean(model.numbers[near.atom] != model.numbers[near.index])

    random, ordered, clustered = (
        alloyed.collapse(1, short_range_order=wanted) for wanted in (0.0, -0.15, 0.2)
    )
    assert abs(unlike(ordered) / unlike(random) - 1.15) < 0.01
    assert abs(unlike(clustered) / unlike(random) - 0.8) < 0.01
    for model in (ordered, clustered):
        table = model.layer_composition()
        assert np.abs(table["sites"] * (table["Ge"] - table["expected_Ge"])).max() < 1.001
    assert "reached" not in caplog.text
    reached = json.loads(ordered._state("history")[-1])["outcome"]["short-range order"]["Si/Ge"]
    assert abs(reached + 0.15) < 0.001
    alloyed.collapse(1, short_range_order=-0.9)
    assert "reached" in caplog.text
    with pytest.raises(ValueError, match="between -1 and 1"):
        alloyed.collapse(1, short_range_order=2.0)


def test_guide_has_to_be_calibrated(silicon):
    with pytest.raises(ValueError, match="not in nm"):
        silicon.set_composition(well_maps(), guide=hs.signals.Signal2D(np.ones((10, 10))))


def test_maps_have_to_be_placed(silicon):
    maps = ht.composition.from_map({"Si": np.full((2, 2), 0.5), "Ge": np.full((2, 2), 0.5)})
    with pytest.raises(ValueError, match=r"call maps.register"):
        silicon.set_composition(maps)


def test_maps_that_lie_elsewhere_are_refused(silicon):
    half = np.full((3, 3), 0.5)
    with pytest.raises(ValueError, match="no site of the model lies"):
        silicon.set_composition(placed([half, half], ["Si", "Ge"], offset=(500.0, 0.0)))


def test_elements_without_sites_are_named(silicon):
    half = np.full((3, 3), 0.5)
    with pytest.raises(ValueError, match="no sites for In/Ga"):
        silicon.set_composition(placed([half, half], ["In", "Ga"]))


def test_fractions_come_first(silicon):
    with pytest.raises(ValueError, match="call set_composition"):
        silicon.collapse()
    with pytest.raises(ValueError, match="call set_composition"):
        silicon.layer_composition()
