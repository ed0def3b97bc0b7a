"""Two-centre matrices of sp3d5s* orbitals on a bond, and the on-site matrix of an atom.

Orbitals are s, p (x, y, z), d (xy, yz, zx, x2-y2, 3z2-r2) and s*; spin is not in these matrices.
A d orbital is r.Q.r with a traceless symmetric Q, so that for a bond along the unit vector n the
orbitals of the bond are, without a choice of axes across it, n.p and sqrt(3/2) n.Q.n (sigma) and,
summed over both pi pairs, W = sqrt(2) (Q.n - n (n.Q.n)), which couples p to d.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel

ORBITAL_COUNT = 10


@kernel
def bond_orbitals(direction, sigma, pi):  # type: ignore[no-untyped-def]
    """Write the sigma orbital of d, (5,), and the coupling W of p to d by pi, (3, 5)."""
    x, y, z = direction[0], direction[1], direction[2]
    root = np.sqrt(3.0)
    sigma[0] = root * x * y
    sigma[1] = root * y * z
    sigma[2] = root * z * x
    sigma[3] = 0.5 * root * (x * x - y * y)
    sigma[4] = 0.5 * (2.0 * z * z - x * x - y * y)
    # sqrt(2) Q.n, row by row.
    pi[0, 0], pi[0, 1], pi[0, 2], pi[0, 3], pi[0, 4] = y, 0.0, z, x, -x / root
    pi[1, 0], pi[1, 1], pi[1, 2], pi[1, 3], pi[1, 4] = x, z, 0.0, -y, -y / root
    pi[2, 0], pi[2, 1], pi[2, 2], pi[2, 3], pi[2, 4] = 0.0, y, x, 0.0, 2.0 * z / root
    for one in range(5):
        along = 2.0 / root * sigma[one]
        for axis in range(3):
            pi[axis, one] -= direction[axis] * along


@kernel
def hopping_matrix(direction, v, block):  # type: ignore[no-untyped-def]
    """Write <first atom|H|second atom>, (10, 10), of a bond along a unit vector.

    ``v`` are the 21 integrals at the length of the bond, in the order of ``INTEGRALS``; a p orbital
    of the first atom sees the bond from its other end, so its couplings to s and d change sign.
    """
    sigma, pi = np.empty(5), np.empty((3, 5))
    bond_orbitals(direction, sigma, pi)
    block[0, 0], block[0, 9], block[9, 0], block[9, 9] = v[0], v[1], v[2], v[3]
    for axis in range(3):
        block[0, 1 + axis] = v[4] * direction[axis]
        block[1 + axis, 0] = -v[5] * direction[axis]
        block[9, 1 + axis] = v[6] * direction[axis]
        block[1 + axis, 9] = -v[7] * direction[axis]
        for other in range(3):
            product = direction[axis] * direction[other]
            block[1 + axis, 1 + other] = (v[12] - v[13]) * product
        block[1 + axis, 1 + axis] += v[13]
    for one in range(5):
        block[0, 4 + one] = v[8] * sigma[one]
        block[4 + one, 0] = v[9] * sigma[one]
        block[9, 4 + one] = v[10] * sigma[one]
        block[4 + one, 9] = v[11] * sigma[one]
        for axis in range(3):
            along = direction[axis] * sigma[one]
            block[1 + axis, 4 + one] = v[14] * along + v[16] * pi[axis, one]
            block[4 + one, 1 + axis] = -(v[15] * along + v[17] * pi[axis, one])
        for other in range(5):
            along = sigma[one] * sigma[other]
            across = (
                pi[0, one] * pi[0, other] + pi[1, one] * pi[1, other] + pi[2, one] * pi[2, other]
            )
            block[4 + one, 4 + other] = (v[18] - v[20]) * along + (v[19] - v[20]) * across
        block[4 + one, 4 + one] += v[20]


@kernel
def add_onsite_terms(direction, stretch, t, block):  # type: ignore[no-untyped-def]
    """Add what a neighbour along a unit vector does to the on-site matrix, (10, 10).

    ``stretch`` is d/d0 - 1 and ``t`` the terms in the order of ``STRAIN_TERMS``. In the frame of
    the bond these are shifts of each shell, splittings of p and d without trace, and couplings of
    orbitals of equal symmetry; those of four undistorted neighbours add up to nothing.
    """
    sigma, pi = np.empty(5), np.empty((3, 5))
    bond_orbitals(direction, sigma, pi)
    # Niquet et al. measure the shift by 3/4 of the stretch of each bond: the mean over four
    # neighbours is the trace of the strain.
    shift = 0.75 * stretch
    root = np.sqrt(3.0)
    beta_p = t[4] + t[5] * stretch
    beta_pd = t[6] + t[7] * stretch
    block[0, 0] += t[0] * shift
    block[9, 9] += t[3] * shift
    for axis in range(3):
        for bottom, term in ((0, t[9]), (9, t[10])):
            coupling = term * direction[axis]
            block[bottom, 1 + axis] += coupling
            block[1 + axis, bottom] += coupling
        for other in range(3):
            block[1 + axis, 1 + other] += beta_p * direction[axis] * direction[other]
        block[1 + axis, 1 + axis] += t[1] * shift - beta_p / 3.0
    for one in range(5):
        for bottom, term in ((0, t[11]), (9, t[12])):
            coupling = term / root * sigma[one]
            block[bottom, 4 + one] += coupling
            block[4 + one, bottom] += coupling
        for axis in range(3):
            coupling = beta_pd * (2.0 / root * direction[axis] * sigma[one] + pi[axis, one])
            block[1 + axis, 4 + one] += coupling
            block[4 + one, 1 + axis] += coupling
        for other in range(5):
            across = (
                pi[0, one] * pi[0, other] + pi[1, one] * pi[1, other] + pi[2, one] * pi[2, other]
            )
            # sigma -2/3, pi -1/3, delta +2/3.
            along = sigma[one] * sigma[other]
            block[4 + one, 4 + other] -= t[8] * (4.0 / 3.0 * along + across)
        block[4 + one, 4 + one] += t[2] * shift + 2.0 / 3.0 * t[8]
