from __future__ import annotations

from dataclasses import replace

import ase
import numpy as np
import pytest
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list
from diffpy.structure import Lattice
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.blocks import Block
from hyperspy_twin.atoms.columns import _find_in_squares
from hyperspy_twin.atoms.displacement import prepare_field
from hyperspy_twin.atoms.filling import fill_blocks, nearest_neighbour_distance
from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal, Grid, RegisteredLattice
from hyperspy_twin.registration import count_repeats, find_repeat_cell

SILICON = 5.431
BOND = SILICON * 3**0.5 / 4


def make_block(crystal, orientation, zone, thickness=5.0, size=5.0, **changes):
    lattice = registered(crystal, crystal.base @ orientation.T, zone)
    cell = cell_of(lattice)
    block = Block(lattice, count_repeats(cell.length, thickness), (1,), (0.0, 0.0, size, size))
    return changed(block, **changes)


def registered(crystal, base, zone, origin=(0.11, 0.07)):
    return RegisteredLattice(1, crystal, base, zone, origin, merit=1.0, displaced=True)


def cell_of(lattice):
    return find_repeat_cell(lattice.crystal, lattice.base, lattice.zone_axis)


def changed(block, **changes):
    """Change fields of a block, or of its lattice."""
    own = {name: value for name, value in changes.items() if hasattr(block, name)}
    others = {name: value for name, value in changes.items() if name not in own}
    return replace(block, lattice=replace(block.lattice, **others), **own)


def square(low, high, label=1):
    def region_of(points):
        return np.where(np.all((points >= low) & (points < high), axis=1), label, 0)

    return region_of


def to_ase(atoms, size):
    """Put the atoms into a cell that is periodic along the beam only."""
    cell = [ANGSTROM_PER_NM * size, ANGSTROM_PER_NM * size, atoms.thickness]
    return ase.Atoms(atoms.numbers, atoms.positions, cell=cell, pbc=(False, False, True))


def brute_force(block, region_of, thickness, reach=14):
    """Enumerate all lattice points in a box of whole cells."""
    span = np.arange(-reach, reach + 1)
    cells = np.array(np.meshgrid(span, span, span)).reshape(3, -1).T
    lattice, crystal = block.lattice, block.lattice.crystal
    positions = (cells[:, None] + crystal.fractional).reshape(-1, 3) @ lattice.base
    positions[:, :2] += ANGSTROM_PER_NM * np.array(lattice.origin)
    numbers = np.tile(crystal.numbers, len(cells))
    inside = region_of(positions[:, :2] / ANGSTROM_PER_NM) == 1
    inside &= (positions[:, 2] > -1e-6) & (positions[:, 2] < thickness - 1e-6)
    return positions[inside], numbers[inside]


def test_perfect_silicon(crystals, orient):
    orientation = orient(crystals["diamond"].base, (1, 1, 0))
    block = make_block(crystals["diamond"], orientation, (1, 1, 0))
    # A whole number of cells across gives the exact density.
    width, height = 12 * SILICON / 2**0.5 / 10, 9 * SILICON / 10
    if abs((block.lattice.base[2])[0]) > 1:
        width, height = height, width
    atoms = fill_blocks(
        [replace(block, bounds=(0, 0, 6, 6))], square((0.5, 0.5), (0.5 + width, 0.5 + height))
    )
    assert atoms.thickness == pytest.approx(13 * SILICON / 2**0.5)
    volume = 100 * width * height * atoms.thickness
    assert len(atoms.positions) / volume == pytest.approx(8 / SILICON**3, rel=1e-9)
    assert np.all((atoms.positions[:, 2] >= 0) & (atoms.positions[:, 2] < atoms.thickness))
    model = to_ase(atoms, 6)
    first, distance = neighbor_list("id", model, 2.6)
    np.testing.assert_allclose(distance, BOND, atol=1e-6)
    assert pytest.approx(2.3517, abs=1e-4) == BOND
    coordination = np.bincount(first, minlength=len(model))
    edge = (
        ANGSTROM_PER_NM * np.array([0.5, 0.5]) + 3,
        ANGSTROM_PER_NM * np.array([0.5 + width, 0.5 + height]) - 3,
    )
    interior = np.all((atoms.positions[:, :2] > edge[0]) & (atoms.positions[:, :2] < edge[1]), 1)
    assert np.all(coordination[interior] == 4)
    assert coordination.max() == 4


