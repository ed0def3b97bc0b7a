"""Coupling of holes to gradients of strain against the four-band Hamiltonian itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperspy_twin.properties.kp as kp

# eV nm^2, hbar^2 / 2 m0: CODATA.
KINETIC = 0.03809982
GERMANIUM = kp.hole_parameters("Ge")
MASS = 1.0 / (GERMANIUM.gamma_1 + GERMANIUM.gamma_2)


def four_bands(k, strain, one=GERMANIUM, splitting=0.071):
    """Luttinger-Kohn and Bir-Pikus in hole energies, of operators: basis 3/2, 1/2, -1/2, -3/2.

    The wave numbers k and the components of the strain are square matrices of one size; a product
    of a wave number with a component of the strain is not needed, for they stand in a sum.
    """
    kx, ky, kz = k
    size = len(kx)

    def both(a, b):
        return (a @ b + b @ a) / 2

    p = KINETIC * one.gamma_1 * (kx @ kx + ky @ ky + kz @ kz)
    q = KINETIC * one.gamma_2 * (kx @ kx + ky @ ky - 2 * kz @ kz)
    s = 2 * np.sqrt(3) * KINETIC * one.gamma_3 * both(kx - 1j * ky, kz)
    s = s - one.d * (strain["xz"] - 1j * strain["yz"])
    r = (
        np.sqrt(3)
        * KINETIC
        * (-one.gamma_2 * (kx @ kx - ky @ ky) + 2j * one.gamma_3 * both(kx, ky))
    )
    r = r + np.sqrt(0.75) * one.b * (strain["xx"] - strain["yy"]) - 1j * one.d * strain["xy"]
    zero, light = np.zeros((size, size)), splitting * np.eye(size)
    h = lambda m: m.conj().T  # noqa: E731
    return np.block(
        [
            [p + q, -s, r, zero],
            [-h(s), p - q + light, zero, r],
            [h(r), zero, p - q + light, s],
            [zero, h(r), h(s), p + q],
        ]
    )


def block_diagonal(hamiltonian, chosen):
    """Effective Hamiltonian of some basis states: exact, by des Cloizeaux."""
    energies, vectors = np.linalg.eigh(hamiltonian)
    share = np.sum(np.abs(vectors[chosen]) ** 2, axis=0)
    kept = np.sort(np.argsort(share)[-len(chosen) :])
    part = vectors[np.ix_(chosen, kept)]
    left, _, right = np.linalg.svd(part)
    rotation = left @ right
    return rotation @ np.diag(energies[kept]) @ rotation.conj().T


def crystal_axes(beam):
    """Axes of the image in those of the crystal: x in the plane of the well, y beam, z growth."""
    half = np.sqrt(0.5)
    if beam == "110":
        return np.array([[half, -half, 0], [half, half, 0], [0, 0, 1.0]])
    return np.eye(3)


def strain_operators(beam, image, field):
    """Components of a strain tensor of the image in the crystal, times an operator."""
    axes = crystal_axes(beam)
    tensor = axes.T @ image @ axes
    names = {"xx": (0, 0), "yy": (1, 1), "xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}
    return {name: tensor[place] * field for name, place in names.items()}


@pytest.mark.parametrize("beam", ["100", "110"])
def test_gradient_in_the_plane_against_exact_blocks(beam):
    """A wave of shear couples plane waves k and k + q of heavy holes of opposite spin."""
    k, q, size, splitting = 0.004, 0.001, 1e-6, 0.071
    along = np.diag([k, k + q]).astype(complex)
    axes = crystal_axes(beam)
    wave = size * np.array([[0, 1], [1, 0]])
    shear = np.zeros((3, 3))
    shear[0, 2] = shear[2, 0] = 1.0
    # In a thin layer k_z stands for no energy here: the subband's is in the splitting.
    vector = [axes[0, 0] * along, axes[0, 1] * along, 0 * along]
    full = four_bands(vector, strain_operators(beam, shear, wave), splitting=splitting)
    found = block_diagonal(full, [0, 1, 6, 7])
    # <k + q, up | H | k, down> of (1 / 2) {A, k} with A of the gradient i q size.
    coupling = abs(found[1, 2]) / (k + q / 2) / q
    weight, _ = kp.gradient_weights(GERMANIUM, beam, 0.4)
    factor = kp.inverse_length_factor(GERMANIUM, splitting)
    inverse = MASS * coupling / (2 * KINETIC)
    assert inverse == pytest.approx(abs(weight) * size * factor, rel=3e-3)


@pytest.mark.parametrize("beam", ["100", "110"])
def test_gradient_along_the_growth_direction_against_exact_blocks(beam):
    """A normal strain that rises through a well of hard walls, in its 40 lowest subbands."""
    thickness, slope, k, count = 16.0, 1e-7, 1e-4, 40
    n = np.arange(1, count + 1)
    a, b = n[:, None], n[None]
    odd = (a + b) % 2 == 1
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.where(odd, -8 * thickness / np.pi**2 * a * b / (a**2 - b**2.0) ** 2, 0.0)
        wave = np.where(odd, -1j * 4 / thickness * a * b / (a**2 - b**2.0), 0.0)
    energy = (np.pi / thickness * n) ** 2
    normal = np.diag([1.0, 0.0, 0.0])
    axes, one = crystal_axes(beam), np.eye(count)
    vector = [axes[0, 0] * k * one, axes[0, 1] * k * one, wave]
    strained = kp.strain_splitting(GERMANIUM, -0.0061, 0.0046)
    full = four_bands(vector, strain_operators(beam, normal, slope * place), splitting=strained)
    # The square of a cut matrix of k_z is not that of the operator: put in what it is.
    cut = np.diag(energy) - wave @ wave
    for block, sign in ((0, -1), (1, 1), (2, 1), (3, -1)):
        gamma = GERMANIUM.gamma_1 + 2 * sign * GERMANIUM.gamma_2
        inside = slice(block * count, (block + 1) * count)
        full[inside, inside] += KINETIC * gamma * cut
    found = block_diagonal(full, [0, 3 * count])
    splitting = kp.subband_splitting(GERMANIUM, thickness, strained)
    eta = kp.remote_mixing(GERMANIUM, thickness, splitting)
    assert eta == pytest.approx(0.41, abs=0.005)
    _, weight = kp.gradient_weights(GERMANIUM, beam, eta)
    factor = kp.inverse_length_factor(GERMANIUM, splitting)
    inverse = MASS * abs(found[0, 1]) / k / (2 * KINETIC)
    assert inverse == pytest.approx(abs(weight) * slope * factor, rel=5e-3)


def test_lengths_of_a_well_of_16_nm():
    """Numbers worked out by hand: 9.4 and 7.0 um for 3e-6 per nm."""
    for beam, length in (("100", 9370.0), ("110", 6982.0)):
        weight, _ = kp.gradient_weights(GERMANIUM, beam, 0.41)
        inverse = abs(weight) * 3e-6 * kp.inverse_length_factor(GERMANIUM, 0.071)
        assert 1 / inverse == pytest.approx(length, rel=1e-3)


def test_conventions_are_what_they_say():
    """The spin turns by 2 x / l: of the energy (hbar^2 / m l) k s it is the precession."""
    pauli = kp.inverse_length_factor(GERMANIUM, 0.071)
    k, inverse = 0.01, 1e-4
    # Splitting of the two spins over hbar, times the time x / v with v = hbar k / m.
    turn_per_length = 2 * (2 * KINETIC / MASS * inverse * k) / (2 * KINETIC / MASS * k)
    reversal = np.pi / turn_per_length
    assert kp.inverse_length_factor(GERMANIUM, 0.071, "reversal") / pauli == pytest.approx(
        1 / (reversal * inverse)
    )
    assert kp.inverse_length_factor(GERMANIUM, 0.071, "spin") == pytest.approx(2 * pauli)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(thickness=st.floats(2.0, 100.0), strained=st.floats(0.005, 0.3))
def test_mixing_of_remote_subbands(thickness, strained):
    """Strained splitting alone leaves all subbands equally far: eta is 1 for a wide well."""
    splitting = kp.subband_splitting(GERMANIUM, thickness, strained)
    eta = kp.remote_mixing(GERMANIUM, thickness, splitting)
    assert 0.0 < eta < 1.0
    wide = kp.remote_mixing(GERMANIUM, 1e5, kp.subband_splitting(GERMANIUM, 1e5, strained))
    assert wide == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kp.hole_parameters("Sn"), "no parameters of holes in 'Sn'"),
        (lambda: kp.hole_parameters("Ge", "Winkler"), "no set of parameters 'Winkler'"),
        (lambda: kp.hole_parameters("Ge", {"g1": 13.0}), "g1 is no parameter"),
        (lambda: kp.hole_parameters("Ge", {"d": np.nan}), "finite"),
        (lambda: kp.hole_parameters("Ge", {"gamma_2": 7.0}), "negative mass"),
        (lambda: kp.inverse_length_factor(GERMANIUM, -0.01), "not above light ones"),
        (lambda: kp.inverse_length_factor(GERMANIUM, 0.07, "angular"), "convention is one of"),
        (lambda: kp.gradient_weights(GERMANIUM, "111", 0.4), "beam is one of"),
        (lambda: kp.subband_splitting(GERMANIUM, 0.0, 0.05), "positive length"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_given_numbers_replace_those_of_the_set():
    found = kp.hole_parameters("Ge", {"d": -5.28})
    assert (found.d, found.b, found.gamma_3) == (-5.28, -2.16, 5.69)
    assert "d given" in found.source
