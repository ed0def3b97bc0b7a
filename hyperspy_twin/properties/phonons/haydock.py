"""Local densities of vibrations of single atoms, by Haydock's continued fraction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperspy_twin.properties.phonons.block_rows import ForceConstants

# Steps of the recursion: 60 give 120 moments of each atom and direction exactly.
STEPS = 60
# Part of the coefficients, from the last on, whose mean is taken for those that follow.
TAIL = 3
# Of the norm of the start, below which the vectors of the recursion span all there is.
EXHAUSTED = 1e-10


def continued_fractions(
    matrix: ForceConstants, chosen: Sequence[int] | np.ndarray, *, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the continued fraction of each chosen atom and direction.

    Parameters
    ----------
    matrix
        Force constants over the roots of the masses in meV², see :func:`mass_weighted`.
    chosen
        Numbers of atoms.
    steps
        Length of the fraction.

    Returns
    -------
    diagonal, beside : numpy.ndarray
        ``a_0 ..`` in meV², and ``b_1 ..`` in meV², shape (steps, 3 * chosen); ``b`` is zero from
        where the recursion has come to its end.

    References
    ----------
    R. Haydock, V. Heine, M. J. Kelly, J. Phys. C 8 (1975) 2591.
    """
    chosen = np.asarray(chosen, int)
    count = 3 * len(chosen)
    current = np.zeros((len(matrix), 3, count))
    current[np.repeat(chosen, 3), np.tile(np.arange(3), len(chosen)), np.arange(count)] = 1
    previous = np.zeros_like(current)
    diagonal, beside = np.zeros((steps, count)), np.zeros((steps, count))
    norm = np.zeros(count)
    for step in range(steps):
        following = matrix.product(current)
        diagonal[step] = np.einsum("idk,idk->k", current, following)
        following -= diagonal[step] * current + norm * previous
        norm = np.sqrt(np.einsum("idk,idk->k", following, following))
        norm[norm < EXHAUSTED * np.abs(diagonal[: step + 1]).max(axis=0)] = 0
        beside[step] = norm
        previous, current = current, following / np.where(norm > 0, norm, 1)
        current[..., norm == 0] = 0
    return diagonal, beside


def fraction_density(
    diagonal: np.ndarray, beside: np.ndarray, energies: np.ndarray, width: float
) -> np.ndarray:
    """Density of vibrations of each continued fraction, with lines that are Lorentzian.

    The fraction goes on with the means of its last coefficients, as that of a continuous band does
    (the square root terminator), so that the density is smooth where the spectrum is.

    Parameters
    ----------
    diagonal, beside
        Coefficients in meV², shape (steps, f).
    energies
        In meV, shape (m,).
    width
        Full width of a line at half maximum in meV, above zero.

    Returns
    -------
    numpy.ndarray
        In 1/meV, shape (f, m); the integral of each is 1.
    """
    if not width > 0:
        raise ValueError(f"the width of lines in meV is above zero, not {width}")
    last = max(1, len(diagonal) // TAIL)
    energy = np.asarray(energies, float) + 0.5j * width
    z = energy**2
    found = np.empty((diagonal.shape[1], len(z)))
    for one in range(diagonal.shape[1]):
        ended = np.flatnonzero(beside[:, one] == 0)
        steps = ended[0] + 1 if len(ended) else len(diagonal)
        fraction = np.zeros_like(z)
        if not len(ended):
            middle = diagonal[-last:, one].mean()
            half = beside[-last:, one].mean()
            x = (z - middle) / (2 * half)
            # The root that falls off as 1/x far away.
            root = np.sqrt(x - 1) * np.sqrt(x + 1)
            fraction = beside[-1, one] ** 2 * (x - root) / half
        for step in range(steps - 1, -1, -1):
            resolvent = 1 / (z - diagonal[step, one] - fraction)
            fraction = beside[step - 1, one] ** 2 * resolvent if step else fraction
        found[one] = -np.imag(resolvent * 2 * energy) / np.pi
    return found