def test_columns_coincide_with_the_truth(crystals, orient):
    block = make_block(crystals["diamond"], orient(crystals["diamond"].base, (1, 1, 0)), (1, 1, 0))
    region_of = square((0, 0), (5, 5))
    atoms = fill_blocks([block], region_of)
    expected, _ = brute_force(block, region_of, atoms.thickness)
    columns = np.unique(np.round(atoms.positions[:, :2], 5), axis=0)
    truth = np.unique(np.round(expected[:, :2], 5), axis=0)
    distance, _ = cKDTree(truth).query(columns)
    assert len(columns) == len(truth)
    assert distance.max() < 1e-4
    assert len(atoms.positions) == 13 * len(columns)


zones = st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(-2, 2)).filter(any)


@settings(max_examples=25, deadline=None)
@given(zones, st.floats(0, 360), st.integers(0, 10_000), st.integers(1, 3))
def test_random_cell_is_filled_like_brute_force(orient, zone, angle, seed, count):
    generator = np.random.default_rng(seed)
    base = np.diag(generator.uniform(3, 6, 3)) + generator.uniform(-1, 1, (3, 3))
    numbers = generator.integers(1, 90, count)
    fractional = generator.uniform(0, 1, (count, 3))
    orientation = orient(base, zone, angle)
    edges = Lattice(base=base).abcABG()
    symbols = tuple(chemical_symbols[number] for number in numbers)
    crystal = Crystal("random", edges, symbols, fractional, (1.0,) * count)
    lattice = registered(crystal, base @ orientation.T, zone, (0.2, -0.1))
    block = Block(lattice, 2, (1,), (-0.8, -0.9, 0.8, 0.7))
    region_of = square((-0.8, -0.9), (0.8, 0.7))
    atoms = fill_blocks([block], region_of)
    expected, elements = brute_force(block, region_of, atoms.thickness, reach=18)
    assert len(atoms.positions) == len(expected)
    box = [1000, 1000, atoms.thickness]
    shift = [500, 500, 0]
    tree = cKDTree(np.mod(expected + shift, box), boxsize=box)
    distance, match = tree.query(np.mod(atoms.positions + shift, box))
    assert distance.max() < 1e-6
    assert len(np.unique(match)) == len(match)
    np.testing.assert_array_equal(elements[match], atoms.numbers)


def test_periodic_along_the_beam(crystals, orient):
    for name, zone in (("hexagonal", (1, 1, 0)), ("bcc", (1, 1, 3)), ("chiral", (0, 0, 1))):
        crystal = crystals[name]
        block = make_block(crystal, orient(crystal.base, zone, 33), zone, thickness=2.0, size=3.0)
        atoms = fill_blocks([block], square((0, 0), (3, 3)))
        positions = atoms.positions.copy()
        length = atoms.thickness / block.repeats
        positions[:, 2] = np.mod(positions[:, 2] + length + 1e-7, atoms.thickness) - 1e-7
        distance, _ = cKDTree(atoms.positions).query(positions)
        assert distance.max() < 1e-6


def test_handedness_is_kept(crystals, orient):
    """The screw of the chiral cell turns right along the beam, seen in the image frame."""
    crystal = crystals["chiral"]
    block = make_block(crystal, orient(crystal.base, (0, 0, 1), 70), (0, 0, 1), 1.2, size=3.0)
    atoms = fill_blocks([block], square((0, 0), (3, 3)))

    def screw(positions):
        # Signed volume of successive bonds along the helices (2.83 Angstrom, two for each atom).
        model = ase.Atoms(
            "Te" * len(positions), positions, cell=[30, 30, atoms.thickness], pbc=(0, 0, 1)
        )
        first, second, bond = neighbor_list("ijD", model, 2.95)
        up = {i: (j, d) for i, j, d in zip(first, second, bond, strict=True) if d[2] > 0.5}
        return np.array(
            [
                np.sign(np.cross(d, up[j][1]) @ up[up[j][0]][1])
                for i, (j, d) in up.items()
                if j in up and up[j][0] in up
            ]
        )

    crystal_positions, _ = brute_force(
        changed(block, base=crystal.base, bounds=(0, 0, 3, 3)),
        square((0, 0), (3, 3)),
        atoms.thickness,
    )
    found, expected = screw(atoms.positions), screw(crystal_positions)
    assert len(found) > 50
    assert np.all(found == expected[0])


