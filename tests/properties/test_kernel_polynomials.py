"""Densities of states by kernel polynomials, beside those of the whole spectrum."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from hyperspy_twin.core import listen_to_steps
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    RecursionSettings,
    SparseOperator,
    chebyshev_moments,
    density,
    duration,
    energy_points,
    find_energy_window,
    jackson_factors,
    kernel_width,
    lorentz_factors,
    moments_for_resolution,
    random_phases,
    random_signs,
    require_memory,
    states_below,
    states_between,
)


def ring(count: int) -> sparse.csr_array:
    """Chain of atoms, closed to a ring, with hops of -1."""
    ones = np.ones(count)
    chain = sparse.diags_array(
        [ones[1:], ones[1:], [1.0], [1.0]], offsets=[1, -1, count - 1, 1 - count]
    )
    return sparse.csr_array(-chain)


def gapped(size: int = 10, seed: int = 0) -> sparse.csr_array:
    """Cubic lattice of two kinds of atoms with some disorder: two bands and a gap at zero."""
    one, hop = sparse.eye_array(size), ring(size)
    parts = (hop, one, one), (one, hop, one), (one, one, hop)
    hops = sum(sparse.kron(sparse.kron(a, b), c) for a, b, c in parts)
    kind = np.indices((size,) * 3).sum(axis=0).ravel() % 2
    disorder = np.random.default_rng(seed).normal(0, 0.2, size**3)
    return sparse.csr_array(hops + sparse.diags_array((2 * kind - 1) * 1.5 + disorder))


def slices(size: int, count: int) -> np.ndarray:
    """Groups of the lattice: slices of equal thickness."""
    return np.indices((size,) * 3)[0].ravel() * count // size


@pytest.fixture(scope="module")
def lattice():
    """Operator of the gapped lattice in four slices, its window, and exact moments by group."""
    matrix, labels = gapped(12), slices(12, 4)
    operator = SparseOperator(matrix, labels)
    window = find_energy_window(operator.product, (1728,))
    values, states = np.linalg.eigh(matrix.toarray())
    weights = np.stack([(states[labels == one] ** 2).sum(axis=0) for one in range(4)])
    theta = np.arccos(window.scaled(values))
    moments = weights @ np.cos(np.outer(theta, np.arange(120)))
    return operator, window, values, weights, moments[:, None]


# ---- kernels ----


def test_jackson_kernel_is_positive_and_as_wide_as_stated():
    count = 400
    factors = jackson_factors(count)
    assert factors[0] == pytest.approx(1, abs=1e-12)
    theta = np.linspace(-0.2, 0.2, 4001)
    order = np.arange(1, count)
    kernel = 1 + 2 * np.cos(np.outer(theta, order)) @ factors[1:]
    assert kernel.min() > 0
    sigma = np.sqrt((kernel * theta**2).sum() / kernel.sum())
    assert sigma == pytest.approx(np.pi / count, rel=0.02)


def test_lorentz_factors_are_those_of_weisse():
    factors = lorentz_factors(100)
    assert factors[0] == pytest.approx(1, rel=1e-14)
    assert factors[50] == pytest.approx(np.sinh(2) / np.sinh(4))


@pytest.mark.parametrize("middle", [-0.9, 0.0, 0.5])
def test_resolution_is_reached_and_no_better_than_needed(middle):
    window = EnergyWindow(2.0, 10.0)
    energies = window.centre + window.half_width * np.linspace(middle - 0.05, middle + 0.05, 11)
    count = moments_for_resolution(0.1, window, energies)
    assert count % 2 == 0
    assert kernel_width(count, window, energies).max() <= 0.1
    assert kernel_width(count - 4, window, energies).max() > 0.1 * (0.99 if middle == 0 else 1)


@pytest.mark.parametrize("resolution", [0, -1, np.nan])
def test_resolution_that_is_none(resolution):
    with pytest.raises(ValueError, match="above zero"):
        moments_for_resolution(resolution, EnergyWindow(0, 1))


# ---- random vectors ----


def test_random_numbers_are_those_of_the_published_generator():
    """First outputs of splitmix64 with the state 1234567, as its authors give them."""
    from hyperspy_twin.properties.kernel_polynomials.random_vectors import GOLDEN_GAMMA, _mixed

    state = np.uint64(1234567) + np.arange(1, 4, dtype=np.uint64) * GOLDEN_GAMMA
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert _mixed(state).tolist() == expected


@pytest.mark.parametrize("make, dtype", [(random_signs, float), (random_phases, complex)])
def test_random_vectors_are_white(make, dtype):
    rows, vectors = 40000, range(70)
    found = make(rows, vectors, 3, dtype)
    assert np.array_equal(np.abs(found), np.ones(found.shape))
    assert np.abs(found.mean(axis=0)).max() < 5 / np.sqrt(rows)
    overlap = found.conj().T @ found / rows - np.eye(len(vectors))
    assert np.abs(overlap).max() < 5.5 / np.sqrt(rows)
    shifted = found[:-1].conj().T @ found[1:] / rows
    assert np.abs(shifted).max() < 5.5 / np.sqrt(rows)
    if dtype is complex:
        assert np.abs((found.T @ found) / rows).max() < 5.5 / np.sqrt(rows)
    assert np.array_equal(make(rows, range(66, 68), 3, dtype), found[:, 66:68])
    assert not np.array_equal(make(rows, vectors, 4, dtype), found)


# ---- window ----


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    size=st.integers(1, 200),
    seed=st.integers(0, 1000),
    shift=st.floats(-50, 50),
    dense=st.booleans(),
)
def test_window_holds_every_eigenvalue(size, seed, shift, dense):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size)) * (rng.random((size, size)) < (1 if dense else 0.05))
    matrix = matrix + matrix.T + shift * np.eye(size)
    window = find_energy_window(lambda block: matrix @ block, (size,))
    values = np.linalg.eigvalsh(matrix)
    assert window.low < values[0] and values[-1] < window.high
    assert window.half_width < 0.75 * np.ptp(values) + 2e-3 * np.abs(values).max() + 1e-9


def test_window_of_a_lattice_is_tight(lattice):
    _, window, values, *_ = lattice
    assert window.low < values[0] and values[-1] < window.high
    assert 2 * window.half_width < 1.05 * np.ptp(values)


def test_eigenvalue_outside_of_the_window_is_an_error():
    operator = SparseOperator(ring(200), np.zeros(200, int))
    with pytest.raises(ValueError, match="outside of the energy window"):
        chebyshev_moments(operator, EnergyWindow(0, 1.9), RecursionSettings(200, 1))


def test_numbers_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match="not finite"):
        find_energy_window(lambda block: block * np.nan, (5, 1))


@pytest.mark.parametrize("energies", [[3.0], [-2.5, 0], [np.nan]])
def test_energy_outside_of_the_spectrum_says_its_range(energies):
    with pytest.raises(ValueError, match="runs from -2.1 to 2.1"):
        density(np.ones((1, 2, 8)), EnergyWindow(0, 2.1), np.array(energies))


# ---- densities ----


def test_chain_has_its_analytic_density():
    """DOS of a chain: 1 / (pi sqrt(4 - E^2)) for each atom, smoothed by the kernel's width."""
    count = 20000
    operator = SparseOperator(ring(count), np.zeros(count, int))
    window = find_energy_window(operator.product, (count,))
    moments = chebyshev_moments(operator, window, RecursionSettings(300, 8, block=8))
    energies = np.linspace(-1.8, 1.8, 37)
    values, variance = density(moments, window, energies)
    exact = 1 / (np.pi * np.sqrt(4 - energies**2))
    error = np.sqrt(variance[0]) / count
    assert error.max() < 0.04 * exact.max()
    # The kernel itself changes the density by sigma^2 / 2 times its second derivative: < 2e-4.
    assert np.abs(values[0] / count - exact).max() < 4 * error.max() + 2e-4
    below, _ = states_below(moments, window, np.array([-1.0]))
    part, _ = quad(lambda e: 1 / (np.pi * np.sqrt(4 - e * e)), -2, -1)
    assert below[0, 0] / count == pytest.approx(part, rel=0.01)


