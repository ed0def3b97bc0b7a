import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import finer_lattices
from hyperspy_twin.spectra.lattices import satellites, search, superlattices
from hyperspy_twin.spectra.lattices.fit import find_lattices

ERROR = 0.004
RESOLUTION = np.array([0.05, 0.05])
SQUARE = np.array([[3.0, 0.2], [-0.2, 3.0]])


def net(basis, reach=8.0, keep=lambda h, k: True):
    """One of each Friedel pair of the points of a lattice within reach."""
    h, k = np.meshgrid(np.arange(-6, 7), np.arange(-6, 7), indexing="ij")
    half = ((h > 0) | ((h == 0) & (k > 0))) & np.vectorize(keep)(h, k)
    points = np.stack([h[half], k[half]], axis=1) @ np.asarray(basis, float)
    return points[np.linalg.norm(points, axis=1) < reach]


def measured(points, seed=0, snr=200.0):
    rng = np.random.default_rng(seed)
    points = points + rng.normal(scale=ERROR, size=points.shape)
    strength = snr * np.exp(rng.normal(scale=0.5, size=len(points)))
    order = np.argsort(strength)[::-1]
    return points[order], np.full(points.shape, ERROR), strength[order], order


def found_in(points, seed=0, snr=200.0):
    position, error, strength, order = measured(points, seed, snr)
    found = find_lattices(position, error, strength, RESOLUTION)
    membership = np.empty(len(order), int)
    membership[order] = found.membership
    return found.lattices, membership


def turned(basis, degrees):
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(basis) @ np.array([[cosine, sine], [-sine, cosine]])


def same_lattice(basis, other, tolerance=0.02):
    relation = np.asarray(basis) @ np.linalg.inv(other)
    whole = np.abs(relation - np.rint(relation)).max() < tolerance
    return whole and abs(abs(np.linalg.det(np.rint(relation))) - 1) < 1e-9


@settings(max_examples=25, deadline=None)
@given(
    ratio=st.floats(1.0, 1.6),
    angle=st.floats(60, 90),
    turn=st.floats(0, 180),
    absent=st.floats(0, 0.4),
    false=st.integers(0, 4),
    seed=st.integers(0, 10_000),
)
def test_one_lattice_with_absent_and_false_spots_is_found_whole(
    ratio, angle, turn, absent, false, seed
):
    rng = np.random.default_rng(seed)
    second = ratio * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    basis = turned(2.5 * np.array([[1.0, 0.0], second]), turn)
    points = net(basis)
    low = np.linalg.norm(points, axis=1) < 4.1
    points = points[low | (rng.random(len(points)) > absent)]
    wrong = rng.uniform(-7, 7, (false, 2))
    # A spot on a simple fraction of the lattice would rightly be taken for a superstructure.
    fraction = (wrong @ np.linalg.inv(basis))[:, None] * np.arange(1, 7)[:, None]
    wrong = wrong[(np.abs(fraction - np.rint(fraction)).max(axis=2) > 0.1).all(axis=1)]
    lattices, membership = found_in(np.concatenate([points, wrong]), seed)
    assert len(lattices) == 1
    assert same_lattice(lattices[0].fit.basis, basis)
    right = len(points)
    assert (membership[:right] == 1).mean() > 0.95
    assert (membership[right:] == 0).all()


def test_stated_covariance_is_the_scatter_of_the_basis():
    points = net(SQUARE)
    bases, sigmas = [], []
    for seed in range(60):
        lattices, _ = found_in(points, seed)
        basis = lattices[0].fit.basis
        # Reduced bases of a square lattice differ by symmetry: bring them to one.
        bases.append(np.rint(SQUARE @ np.linalg.inv(basis)) @ basis)
        sigmas.append(np.sqrt(np.diag(lattices[0].fit.covariance)).mean())
    scatter = np.std(bases, axis=0).mean()
    # The stated error holds a tolerance for distortion beside that of the measurement.
    assert scatter < np.mean(sigmas) < 5 * scatter
    np.testing.assert_allclose(np.mean(bases, axis=0), SQUARE, atol=4 * np.mean(sigmas))


@pytest.mark.parametrize(
    "keep",
    [
        lambda h, k: (h + k) % 2 == 0,
        lambda h, k: not (abs(h) == 1 and k == 0),
        lambda h, k: h in (2, 3, -2, -3, 0, 5, -5),
    ],
)
def test_forbidden_spots_leave_one_lattice(keep):
    points = net(turned([[1.9, 0], [0, 2.2]], 20), keep=keep)
    lattices, membership = found_in(points)
    assert len(lattices) == 1
    assert (membership == 1).all()


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.5, 0.5), (1 / 3, 1 / 3)])
def test_superstructure_belongs_to_its_lattice(shift):
    basis = turned([[2.6, 0.0], [0.3, 3.0]], 11)
    fundamental = net(basis, 7)
    extra = np.array([[h + shift[0], k + shift[1]] for h in range(3) for k in range(-1, 2)])
    lattices, membership = found_in(np.concatenate([fundamental, extra @ basis]), seed=3)
    assert len(lattices) == 1
    assert (membership == 1).all()
    ratio = abs(np.linalg.det(basis) / np.linalg.det(lattices[0].fit.basis))
    assert ratio == pytest.approx(3 if shift[0] < 0.5 else 2, rel=0.01)