def test_polarity_is_kept(crystals, orient):
    """From each indium atom of a (110) layer one bond points to phosphorus along [111]."""
    crystal = crystals["zincblende"]
    orientation = orient(crystal.base, (1, 1, 0), 25)
    atoms = fill_blocks([make_block(crystal, orientation, (1, 1, 0), 2.0)], square((0, 0), (5, 5)))
    first, bond = neighbor_list("iD", to_ase(atoms, 5), 2.7)
    bond = bond[atoms.numbers[first] == 49] @ orientation
    assert len(bond) > 1000
    assert np.all(np.prod(np.sign(np.round(bond, 6)), axis=1) == 1)


def test_strained_silicon_has_the_displaced_sites(crystals, orient):
    crystal = crystals["diamond"]
    block = make_block(crystal, orient(crystal.base, (1, 1, 0), 17), (1, 1, 0), 0.4, size=8.0)
    grid = Grid((401, 401), (0.02, 0.02))
    x, y = np.meshgrid(grid.x, grid.y)
    u = np.array([0.03 * (x - 1) + 0.01 * y, -0.02 * y + 0.4])
    region_of = square((0.5, 0.5), (7.5, 7.5))
    atoms = fill_blocks([block], region_of, u, grid)
    points = atoms.positions[:, :2] / 10
    back = points - np.stack(
        [0.03 * (points[:, 0] - 1) + 0.01 * points[:, 1], -0.02 * points[:, 1] + 0.4], axis=1
    )
    sites = back - block.lattice.origin
    cell = cell_of(block.lattice)
    offsets = (cell.sites.fractional @ cell.base)[:, :2] / 10
    rest = (sites[:, None] - offsets) @ np.linalg.inv(cell.plane)
    assert np.abs(rest - np.rint(rest)).max(axis=2).min(axis=1).max() < 1e-6
    # The number of columns is the area in the reference times the density there.
    determinant = (1 - 0.03) * (1 + 0.02)
    density = 2 / np.linalg.det(cell.plane)
    assert len(points) / block.repeats == pytest.approx(49 * determinant * density, rel=0.02)
    assert np.all(region_of(points) == 1)
    assert np.all(atoms.region == 1)


def test_jump_by_a_lattice_vector_leaves_the_crystal_perfect(crystals, orient):
    crystal = crystals["diamond"]
    block = make_block(crystal, orient(crystal.base, (1, 1, 0), 5), (1, 1, 0), 0.4)
    region_of = square((0, 0), (5, 5))
    perfect = fill_blocks([block], region_of)
    cell = cell_of(block.lattice)
    grid = Grid((126, 126), (0.04, 0.04))
    for vector in (cell.plane[0], -cell.plane[1], 3 * cell.plane[0] + cell.plane[1]):
        u = np.zeros((2, 126, 126))
        u[:, 40:80, 20:90] = vector[:, None, None]
        atoms = fill_blocks([block], region_of, u, grid)
        assert len(atoms.positions) == len(perfect.positions)
        # The same sites up to a common shift along the beam, the half repeats of jumps included.
        _, match = cKDTree(perfect.positions[:, :2]).query(atoms.positions[:, :2])
        away = atoms.positions - perfect.positions[match]
        away[:, 2] -= away[0, 2]
        away[:, 2] -= cell.length * np.rint(away[:, 2] / cell.length)
        assert np.abs(away).max() < 1e-5