def test_total_weight_is_exact(lattice):
    operator, window, *_ = lattice
    moments = chebyshev_moments(operator, window, RecursionSettings(120, 3))
    assert np.array_equal(moments[..., 0], np.repeat(operator.weight[:, None], 3, axis=1))
    ends = window.low + 1e-9, window.high - 1e-9
    found, variance = states_between(moments, window, *ends)
    np.testing.assert_allclose(found, operator.weight, rtol=1e-4)
    x = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
    energies = window.centre + window.half_width * x
    values, _ = density(moments, window, energies)
    weight = values @ np.sqrt(1 - x**2) * np.pi / 4000 * window.half_width
    np.testing.assert_allclose(weight, operator.weight, rtol=1e-12)


def test_exact_moments_give_the_spectrum_within_the_width_of_the_kernel(lattice):
    _, window, values, weights, moments = lattice
    energies = np.linspace(-6.2, 6.2, 281)
    found, _ = density(moments, window, energies)
    sigma = kernel_width(120, window, energies) / np.sqrt(8 * np.log(2))
    gauss = np.exp(-0.5 * ((energies[:, None] - values) / sigma[:, None]) ** 2)
    smooth = weights @ (gauss / (np.sqrt(2 * np.pi) * sigma[:, None])).T
    assert np.abs(found - smooth).max() < 0.03 * smooth.max()


