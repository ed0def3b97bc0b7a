"""Neighbour lists against brute force, ASE and crystals of known shells."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from ase.build import bulk, make_supercell
from ase.neighborlist import primitive_neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.atoms import find_neighbours
from hyperspy_twin.atoms.neighbours import cell_grid

SILICON = 5.431


def brute_force(positions, cell, pbc, cutoff, images):
    """Rows (i, j, image, distance) of all pairs, by trying every image."""
    ranges = [range(-images, images + 1) if one else (0,) for one in pbc]
    found = []
    for shift in np.array(np.meshgrid(*ranges)).reshape(3, -1).T:
        apart = positions[None] + shift @ cell - positions[:, None]
        distance = np.linalg.norm(apart, axis=2)
        itself = np.eye(len(positions), dtype=bool) & (not shift.any())
        for i, j in np.argwhere((distance < cutoff) & ~itself):
            found.append((i, j, *shift, distance[i, j]))
    return np.array(sorted(found)).reshape(-1, 6)


def rows_of(neighbours, positions):
    return np.column_stack(
        [neighbours.atom, neighbours.index, neighbours.shift, neighbours.distances(positions)]
    )


BOXES = st.tuples(*[st.floats(2, 8)] * 3)
# So that no distance of round numbers equals a cutoff.
ODD = 0.0123456
BOOLEANS = st.tuples(*[st.booleans()] * 3)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    lengths=BOXES,
    shears=st.tuples(*[st.floats(-0.4, 0.4)] * 3),
    pbc=BOOLEANS,
    atoms=st.integers(1, 25),
    cutoff=st.floats(0.5, 4),
    seed=st.integers(0, 99),
)
def test_lists_equal_brute_force(lengths, shears, pbc, atoms, cutoff, seed):
    cutoff += ODD
    cell = np.diag(lengths)
    cell[1, 0], cell[2, 0], cell[2, 1] = np.array(shears) * lengths[0]
    generator = np.random.default_rng(seed)
    inside = generator.uniform(0, 1, (atoms, 3)) @ cell
    found = find_neighbours(inside, cell, pbc, cutoff)
    expected = brute_force(inside, cell, pbc, cutoff, images=5)
    np.testing.assert_allclose(rows_of(found, inside), expected, atol=1e-9)
    assert found.start[-1] == len(found.index)
    np.testing.assert_array_equal(np.bincount(found.atom, minlength=atoms), found.count)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    lengths=BOXES,
    turned=st.integers(0, 99),
    pbc=BOOLEANS,
    atoms=st.integers(1, 60),
    cutoff=st.floats(0.5, 6),
)
def test_lists_equal_those_of_ase(lengths, turned, pbc, atoms, cutoff):
    """Boxes of any orientation, and atoms several boxes away from the first."""
    cutoff += ODD
    generator = np.random.default_rng(turned)
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    cell = np.diag(lengths) @ rotation
    positions = generator.uniform(-12, 12, (atoms, 3))
    i, j, d, vectors, images = primitive_neighbor_list("ijdDS", pbc, cell, positions, cutoff)
    order = np.lexsort((*images.T[::-1], j, i))
    found = find_neighbours(positions, cell, pbc, cutoff)
    np.testing.assert_array_equal(
        rows_of(found, positions)[:, :5].astype(int).T, (i[order], j[order], *images[order].T)
    )
    np.testing.assert_allclose(found.vectors(positions), vectors[order], atol=1e-9)
    np.testing.assert_allclose(found.distances(positions), d[order], atol=1e-9)


@pytest.mark.parametrize(("cutoff", "shells"), [(2.8, 4), (4.0, 16), (4.6, 28), (5.6, 34)])
def test_one_repeat_of_silicon_has_all_its_images(cutoff, shells):
    """3.84 Å along the beam: an atom is its own neighbour, and of others several images are."""
    crystal = make_supercell(bulk("Si"), [[1, 1, -1], [0, 0, 1], [1, -1, 0]])
    assert crystal.cell.lengths()[2] == pytest.approx(SILICON / np.sqrt(2), abs=0.01)
    found = find_neighbours(crystal.positions, crystal.cell.array, crystal.pbc, cutoff)
    assert (found.count == shells).all()


def test_a_slab_that_repeats_along_the_beam_has_free_sides():
    crystal = bulk("Si", cubic=True).repeat((4, 4, 1))
    found = find_neighbours(crystal.positions, crystal.cell.array, (False, False, True), 2.6)
    middle = np.all(np.abs(crystal.positions[:, :2] - 10.5) < 7, axis=1)
    assert (found.count[middle] == 4).all()
    assert found.count.min() < 4
    assert not found.shift[:, :2].any()


def test_result_does_not_depend_on_threads():
    generator = np.random.default_rng(3)
    positions = generator.uniform(0, 30, (3000, 3))
    threads = numba.get_num_threads()
    found = []
    try:
        for count in range(1, 1 + numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(count)
            found.append(find_neighbours(positions, np.eye(3) * 30, (True,) * 3, 3.0))
    finally:
        numba.set_num_threads(threads)
    for one in found:
        for name in ("start", "index", "shift"):
            np.testing.assert_array_equal(getattr(one, name), getattr(found[0], name))
        assert (np.diff(one.index)[np.diff(one.atom) == 0] >= 0).all()


def test_kernels_are_right_without_compilation(monkeypatch):
    generator = np.random.default_rng(5)
    positions = generator.uniform(-4, 9, (40, 3))
    known = np.eye(3) * 5.0, (True, False, True), 2.2
    compiled = find_neighbours(positions, *known)
    from hyperspy_twin.atoms.neighbours import neighbour_list

    monkeypatch.setattr(cell_grid, "_gather_runs", cell_grid._gather_runs.py_func)
    for name in ("assign_cells", "sort_into_cells", "count_pairs", "write_pairs"):
        monkeypatch.setattr(neighbour_list, name, getattr(cell_grid, name).py_func)
    for name in ("_vectors", "_distances"):
        monkeypatch.setattr(neighbour_list, name, getattr(neighbour_list, name).py_func)
    plain = find_neighbours(positions, *known)
    np.testing.assert_array_equal(rows_of(plain, positions), rows_of(compiled, positions))
    np.testing.assert_array_equal(plain.vectors(positions), compiled.vectors(positions))


def test_an_empty_box_needs_little_memory():
    """Two atoms a millimetre apart: cells are not as many as the box could hold."""
    positions = np.array([[0.0, 0, 0], [0, 0, 1], [1e7, 1e7, 1e7]])
    found = find_neighbours(positions, np.zeros((3, 3)), (False,) * 3, 2.0)
    assert found.count.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cutoff": 0.0}, "cutoff must be"),
        ({"cutoff": np.nan}, "cutoff must be"),
        ({"positions": np.zeros((0, 3))}, "at least one atom"),
        ({"positions": np.zeros((4, 2))}, "positions must be"),
        ({"positions": np.full((2, 3), np.nan)}, "not finite"),
        ({"cell": np.diag([5.0, 5.0, 0.0])}, "repeats along directions"),
        ({"cell": np.ones((3, 3))}, "no volume"),
        ({"cell": np.eye(2)}, "three finite box vectors"),
        ({"positions": np.array([[0.0, 0, 0], [0, 0, 1e4]])}, "boxes away"),
    ],
)
def test_wrong_input_is_refused(change, message):
    known = {"positions": np.ones((2, 3)), "cell": np.eye(3) * 5, "pbc": (True,) * 3, "cutoff": 2.0}
    with pytest.raises(ValueError, match=message):
        find_neighbours(**{**known, **change})