@pytest.mark.parametrize("sign", [1, -1])
def test_edge_dislocation_has_a_half_plane_more_or_less(make_crystal, sign):
    """Square lattice with u_x = b angle / 2 pi; the cut runs from the core through the rows."""
    spacing, size = 0.4, 12.0
    core = np.array([6.017, 6.013])
    grid = Grid((241, 241), (0.05, 0.05))

    def u_x(x, y):
        return sign * spacing * np.arctan2(core[0] - x, y - core[1]) / (2 * np.pi)

    u = np.zeros((2, *grid.shape))
    u[0] = u_x(*np.meshgrid(grid.x, grid.y))
    square_crystal = make_crystal("square", 10 * spacing, [14], np.zeros((1, 3)))
    lattice = registered(square_crystal, 10 * spacing * np.eye(3), (0, 0, 1), (0.2, 0.2))
    block = Block(lattice, 1, (1,), (0, 0, size, size))
    atoms = fill_blocks([block], square((0, 0), (size, size)), u, grid)
    points = atoms.positions[:, :2] / 10
    distance, _ = cKDTree(points).query(points, k=2)
    assert distance[:, 1].min() > 0.75 * spacing - 1e-9
    rows = np.rint((points[:, 1] - 0.2) / spacing).astype(int)
    for row in range(30):
        y = 0.2 + row * spacing
        if abs(y - core[1]) < 1.5:
            continue
        columns = np.sort(points[rows == row, 0])
        # Neighbours along a row are one spacing apart, across the cut too.
        assert np.abs(np.diff(columns) / spacing - 1).max() < 0.12
        cut = core[0] + np.array([-1e-9, 1e-9])
        ends = np.array([[0, cut[0]], [cut[1], size]])
        sites = np.floor((ends - u_x(ends, y) - 0.2) / spacing)
        assert len(columns) == np.diff(sites).sum()


@pytest.mark.parametrize("sign", [1, -1])
def test_sixty_degree_dislocation_is_bonded_across_its_cut(crystals, orient, sign):
    """Its Burgers vector a/2 [101] has half a repeat along [110]: all bonds but the core's hold."""
    silicon = crystals["diamond"]
    orientation = orient(silicon.base, (1, 1, 0))
    block = make_block(silicon, orientation, (1, 1, 0), 0.8, size=9.0)
    burgers = (np.array([0.5, 0, 0.5]) @ block.lattice.base)[:2] / 10
    grid = Grid((301, 301), (0.03, 0.03))
    x, y = np.meshgrid(grid.x, grid.y)
    u = sign * burgers[:, None, None] * np.arctan2(4.517 - x, y - 4.513) / (2 * np.pi)
    atoms = fill_blocks([block], square((0, 0), (9, 9)), u, grid)
    model = to_ase(atoms, 9)
    coordination = np.bincount(neighbor_list("i", model, 2.75), minlength=len(model))
    centre = np.abs(model.positions[:, :2] - 45.15)
    inside = (centre < 41).all(axis=1) & (np.hypot(*centre.T) > 12)
    assert inside.sum() > 2000
    assert np.mean(coordination[inside] == 4) > 0.999
    assert neighbor_list("d", model[inside], 2.75).min() > 0.9 * BOND


def test_stacking_fault_keeps_atoms_apart(crystals, orient):
    """A jump that is no translation of the lattice pushes columns together; one of two stays."""
    silicon = crystals["diamond"]
    block = make_block(silicon, orient(silicon.base, (1, 1, 0), 9), (1, 1, 0), 2.0)
    grid = Grid((126, 126), (0.04, 0.04))
    for shift in ((0.1, 0.13), (-0.21, 0.02)):
        u = np.zeros((2, 126, 126))
        u[:, :, 60:] = np.array(shift)[:, None, None]
        atoms = fill_blocks([block], square((0, 0), (5, 5)), u, grid)
        assert len(neighbor_list("i", to_ase(atoms, 5), 0.749 * BOND)) == 0
        # Away from the fault the crystal is whole.
        first = neighbor_list("i", to_ase(atoms, 5), BOND + 0.01)
        coordination = np.bincount(first, minlength=len(atoms.numbers))
        x, y = atoms.positions[:, 0] / 10, atoms.positions[:, 1] / 10
        whole = (np.abs(x - 2.4) > 0.6) & (np.abs(x - 2.5) < 2.2) & (np.abs(y - 2.5) < 2.2)
        assert np.all(coordination[whole] == 4)


