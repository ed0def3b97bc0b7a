"""Compiled sums over bonds and angles: a gradient for each atom's own bonds, then forces."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel


@kernel
def _read_bond(
    i: int,
    slot: int,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    positions: np.ndarray,
) -> tuple[float, float, float, float, float, float]:
    """Vector of a bond, its length without strain, and what stretch and bend are multiplied by."""
    j = index[i, slot]
    if j < 0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    # Without a branch for bonds inside the box: one takes three times as long.
    a, b, c = shift[i, slot, 0], shift[i, slot, 1], shift[i, slot, 2]
    x = positions[j, 0] - positions[i, 0] + (a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0])
    y = positions[j, 1] - positions[i, 1] + (a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1])
    z = positions[j, 2] - positions[i, 2] + (a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2])
    one, other = species[i], species[j]
    return x, y, z, tables[one, other, 0], tables[one, other, 1], tables[one, other, 2]


@kernel
def keating_gradients(
    first: int,
    last: int,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    positions: np.ndarray,
    energy: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Write the energy of each atom, and its derivatives by the vectors of the atom's bonds.

    An atom has half the energy of its bonds, and that of the angles at it. The four bonds are
    written out, since arrays inside the loop would be kept in memory rather than in registers.
    """
    for i in range(first, last):
        x0, y0, z0, d0, c0, q0 = _read_bond(i, 0, index, shift, cell, species, tables, positions)
        x1, y1, z1, d1, c1, q1 = _read_bond(i, 1, index, shift, cell, species, tables, positions)
        x2, y2, z2, d2, c2, q2 = _read_bond(i, 2, index, shift, cell, species, tables, positions)
        x3, y3, z3, d3, c3, q3 = _read_bond(i, 3, index, shift, cell, species, tables, positions)
        s0 = x0 * x0 + y0 * y0 + z0 * z0 - d0 * d0
        s1 = x1 * x1 + y1 * y1 + z1 * z1 - d1 * d1
        s2 = x2 * x2 + y2 * y2 + z2 * z2 - d2 * d2
        s3 = x3 * x3 + y3 * y3 + z3 * z3 - d3 * d3
        a01 = x0 * x1 + y0 * y1 + z0 * z1 + d0 * d1 / 3
        a02 = x0 * x2 + y0 * y2 + z0 * z2 + d0 * d2 / 3
        a03 = x0 * x3 + y0 * y3 + z0 * z3 + d0 * d3 / 3
        a12 = x1 * x2 + y1 * y2 + z1 * z2 + d1 * d2 / 3
        a13 = x1 * x3 + y1 * y3 + z1 * z3 + d1 * d3 / 3
        a23 = x2 * x3 + y2 * y3 + z2 * z3 + d2 * d3 / 3
        w01, w02, w03 = q0 * q1 * a01, q0 * q2 * a02, q0 * q3 * a03
        w12, w13, w23 = q1 * q2 * a12, q1 * q3 * a13, q2 * q3 * a23
        t0, t1, t2, t3 = c0 * s0, c1 * s1, c2 * s2, c3 * s3
        energy[i] = (
            0.5 * (t0 * s0 + t1 * s1 + t2 * s2 + t3 * s3)
            + (w01 * a01 + w02 * a02 + w03 * a03)
            + (w12 * a12 + w13 * a13 + w23 * a23)
        )
        gradient[i, 0, 0] = 2 * (t0 * x0 + w01 * x1 + w02 * x2 + w03 * x3)
        gradient[i, 0, 1] = 2 * (t0 * y0 + w01 * y1 + w02 * y2 + w03 * y3)
        gradient[i, 0, 2] = 2 * (t0 * z0 + w01 * z1 + w02 * z2 + w03 * z3)
        gradient[i, 1, 0] = 2 * (t1 * x1 + w01 * x0 + w12 * x2 + w13 * x3)
        gradient[i, 1, 1] = 2 * (t1 * y1 + w01 * y0 + w12 * y2 + w13 * y3)
        gradient[i, 1, 2] = 2 * (t1 * z1 + w01 * z0 + w12 * z2 + w13 * z3)
        gradient[i, 2, 0] = 2 * (t2 * x2 + w02 * x0 + w12 * x1 + w23 * x3)
        gradient[i, 2, 1] = 2 * (t2 * y2 + w02 * y0 + w12 * y1 + w23 * y3)
        gradient[i, 2, 2] = 2 * (t2 * z2 + w02 * z0 + w12 * z1 + w23 * z3)
        gradient[i, 3, 0] = 2 * (t3 * x3 + w03 * x0 + w13 * x1 + w23 * x2)
        gradient[i, 3, 1] = 2 * (t3 * y3 + w03 * y0 + w13 * y1 + w23 * y2)
        gradient[i, 3, 2] = 2 * (t3 * z3 + w03 * z0 + w13 * z1 + w23 * z2)


