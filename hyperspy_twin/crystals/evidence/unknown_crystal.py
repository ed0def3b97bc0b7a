"""Evidence that the peaks are those of one crystal, but of none that is known."""

from __future__ import annotations

from math import lgamma

import numpy as np

from hyperspy_twin.core import (
    finer_lattices,
    finer_pair,
    fit_basis,
    kernel,
    normal_equations,
    reduce_pair,
)
from hyperspy_twin.crystals.evidence.affine import nearest_index
from hyperspy_twin.crystals.evidence.hypotheses import (
    GATE,
    LATTICE_FRACTION,
    MIN_SINE,
    Observed,
    position_evidence,
)
from hyperspy_twin.crystals.evidence.intensities import UNEXPLAINED
from hyperspy_twin.crystals.evidence.zone_evidence import DISTORTION_SD, FLAT_LOG_SCALE

# Fractions of the plane lattices of each kind among the zones up to [222] of the bundled
# structures, weighed as the zones are.
SQUARE = 0.18
HEXAGONAL = 0.15
RECTANGULAR = 0.28
RHOMBIC = 0.25
OBLIQUE = 0.14
# Hyperbolic lengths of the lines of rectangular (up to a ratio of 4) and of rhombic lattices in the
# domain of reduced bases, whose area is pi / 3.
RECTANGULAR_LENGTH = float(np.log(4))
RHOMBIC_LENGTH = 2.1
# Density of ln(shortest reciprocal vector), e.g. from 1 to 10 per nm.
LOG_SCALE_DENSITY = -np.log(2.3)
STEPS = 3  # of assigning peaks to the lattice and least squares
# Two peaks may be twice or three times a shortest vector of the lattice.
INDEX, NUMERATOR = finer_lattices(1, 3)
KEPT = 6  # best plane lattices of the vote, which are weighed in full


@kernel
def shape_density(first: complex, second: complex, variance: float) -> float:
    """Prior density of the shape of a plane lattice of this reduced basis.

    Per unit area of the plane of relative distortions c, as of ``q = g + c conj(g)``, which is half
    as long as hyperbolic length in the plane of ``second / first``. ``variance`` is that of each
    component of the distortion that is between the true lattice and this one.
    """
    shape = second / first
    x, y = abs(shape.real), abs(shape.imag)
    square = abs((shape - 1j) / (shape + 1j)) ** 2
    corner = 0.5 + 0.5j * np.sqrt(3.0)
    point = x + 1j * y
    hexagonal = abs((point - corner) / (point - corner.conjugate())) ** 2
    upright = (0.5 * x / y) ** 2
    halved = (0.5 * (0.5 - x) / y) ** 2
    equal = (0.5 * np.log(abs(point)) * abs(point) / y) ** 2
    plane = 1.0 / (2 * np.pi * variance)
    line = 2.0 / np.sqrt(2 * np.pi * variance)
    result = plane * SQUARE * np.exp(-0.5 * square / variance)
    result += plane * HEXAGONAL * np.exp(-0.5 * hexagonal / variance)
    result += line * RECTANGULAR / RECTANGULAR_LENGTH * np.exp(-0.5 * upright / variance)
    rhombic = np.exp(-0.5 * min(halved, equal) / variance)
    result += line * RHOMBIC / RHOMBIC_LENGTH * rhombic
    return result + OBLIQUE * 12 / np.pi


@kernel
def assign_to_lattice(
    observed: Observed, first: complex, second: complex, number: int, gate: float
) -> tuple[np.ndarray, float]:
    """Coordinates of the peaks on a plane lattice, (n, 2), and ln of their likelihood."""
    basis = np.empty(2, np.complex128)
    basis[0], basis[1] = first, second
    limit = LATTICE_FRACTION * min(abs(first), abs(second))
    index = np.zeros((number, 2), np.int64)
    total = 0.0
    for i in range(number):
        q, sigma, weight = observed.position[i], observed.sigma[i], observed.weight[i]
        h, k = nearest_index(q, basis)
        deviation = abs(q - h * first - k * second)
        term = UNEXPLAINED * weight
        if (h != 0 or k != 0) and deviation < min(limit, gate * sigma):
            index[i, 0], index[i, 1] = h, k
            term = max(term, weight * position_evidence(observed, i, deviation))
        total += term
    return index, total