def test_coherent_regions_share_the_lattice(crystals, orient):
    silicon = crystals["diamond"]
    orientation = orient(silicon.base, (1, 1, 0))
    block = make_block(silicon, orientation, (1, 1, 0), 1.0)
    germanium = changed(block, crystal=replace(silicon, symbols=("Ge",) * 8), regions=(2, 5))

    def region_of(points):
        inside = np.all((points >= 0) & (points < 5), axis=1)
        return np.where(
            inside, np.where(points[:, 0] < 2.3, 1, np.where(points[:, 1] < 2, 2, 5)), 0
        )

    whole = fill_blocks([block], square((0, 0), (5, 5)))
    atoms = fill_blocks([block, germanium], region_of)
    assert len(atoms.positions) == len(whole.positions)
    assert np.all(atoms.numbers[atoms.region == 1] == 14)
    assert np.all(atoms.numbers[atoms.region > 1] == 32)
    assert set(atoms.region) == {1, 2, 5}
    np.testing.assert_array_equal(atoms.block, (atoms.region > 1).astype(int))
    first, distance = neighbor_list("id", to_ase(atoms, 5), 2.6)
    np.testing.assert_allclose(distance, BOND, atol=1e-6)


def test_catalogue_crystal_in_traced_outlines(orient):
    """The neighbouring rooms' records fit: a bundled crystal in the outlines of a label image."""
    from hyperspy_twin.core import contains, trace

    lattice = (5.658, 5.658, 5.658, 90.0, 90.0, 90.0)
    points = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    points += [tuple(np.array(point) + 0.25) for point in points]
    crystal = Crystal("Ge", lattice, ("Ge",) * 8, tuple(points), (1.0,) * 8)
    grid = Grid((200, 240), (0.05, 0.05), (3.0, -2.0))
    x, y = np.meshgrid(grid.x, grid.y)
    labels = np.where(np.hypot(x - 9, y - 3) < 4, 7, 0)
    labels[np.hypot(x - 9, y - 3) < 1] = 2
    outlines = trace(labels, grid)
    block = make_block(
        crystal,
        orient(crystal.base, (1, 1, 0), 8),
        (1, 1, 0),
        regions=(7,),
        bounds=(3.0, -2.0, 15.0, 8.0),
    )
    atoms = fill_blocks([block], lambda points: contains(outlines, points))
    radius = np.hypot(*(atoms.positions[:, :2] / 10 - [9, 3]).T)
    assert 0.95 < radius.min() and radius.max() < 4.05
    assert set(atoms.region) == {7}
    volume = 100 * np.pi * 15 * atoms.thickness
    assert len(radius) / volume == pytest.approx(8 / 5.658**3, rel=0.02)


def test_alloy(crystals, orient):
    silicon = crystals["diamond"]
    mixed = replace(
        silicon,
        symbols=("Si",) * 8 + ("Ge",) * 8,
        fractional=np.tile(silicon.fractional, (2, 1)),
        occupancy=np.repeat([0.75, 0.25], 8),
    )
    alloy = make_block(mixed, orient(silicon.base, (1, 1, 0)), (1, 1, 0))
    region_of = square((0, 0), (5, 5))
    atoms = fill_blocks([alloy], region_of, seed=11)
    pure = fill_blocks([changed(alloy, crystal=silicon)], region_of)
    np.testing.assert_array_equal(atoms.positions, pure.positions)
    fraction = np.mean(atoms.numbers == 32)
    assert fraction == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / len(atoms.numbers)))
    np.testing.assert_array_equal(atoms.numbers, fill_blocks([alloy], region_of, seed=11).numbers)
    assert np.any(atoms.numbers != fill_blocks([alloy], region_of, seed=12).numbers)
    vacant = replace(mixed, occupancy=np.repeat([0.5, 0.25], 8))
    vacant = fill_blocks([changed(alloy, crystal=vacant)], region_of, seed=1)
    assert len(vacant.numbers) / len(atoms.numbers) == pytest.approx(0.75, abs=0.03)
    assert set(vacant.numbers) == {14, 32}