@kernel
def add_modified_gradients(
    first: int,
    last: int,
    index: np.ndarray,
    partner: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    vectors: np.ndarray,
    energy: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Add what couples two stretched bonds, and two angles in one plane that share a bond.

    The chain of bonds i-j, i-k, k-l is met from i and from k: each writes the derivatives by its
    own bonds, and has half the energy. ``tables`` holds the length, and what delta and nu are
    multiplied by.
    """
    for i in range(first, last):
        for s in range(4):
            k = index[i, s]
            if k < 0:
                break
            shared = tables[species[i], species[k], 0], tables[species[i], species[k], 2]
            stretched = -(shared[0] ** 2)
            for d in range(3):
                stretched += vectors[i, s, d] ** 2
            for t in range(4):
                j = index[i, t]
                if t == s or j < 0:
                    continue
                length = tables[species[i], species[j], 0]
                crossed = tables[species[i], species[k], 1] * tables[species[i], species[j], 1]
                other, own = -(length**2), length * shared[0] / 3
                for d in range(3):
                    other += vectors[i, t, d] ** 2
                    own += vectors[i, s, d] * vectors[i, t, d]
                energy[i] += 0.5 * crossed * stretched * other
                for d in range(3):
                    gradient[i, s, d] += 2 * crossed * other * vectors[i, s, d]
                u = partner[i, s, t]
                if u < 0:
                    continue
                last_length = tables[species[k], species[index[k, u]], 0]
                weight = shared[1] * np.sqrt(
                    tables[species[i], species[j], 2] * tables[species[k], species[index[k, u]], 2]
                )
                far = last_length * shared[0] / 3
                for d in range(3):
                    far -= vectors[i, s, d] * vectors[k, u, d]
                energy[i] += 0.5 * weight * own * far
                for d in range(3):
                    gradient[i, t, d] += weight * far * vectors[i, s, d]
                    gradient[i, s, d] += (
                        0.5 * weight * (far * vectors[i, t, d] - own * vectors[k, u, d])
                    )


@kernel
def find_partners(
    first: int,
    last: int,
    index: np.ndarray,
    reverse: np.ndarray,
    vectors: np.ndarray,
    least: float,
    partner: np.ndarray,
) -> None:
    """For bond s of atom i and its bond t, write the bond of the neighbour opposite to t, or -1."""
    for i in range(first, last):
        for s in range(4):
            k = index[i, s]
            for t in range(4):
                partner[i, s, t] = -1
                if k < 0 or t == s or index[i, t] < 0:
                    continue
                for u in range(4):
                    if u == reverse[i, s] or index[k, u] < 0:
                        continue
                    dot, one, other = 0.0, 0.0, 0.0
                    for d in range(3):
                        dot -= vectors[i, t, d] * vectors[k, u, d]
                        one += vectors[i, t, d] ** 2
                        other += vectors[k, u, d] ** 2
                    if dot > least * np.sqrt(one * other):
                        partner[i, s, t] = u


@kernel
def sum_forces(
    first: int,
    last: int,
    index: np.ndarray,
    reverse: np.ndarray,
    gradient: np.ndarray,
    force: np.ndarray,
) -> None:
    """Write the forces: the derivatives by an atom's own bonds, less those by its neighbours'."""
    for i in range(first, last):
        x, y, z = 0.0, 0.0, 0.0
        for slot in range(4):
            j = index[i, slot]
            if j < 0:
                break
            back = reverse[i, slot]
            x += gradient[i, slot, 0] - gradient[j, back, 0]
            y += gradient[i, slot, 1] - gradient[j, back, 1]
            z += gradient[i, slot, 2] - gradient[j, back, 2]
        force[i, 0], force[i, 1], force[i, 2] = x, y, z


@kernel
def sum_virials(
    first: int, last: int, vectors: np.ndarray, gradient: np.ndarray, virial: np.ndarray
) -> None:
    """Write the derivatives of each atom's energy by a strain, shape (n, 3, 3)."""
    for i in range(first, last):
        for a in range(3):
            for b in range(3):
                total = 0.0
                for slot in range(4):
                    total += vectors[i, slot, a] * gradient[i, slot, b]
                virial[i, a, b] = total


@kernel
def mark_broken(
    first: int,
    last: int,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    limits: tuple[float, float],
    positions: np.ndarray,
    broken: np.ndarray,
) -> None:
    """Mark atoms with a bond whose length over that without strain is beyond the limits."""
    for i in range(first, last):
        broken[i] = False
        for slot in range(4):
            if index[i, slot] < 0:
                break
            x, y, z, length, _, _ = _read_bond(
                i, slot, index, shift, cell, species, tables, positions
            )
            ratio = np.sqrt(x * x + y * y + z * z) / length
            if not limits[0] < ratio < limits[1]:
                broken[i] = True