@pytest.mark.parametrize("wave", [(14.3, 1.1), (13.5, 0.06)])
def test_weak_copies_displaced_by_one_wave_vector_are_satellites(wave):
    """As of a periodic scan error; the second is nearly half a lattice vector off the lattice."""
    points = net(SQUARE)
    displaced = np.array([[h, k] for h in (-1, 0, 1) for k in (-1, 0, 1)]) @ SQUARE + wave
    position = np.concatenate([points, displaced])
    position = position + np.random.default_rng(2).normal(scale=ERROR, size=position.shape)
    snr = np.concatenate([np.geomspace(9e3, 900, len(points)), np.geomspace(200, 60, 9)])
    found = find_lattices(position, np.full(position.shape, ERROR), snr, RESOLUTION)
    assert len(found.lattices) == 1
    assert same_lattice(found.lattices[0].fit.basis, SQUARE)
    np.testing.assert_array_equal(found.satellite, np.arange(len(position)) >= len(points))
    np.testing.assert_array_equal(found.membership, np.arange(len(position)) < len(points))


def check_two(first, second, shared=0, seed=0):
    points = np.concatenate([net(first), net(second)])
    number = len(net(first))
    lattices, membership = found_in(points, seed)
    assert len(lattices) == 2
    bases = [lattice.fit.basis for lattice in lattices]
    order = (0, 1) if same_lattice(bases[0], first) else (1, 0)
    assert same_lattice(bases[order[0]], first)
    assert same_lattice(bases[order[1]], second)
    right = (membership[:number] == order[0] + 1).sum()
    right += (membership[number:] == order[1] + 1).sum()
    assert right >= len(points) - shared - 1


@pytest.mark.parametrize("degrees", [3.0, 7.0, 21.0])
def test_turned_lattice_is_a_second_one(degrees):
    check_two(SQUARE, turned(SQUARE, degrees))


def test_lattices_two_per_cent_apart_are_two():
    check_two(SQUARE, 1.02 * SQUARE)


def test_unlike_lattices_are_two():
    check_two(SQUARE, turned([[2.3, 0.0], [1.15, 1.99]], 8))


@pytest.mark.parametrize("oblique", [0.2, 0.27, 1 / 3])
def test_twin_with_a_shared_row_is_a_second_lattice(oblique):
    """With 1/3 all spots lie on a lattice three times as fine, and are yet two crystals."""
    first = np.array([[2.5, 0.0], [oblique * 2.5, 2.9]])
    second = first * [1, 1] * np.array([[1, 1], [-1, 1]])
    points = net(first)
    mirrored = net(second)
    mirrored = mirrored[np.abs(mirrored[:, 1]) > 0.1]
    lattices, membership = found_in(np.concatenate([points, mirrored]), seed=1)
    assert len(lattices) == 2
    assert all(
        same_lattice(lattice.fit.basis, first) or same_lattice(lattice.fit.basis, second)
        for lattice in lattices
    )
    assert (membership > 0).mean() > 0.95


def test_random_spots_make_no_lattice():
    """One set in ten is allowed a first lattice, one in a hundred a second."""
    rng = np.random.default_rng(8)
    found = []
    for number in np.tile([6, 9, 15, 30], 50):
        points = rng.uniform([0, -8], [8, 8], (number, 2))
        found.append(len(found_in(points, int(rng.integers(1 << 30)))[0]))
    assert np.mean(np.array(found) > 0) <= 0.1
    assert np.mean(np.array(found) > 1) <= 0.01


def test_spots_on_a_line_have_no_lattice():
    lattices, membership = found_in(np.outer([1, 2, 3], [2.1, 0.9]))
    assert lattices == ()
    assert (membership == 0).all()


def test_no_spots_have_no_lattice():
    none = np.zeros((0, 2))
    assert find_lattices(none, none, np.zeros(0), RESOLUTION).lattices == ()


@pytest.mark.parametrize(
    "kernel", ["pair_evidence", "copy_evidence", "finer_evidence", "satellite_evidence"]
)
def test_compiled_kernels_agree_with_python(kernel):
    position, error, _, _ = measured(np.concatenate([net(SQUARE, 5), net(turned(SQUARE, 9), 5)]))
    variance, weight = error**2, np.ones(len(position))
    members = np.arange(len(position)) % 2 == 0
    arguments = {
        "pair_evidence": (position, variance, weight, np.array([[0, 1], [2, 5], [3, 3]]), 0.1),
        "copy_evidence": (position, variance, weight, members, SQUARE),
        "finer_evidence": (
            position, variance, SQUARE, *finer_lattices(2, 3), 0.1,
        ),
        "satellite_evidence": (
            position, variance, weight, SQUARE, (1e-6 * np.eye(2), 1e-6 * np.eye(2)), (0.1, 0.5),
        ),
    }[kernel]  # fmt: skip
    rooms = {"finer_evidence": superlattices, "satellite_evidence": satellites}
    function = getattr(rooms.get(kernel, search), kernel)
    for fast, slow in zip(
        np.atleast_1d(function(*arguments)[0]),
        np.atleast_1d(function.py_func(*arguments)[0]),
        strict=True,
    ):
        np.testing.assert_allclose(fast, slow)
