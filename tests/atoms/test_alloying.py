"""Which elements share sites, how many atoms of each there are, and how they order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.alloying import (
    Sublattice,
    choose_sublattices,
    collapse,
    equal_runs,
    find_layers,
    find_strata,
    layer_normal,
    order_at_short_range,
    share_sites,
)
from hyperspy_twin.atoms.alloying.short_range_order import _exchange


def draw(fractions, strata, generator):
    """Elements of atoms of which each is a column of its own."""
    return collapse(fractions, strata, np.ones(len(strata), int), generator)


def test_runs_begin_where_any_value_changes():
    found, count = equal_runs(np.array([1.0, 1, 1, 2, 1]), np.array([5, 5, 6, 6, 6]))
    np.testing.assert_array_equal(count, [2, 1, 1, 1])
    np.testing.assert_array_equal(found, [0, 2, 3, 4])
    assert len(equal_runs(np.empty(0))[0]) == 0


@pytest.mark.parametrize("elements", [2, 3])
def test_columns_are_drawn_as_their_atoms(elements):
    generator = np.random.default_rng(4)
    atoms = generator.integers(1, 9, 300)
    fractions = generator.dirichlet(np.ones(elements), len(atoms))
    strata = np.sort(generator.integers(0, 12, len(atoms)))
    found = collapse(fractions, strata, atoms, np.random.default_rng(7))
    single = draw(
        np.repeat(fractions, atoms, axis=0), np.repeat(strata, atoms), np.random.default_rng(7)
    )
    np.testing.assert_array_equal(found, single)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**16), elements=st.integers(2, 4))
def test_numbers_of_atoms_are_those_expected(seed, elements):
    generator = np.random.default_rng(seed)
    strata = np.sort(generator.integers(0, 30, 5000))
    fractions = generator.dirichlet(np.ones(elements), len(strata))
    drawn = draw(fractions, strata, generator)
    for element, share in enumerate(fractions.T):
        off = np.bincount(strata, (drawn == element) - share, 30)
        assert np.abs(off).max() < 2
        assert np.abs(np.cumsum(off)).max() < 2


def test_whole_numbers_are_exact():
    fractions = np.tile([0.25, 0.75], (4000, 1))
    strata = np.repeat(np.arange(40), 100)
    drawn = draw(fractions, strata, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(strata[drawn == 0]), 25)


def test_sites_have_their_own_probability():
    share = np.repeat([0.0, 0.05, 0.5, 0.95, 1.0], 8)
    fractions = np.stack([share, 1 - share], axis=1)
    strata = np.zeros(40, int)
    drawn = [draw(fractions, strata, np.random.default_rng(seed)) for seed in range(2000)]
    found = np.mean([one == 0 for one in drawn], axis=0)
    np.testing.assert_array_equal(found[share == 0], 0)
    np.testing.assert_array_equal(found[share == 1], 1)
    # 2000 draws: a standard deviation of at most 0.011 for one site, 0.004 for the mean of 8.
    np.testing.assert_allclose(found, share, atol=0.05)
    np.testing.assert_allclose(found.reshape(5, 8).mean(axis=1), share[::8], atol=0.016)


def test_atoms_of_a_layer_are_not_correlated():
    fractions = np.full((20_000, 2), 0.5)
    drawn = draw(fractions, np.zeros(20_000, int), np.random.default_rng(1))
    assert abs(np.mean(drawn[1:] == drawn[:-1]) - 0.5) < 4 * 0.5 / np.sqrt(20_000)


def test_the_same_seed_gives_the_same_atoms():
    fractions = np.full((1000, 2), 0.5)
    one, two, three = (
        draw(fractions, np.zeros(1000, int), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.any(one != three)


def test_planes_are_layers_and_bent_planes_are_slabs():
    heights = np.array([2.7, 0.05, 0.0, 1.36, 1.4, 10.0])
    np.testing.assert_array_equal(find_layers(heights), [2, 0, 0, 1, 1, 3])
    counts = np.bincount(find_layers(np.linspace(0, 24, 1000)))
    assert len(counts) == 10
    assert counts.min() >= 99


def test_strata_follow_each_other_along_a_layer():
    x, y = np.meshgrid(np.arange(0.0, 60, 3), np.arange(0.0, 8, 2))
    positions = np.stack([x.ravel(), y.ravel()], axis=1)
    found = find_strata(positions, np.array([0.0, 1.0]), 30.0).reshape(x.shape)
    np.testing.assert_array_equal(found, 2 * np.arange(4)[:, None] + (np.arange(20) >= 10))


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 135.0])
def test_normal_of_layers(degrees):
    generator = np.random.default_rng(0)
    positions = generator.uniform(-100, 100, (40_000, 2))
    normal = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    found = layer_normal(positions, 1 / (1 + np.exp(-(positions @ normal) / 10)))
    assert abs(found @ normal) > np.cos(np.deg2rad(1))


@pytest.mark.parametrize("tilt", [0.0, 3.0, -6.0])
def test_layers_follow_rows_of_atoms(tilt):
    turn = np.deg2rad(20.0)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    grid = np.stack(np.meshgrid(np.arange(80) * 1.92, np.arange(60) * 1.36), -1).reshape(-1, 2)
    positions = grid @ rotation
    positions += np.random.default_rng(0).normal(0, 0.03, positions.shape)
    steep = np.deg2rad(90 + 20.0 + tilt)
    fraction = 1 / (1 + np.exp(-(positions @ [np.cos(steep), np.sin(steep)] - 40) / 10))
    normal = layer_normal(positions, fraction)
    assert len(np.unique(find_layers(positions @ normal))) == 60
    assert abs(normal @ rotation[1]) > np.cos(np.deg2rad(0.1))


def test_uniform_composition_has_layers_along_x():
    positions = np.random.default_rng(0).uniform(0, 100, (1000, 2))
    np.testing.assert_array_equal(layer_normal(positions, np.full(1000, 0.3)), [0, 1])


def test_sublattices_of_semiconductors():
    assert choose_sublattices(["Si", "Ge"], ["Si", "Ge"]) == (
        Sublattice(("Si", "Ge"), ("Si", "Ge")),
    )
    assert choose_sublattices(["Ge"], ["Si", "Ge"]) == (Sublattice(("Si", "Ge"), ("Ge",)),)
    assert choose_sublattices(["Ga", "As"], ["In", "Ga", "As"]) == (
        Sublattice(("In", "Ga"), ("Ga",)),
    )


def test_sublattices_by_name():
    given = {"La/Sr": "Sr", "Ti/Mn": ("Ti",)}
    assert choose_sublattices(["Sr", "Ti", "O"], ["La", "Sr", "Ti", "Mn"], given) == (
        Sublattice(("La", "Sr"), ("Sr",)),
        Sublattice(("Ti", "Mn"), ("Ti",)),
    )


@pytest.mark.parametrize(
    ("present", "measured", "given", "message"),
    [
        (["Sr", "Ti", "O"], ["La", "Sr"], None, "no sites for La"),
        (["Si"], ["Si", "Ge"], {"Si/Sn": None}, "no map of Sn"),
        (["Si"], ["In", "Ga"], None, "no sites for In/Ga"),
        (["Si", "Ge"], ["Si", "Ge"], {"Si/Ge": "Si", "Ge/Si": "Ge"}, "two sublattices"),
    ],
)
def test_wrong_sublattices_are_errors(present, measured, given, message):
    with pytest.raises(ValueError, match=message):
        choose_sublattices(present, measured, given)


def test_fractions_of_a_sublattice_add_up_to_one():
    fractions = np.array([[0.1, 0.0], [0.4, 0.0], [0.5, 1.0]])
    (found,) = share_sites([Sublattice(("In", "Ga"), ("Ga",))], ["In", "Ga", "As"], fractions)
    np.testing.assert_allclose(found[:, 0], [0.2, 0.8])
    assert np.isnan(found[:, 1]).all()


def crystal(size):
    """Sites of a periodic fcc crystal and their twelve neighbours."""
    cell = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    points = (cell + np.indices((size,) * 3).reshape(3, -1).T[:, None]).reshape(-1, 3)
    tree = cKDTree(points, boxsize=size)
    lists = [sorted(set(each) - {n}) for n, each in enumerate(tree.query_ball_point(points, 0.8))]
    start = np.concatenate([[0], np.cumsum([len(each) for each in lists])])
    return points, (start, np.concatenate(lists))


@pytest.mark.parametrize("wanted", [-0.15, 0.0, 0.3])
def test_short_range_order(wanted):
    points, neighbours = crystal(10)
    strata = np.rint(2 * points[:, 2]).astype(int)
    fractions = np.tile([0.3, 0.7], (len(points), 1))
    generator = np.random.default_rng(5)
    drawn = draw(fractions, strata, generator)
    ordered, reached = order_at_short_range(drawn, fractions, strata, neighbours, wanted, generator)
    site = np.repeat(np.arange(len(points)), 12)
    unlike = np.mean(ordered[site] != ordered[neighbours[1]])
    assert abs(1 - unlike / (2 * 0.3 * 0.7) - wanted) < 1e-3
    assert abs(reached - wanted) < 1e-3
    np.testing.assert_array_equal(
        np.bincount(strata, ordered == 0), np.bincount(strata, drawn == 0)
    )


def test_order_that_cannot_be_reached_is_told():
    points, neighbours = crystal(6)
    fractions = np.full((len(points), 2), 0.5)
    strata = np.zeros(len(points), int)
    generator = np.random.default_rng(5)
    drawn = draw(fractions, strata, generator)
    # In fcc at most two thirds of the pairs are unlike: alpha is at least -1/3.
    _, reached = order_at_short_range(drawn, fractions, strata, neighbours, -0.9, generator)
    assert -1 / 3 - 1e-9 < reached < -0.2


def test_pure_crystal_has_no_order():
    points, neighbours = crystal(3)
    fractions = np.tile([1.0, 0.0], (len(points), 1))
    nothing = np.zeros(len(points), int)
    with pytest.raises(ValueError, match="no two neighbouring sites are mixed"):
        order_at_short_range(nothing, fractions, nothing, neighbours, 0.1, np.random.default_rng(0))


def test_exchange_kernel():
    points, (start, other) = crystal(3)
    species = np.random.default_rng(0).integers(0, 2, len(points)).astype(np.int8)
    strata = np.zeros(len(points), int)
    order, first = np.arange(len(points)), np.array([0, len(points)])
    site = np.repeat(np.arange(len(points)), 12)
    drawn = np.random.default_rng(1).random((500, 2))
    results = []
    for function in (_exchange, _exchange.py_func):
        own = species.copy()
        unlike = int(np.count_nonzero(own[site] != own[other]) // 2)
        unlike = function(own, strata, order, first, start, other, unlike, unlike - 20, drawn)
        assert unlike == np.count_nonzero(own[site] != own[other]) // 2
        results.append(own)
    np.testing.assert_array_equal(*results)