@kernel
def refine_lattice(observed: Observed, first: complex, second: complex) -> tuple[complex, complex]:
    """Least-squares basis of a plane lattice."""
    number, weight = len(observed.position), 1.0 / observed.sigma**2
    for step in range(STEPS):
        index, _ = assign_to_lattice(
            observed, first, second, number, GATE * (2.0 if step == 0 else 1.0)
        )
        basis, _, determinant = fit_basis(index, observed.position, weight)
        if determinant == 0:
            break
        first, second = basis
    return first, second


@kernel
def plane_lattice_evidence(
    observed: Observed, first: complex, second: complex, calibrated: bool = True
) -> float:
    """Logarithm of the evidence for an unknown crystal with a plane lattice next to this one.

    Against "all peaks are false", integrated over lattices of any scale and rotation, whose
    reflections have any intensity and are seen with a probability that is integrated out.
    """
    first, second, _ = reduce_pair(first, second)
    first, second = refine_lattice(observed, first, second)
    area = abs((first.conjugate() * second).imag)
    index, total = assign_to_lattice(observed, first, second, len(observed.position), GATE)
    weight = observed.weight / observed.sigma**2
    _, determinant = normal_equations(index, weight)
    if determinant == 0:
        return -np.inf
    information, seen = 0.0, 0.0
    for i in range(len(index)):
        if index[i, 0] != 0 or index[i, 1] != 0:
            information += weight[i] * abs(observed.position[i]) ** 2
            seen += abs(observed.position[i]) < observed.reach
    points = max(seen, 0.5 * np.pi * observed.reach**2 / area)
    total += lgamma(seen + 1) + lgamma(points - seen + 1) - lgamma(points + 2)
    short, long, _ = reduce_pair(first, second)
    density = shape_density(short, long, DISTORTION_SD**2 + 1.0 / max(information, 1e-300))
    # The four components of the basis are a scale, a rotation of half a turn and a distortion c.
    scale = LOG_SCALE_DENSITY if calibrated else FLAT_LOG_SCALE
    prior = scale + np.log(density / (np.pi * 4 * area**2))
    return total + prior + 2 * np.log(2 * np.pi) - np.log(determinant)


@kernel
def weigh_unknown_crystal(observed: Observed, calibrated: bool) -> float:
    """Logarithm of the evidence for a crystal of any plane lattice: that of the best one.

    In the units of the evidence of a known crystal; -inf without peaks in two directions.
    """
    votes = np.full(KEPT, -np.inf)
    lattices = np.zeros((KEPT, 2), np.complex128)
    seeds = observed.seeds
    for s in range(len(seeds)):
        for t in range(s + 1, len(seeds)):
            first, second = observed.position[seeds[s]], observed.position[seeds[t]]
            sine = abs((first.conjugate() * second).imag)
            if sine < MIN_SINE * abs(first) * abs(second):
                continue
            for f in range(len(INDEX)):
                a, b = finer_pair(first, second, INDEX[f], NUMERATOR[f])
                vote = assign_to_lattice(observed, a, b, min(24, len(observed.position)), GATE)[1]
                points = 0.5 * np.pi * observed.reach**2 / abs((a.conjugate() * b).imag)
                vote -= np.log(1 + points)
                slot = int(np.argmin(votes))
                if vote > votes[slot]:
                    votes[slot] = vote
                    lattices[slot, 0], lattices[slot, 1] = a, b
    best = -np.inf
    for k in range(KEPT):
        if np.isfinite(votes[k]):
            best = max(
                best, plane_lattice_evidence(observed, lattices[k, 0], lattices[k, 1], calibrated)
            )
    return best