def test_groups_sum_to_the_total(lattice):
    operator, window, *_ = lattice
    whole = SparseOperator(gapped(12), np.zeros(1728, int))
    plan = RecursionSettings(120, 2, seed=5)
    by_group = chebyshev_moments(operator, window, plan)
    total = chebyshev_moments(whole, window, plan)
    np.testing.assert_allclose(by_group.sum(axis=0), total[0], rtol=1e-12, atol=1e-9)


def test_rows_without_a_group_are_left_out(lattice):
    operator, window, *_ = lattice
    labels = np.where(slices(12, 4) == 2, 0, -1)
    part = SparseOperator(gapped(12), labels)
    plan = RecursionSettings(60, 2)
    found = chebyshev_moments(part, window, plan)[0]
    np.testing.assert_allclose(found, chebyshev_moments(operator, window, plan)[2], atol=1e-9)


def test_moments_are_those_of_the_matrix_for_each_vector():
    """For the whole, two moments for each product are an identity, vector by vector."""
    matrix = gapped(6)
    operator = SparseOperator(matrix, np.zeros(216, int))
    window = find_energy_window(operator.product, (216,))
    found = chebyshev_moments(operator, window, RecursionSettings(40, 2, seed=9))[0]
    values, states = np.linalg.eigh(matrix.toarray())
    start = random_signs(216, range(2), 9)
    weights = (states.T @ start) ** 2
    theta = np.arccos(window.scaled(values))
    expected = weights.T @ np.cos(np.outer(theta, np.arange(40)))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_error_bars_are_right_over_seeds(lattice):
    """Root mean square of the deviations in error bars, in bands and in the gap."""
    operator, window, *_, exact = lattice
    energies = np.linspace(-6.2, 6.2, 141)
    truth, _ = density(exact, window, energies)
    squares, sums = [], []
    edges = -4.0, -1.0, 3.0
    for seed in range(20):
        moments = chebyshev_moments(operator, window, RecursionSettings(120, 4, seed=seed))
        for values, level in ((moments, truth), (moments.sum(axis=0)[None], truth.sum(axis=0))):
            found, variance = density(values, window, energies)
            inside = level > 0.1 * level.max()
            squares.append(np.mean(((found - level) ** 2 / variance)[np.atleast_2d(inside)]))
        counted, variance = states_below(moments.sum(axis=0)[None], window, np.array(edges))
        expected, _ = states_below(exact.sum(axis=0)[None], window, np.array(edges))
        sums.append((counted - expected) ** 2 / variance)
    chi = np.sqrt(np.reshape(squares, (20, 2)).mean(axis=0))
    assert (chi > 0.85).all() and (chi < 1.15).all()
    # Three degrees of freedom each: the mean square of Student's t is 3, and its median .77^2.
    assert 0.35 < np.median(sums) < 1.0