def test_grains_join_without_overlap_and_share_the_period(crystals, orient):
    silicon, rocksalt = crystals["diamond"], crystals["rocksalt"]
    first = make_block(silicon, orient(silicon.base, (1, 1, 0)), (1, 1, 0), 4.0)
    second = make_block(
        rocksalt,
        orient(rocksalt.base, (0, 0, 1), 20),
        (0, 0, 1),
        4.0,
        regions=(2,),
        displaced=False,
    )

    def region_of(points):
        return np.where(points[:, 0] < 2.5, 1, 2)

    grid = Grid((101, 101), (0.05, 0.05))
    u = np.full((2, 101, 101), 0.03)
    atoms = fill_blocks([first, second], region_of, u, grid)
    # The smallest bond in the two crystals is Mg-O.
    limit = 0.75 * 2.106
    assert atoms.beam_strain[0] == 0
    assert atoms.beam_strain[1] == pytest.approx(atoms.thickness / (second.repeats * 4.212) - 1)
    assert abs(atoms.beam_strain[1]) < 0.06
    i, j = neighbor_list("ij", to_ase(atoms, 5), limit - 1e-6)
    assert np.all(atoms.block[i] == atoms.block[j])
    overlapping = fill_blocks([first, second], region_of, u, grid, minimum_distance=0.0)
    i, j, distance = neighbor_list("ijd", to_ase(overlapping, 5), 1.75)
    assert distance.min() < limit
    # What is left out is too near to what is not: 0.8 of the mean of both bonds.
    kept = cKDTree(atoms.positions)
    gone = overlapping.positions[kept.query(overlapping.positions)[0] > 1e-9]
    assert len(gone) == len(overlapping.positions) - len(atoms.positions) > 10
    images = np.concatenate([gone + [0, 0, shift * atoms.thickness] for shift in (-1, 0, 1)])
    nearest = kept.query(images)[0].reshape(3, -1).min(axis=0)
    assert nearest.max() < 0.8 * (BOND + 2.106) / 2
    assert f"{len(gone)} atoms too near" in atoms.remarks["joins"]
    assert atoms.positions[:, 2].max() < atoms.thickness
    unmoved = atoms.positions[atoms.block == 1, :2] / 10 - second.lattice.origin
    rest = unmoved @ np.linalg.inv(second.lattice.base[:2, :2] / 20)
    assert np.abs(rest - np.rint(rest)).max() < 1e-6


def test_nearest_neighbour_distance(crystals, orient):
    expected = {"fcc": 4.078 / 2**0.5, "diamond": BOND, "bcc": 2.866 * 3**0.5 / 2}
    for name, distance in expected.items():
        crystal = crystals[name]
        for zone in ((1, 1, 0), (1, 2, 3), (0, 0, 1)):
            base = crystal.base @ orient(crystal.base, zone).T
            cell = find_repeat_cell(crystal, base, zone)
            assert nearest_neighbour_distance(cell) == pytest.approx(distance)


def test_kernel_agrees_with_plain_python():
    grid = Grid((20, 20), (0.1, 0.1))
    x, y = np.meshgrid(grid.x, grid.y)
    u = np.array([0.03 * np.sin(3 * x), 0.02 * y])
    u[0, :, 10:] += 0.3
    plane = np.array([[0.3, 0.02], [-0.05, 0.35]])
    arguments = (
        np.array([0.0, 0.1]),
        12,
        14,
        0.12,
        plane,
        np.linalg.inv(plane),
        np.array([[0.0, 0.0], [0.1, 0.15]]),
        prepare_field(u, grid),
        np.array([[0.0, 1.0, 1.0, -0.5, np.inf, 0.1, 0.02, 0.0]]),
        0.05,
        np.zeros(2),
        np.array([0.1, 0.1]),
    )
    compiled, plain = _find_in_squares(*arguments), _find_in_squares.py_func(*arguments)
    assert len(compiled[0]) > 30
    for found, expected in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(found, expected)


def test_empty_region_and_wrong_input(crystals, orient):
    silicon = crystals["diamond"]
    block = make_block(silicon, orient(silicon.base, (1, 1, 0)), (1, 1, 0))
    empty = fill_blocks([block], lambda points: np.zeros(len(points), int))
    assert empty.positions.shape == (0, 3)
    with pytest.raises(ValueError, match="at least one block"):
        fill_blocks([], square((0, 0), (5, 5)))
    with pytest.raises(ValueError, match="grid of the displacement"):
        fill_blocks([block], square((0, 0), (5, 5)), np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match="whole number"):
        fill_blocks([replace(block, repeats=0)], square((0, 0), (5, 5)))
    with pytest.raises(ValueError, match="larger thickness"):
        fill_blocks([block, replace(block, repeats=10)], square((0, 0), (5, 5)))
    with pytest.raises(ValueError, match="bounds"):
        fill_blocks([replace(block, bounds=(0, 0, 0, 5))], square((0, 0), (5, 5)))