def test_variance_of_one_vector_is_not_known():
    _, variance = density(np.ones((2, 1, 8)), EnergyWindow(0, 1), np.array([0.1]))
    assert np.isnan(variance).all()


def test_complex_operator_with_phases():
    """A ring with a flux: complex hops, real moments, and the density of the ring."""
    count, flux = 600, 0.3
    hops = np.full(count, -np.exp(1j * flux))
    matrix = sparse.csr_array(
        (hops, (np.arange(count), np.roll(np.arange(count), -1))), (count, count)
    )
    matrix = sparse.csr_array(matrix + matrix.conj().T)
    operator = SparseOperator(matrix, np.zeros(count, int))
    window = find_energy_window(operator.product, (count,), complex)
    moments = chebyshev_moments(operator, window, RecursionSettings(40, 200, block=50))
    values = np.linalg.eigvalsh(matrix.toarray())
    theta = np.arccos(window.scaled(values))
    exact = np.cos(np.outer(np.arange(40), theta)).sum(axis=1)
    error = moments[0].std(axis=0, ddof=1) / np.sqrt(200)
    assert np.abs((moments[0].mean(axis=0) - exact) / np.maximum(error, 1e-9)).max() < 4.5


# ---- driver ----


def test_result_does_not_depend_on_the_size_of_blocks(lattice):
    operator, window, *_ = lattice
    plans = [RecursionSettings(60, 5, block=block) for block in (1, 3, 5)]
    found = [chebyshev_moments(operator, window, plan) for plan in plans]
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_single_precision_is_close_to_double(lattice):
    operator, window, *_ = lattice
    single = SparseOperator(gapped(12).astype(np.float32), slices(12, 4))
    assert single.start(range(1), 0).dtype == np.float32
    plan = RecursionSettings(120, 2)
    found = chebyshev_moments(single, window, plan)
    assert np.abs(found - chebyshev_moments(operator, window, plan)).max() < 0.01


class Stopping(SparseOperator):
    """An operator whose run ends at a step."""

    left = 100

    def step(self, *arguments):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().step(*arguments)


@pytest.mark.parametrize("left", [3, 30, 47])
def test_run_that_was_stopped_continues(lattice, tmp_path, monkeypatch, left):
    module = "hyperspy_twin.properties.kernel_polynomials.checkpoints"
    monkeypatch.setattr(f"{module}.LARGEST_SHARE", np.inf)  # a state after each step
    _, window, *_ = lattice
    stopping = Stopping(gapped(12).astype(np.float32), slices(12, 4))
    whole = chebyshev_moments(stopping, window, RecursionSettings(60, 3, block=2))
    plan = RecursionSettings(60, 3, 2, checkpoint=tmp_path / "a.npz", checkpoint_interval=0)
    stopping.left = left
    with pytest.raises(KeyboardInterrupt):
        chebyshev_moments(stopping, window, plan)
    stopping.left = 60 - left
    assert np.array_equal(chebyshev_moments(stopping, window, plan), whole)
    stopping.left = 0  # all is done
    assert np.array_equal(chebyshev_moments(stopping, window, plan), whole)


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np, scipy.sparse as sparse
from hyperspy_twin.properties.kernel_polynomials import *
chain = sparse.diags_array([np.ones(99), np.ones(99)], offsets=[1, -1], dtype=np.float32)
operator = SparseOperator(sparse.csr_array(chain), np.arange(100) // 50)
plan = RecursionSettings(60, 3, 2, 1, Path(sys.argv[1]), 0)
step, count = operator.step, int(sys.argv[2])
def counted(*arguments):
    global count
    count -= 1
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(*arguments)
operator.step = counted
print(chebyshev_moments(operator, EnergyWindow(0, 2.1), plan).tobytes().hex())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_process_continues_bit_for_bit(tmp_path):
    def call(name: str, count: int) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", KILLED, str(tmp_path / name), str(count)]
        return subprocess.run(command, capture_output=True, text=True)

    whole = call("whole.npz", -1)
    killed = call("killed.npz", 41)
    assert killed.returncode == -signal.SIGKILL and not killed.stdout
    continued = call("killed.npz", 60)  # the whole takes 60 steps
    assert continued.returncode == 0, continued.stderr
    assert continued.stdout == whole.stdout


def test_checkpoint_of_another_calculation(lattice, tmp_path):
    operator, window, *_ = lattice
    file = tmp_path / "a.npz"
    chebyshev_moments(operator, window, RecursionSettings(20, 1, checkpoint=file))
    with pytest.raises(ValueError, match="another calculation"):
        chebyshev_moments(operator, window, RecursionSettings(20, 1, seed=1, checkpoint=file))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match="cannot be read|can be read"):
        chebyshev_moments(operator, window, RecursionSettings(20, 1, checkpoint=file))


def test_progress_tells_the_time_left(lattice, monkeypatch):
    operator, window, *_ = lattice
    monkeypatch.setattr(
        "hyperspy_twin.properties.kernel_polynomials.recursion.SECONDS_BETWEEN_REPORTS", 0
    )
    told: list[str] = []
    with listen_to_steps(told.append):
        chebyshev_moments(operator, window, RecursionSettings(20, 3, block=2))
    assert told[0].startswith("moment 2 of 20, vectors 1 to 2 of 3, ")
    assert told[-1] == "moment 20 of 20, vectors 3 to 3 of 3, 0 s left"


def test_duration_in_words():
    assert [duration(one) for one in (3.2, 600, 7200)] == ["3 s", "10 min", "2.0 h"]


@pytest.mark.parametrize("bad", [{"count": 7}, {"count": 0}, {"vectors": 0}, {"block": 0}])
def test_settings_that_make_no_moments(bad):
    with pytest.raises(ValueError, match="number of moments|random vector"):
        RecursionSettings(**{"count": 8, "vectors": 1, **bad})


def test_memory_is_refused_before_it_is_taken():
    with pytest.raises(MemoryError, match=r"5.00 GB of memory \(hops 3.00, vectors 2.00\), 1.00"):
        require_memory({"hops": 3e9, "vectors": 2e9}, free=1e9)
    told: list[str] = []
    with listen_to_steps(told.append):
        require_memory({"hops": 1e6})
    assert told[0].startswith("takes 0.00 GB of memory")


def test_points_between_ends():
    window = EnergyWindow(0, 5)
    points = energy_points((-1, 1), window, 0.1)
    assert points[0] == -1 and points[-1] == 1 and np.diff(points).max() <= 0.025 + 1e-12
    assert -5 < energy_points(None, window, 0.1)[0] < -4.99
    assert energy_points([0, 1, 3], window, 0.1).tolist() == [0, 1, 3]
    with pytest.raises(ValueError, match="runs from -5 to 5"):
        energy_points((-6, 1), window, 0.1)
    with pytest.raises(ValueError, match="that rise"):
        energy_points((1, -1), window, 0.1)
