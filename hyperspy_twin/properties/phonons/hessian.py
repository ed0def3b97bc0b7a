"""Second derivatives of the valence force field, one row of blocks for each atom.

Written in the vectors of the bonds, the energy of an atom depends on its own four bonds alone; its
second derivatives by two of them are 3 x 3 matrices. Those by the positions of atoms are sums of
such, over the atom itself and its neighbours. ``tables`` holds, for both kinds of atoms of a bond,
its length d without strain, 3 alpha / (8 d²), and the roots of 3 beta / 8, 3 delta / 8 and 3 nu / 8
over d, so that an angle has the product of those of its two bonds.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import inlined, kernel

# Columns of a row: the atom, its neighbours, theirs, and the ends of chains of bonds in one plane.
NEIGHBOURS = 1
SECOND = 5
ENDS = 17


@kernel
def _derive_by_bond(
    centre: int,
    slot: int,
    index: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    vectors: np.ndarray,
    found: np.ndarray,
) -> int:
    """Write second derivatives of an atom's energy by one of its bonds and each; count them."""
    bonds = 4
    while index[centre, bonds - 1] < 0:
        bonds -= 1
    kind, other = species[centre], species[index[centre, slot]]
    length = tables[kind, other, 0]
    bend, cross = tables[kind, other, 2], tables[kind, other, 3]
    x, y, z = vectors[centre, slot, 0], vectors[centre, slot, 1], vectors[centre, slot, 2]
    # An atom has half of the stretch of its bonds.
    same = 2 * tables[kind, other, 1] * (x * x + y * y + z * z - length * length)
    factor = 4 * tables[kind, other, 1]
    xx, yy, zz = same + factor * x * x, same + factor * y * y, same + factor * z * z
    xy, xz, yz = factor * x * y, factor * x * z, factor * y * z
    for t in range(bonds):
        if t == slot:
            continue
        other = species[index[centre, t]]
        far = tables[kind, other, 0]
        u, v, w = vectors[centre, t, 0], vectors[centre, t, 1], vectors[centre, t, 2]
        b = 2 * bend * tables[kind, other, 2]
        c = 2 * cross * tables[kind, other, 3]
        same = c * (u * u + v * v + w * w - far * far)
        xx += b * u * u + same
        yy += b * v * v + same
        zz += b * w * w + same
        xy += b * u * v
        xz += b * u * w
        yz += b * v * w
        same = b * (x * u + y * v + z * w + length * far / 3)
        c *= 2
        found[t, 0, 0] = same + (b + c) * x * u
        found[t, 0, 1] = b * u * y + c * x * v
        found[t, 0, 2] = b * u * z + c * x * w
        found[t, 1, 0] = b * v * x + c * y * u
        found[t, 1, 1] = same + (b + c) * y * v
        found[t, 1, 2] = b * v * z + c * y * w
        found[t, 2, 0] = b * w * x + c * z * u
        found[t, 2, 1] = b * w * y + c * z * v
        found[t, 2, 2] = same + (b + c) * z * w
    found[slot, 0, 0], found[slot, 1, 1], found[slot, 2, 2] = xx, yy, zz
    found[slot, 0, 1] = found[slot, 1, 0] = xy
    found[slot, 0, 2] = found[slot, 2, 0] = xz
    found[slot, 1, 2] = found[slot, 2, 1] = yz
    return bonds


@kernel
def _derive_chain(
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    lengths: tuple[float, float, float],
    weight: float,
    found: np.ndarray,
) -> None:
    """Write second derivatives of a chain of bonds j-i, i-k, k-l in one plane.

    Its energy is ``weight (a.b + ..) (..- b.c)``, with a, b and c from i to j, i to k and k to l.
    Written are those by a and b, a and c, b and b, b and c.
    """
    near, far = lengths[0] * lengths[1] / 3, lengths[1] * lengths[2] / 3
    for d in range(3):
        near += a[d] * b[d]
        far -= b[d] * c[d]
    for d in range(3):
        for e in range(3):
            found[0, d, e] = -weight * b[d] * c[e]
            found[1, d, e] = -weight * b[d] * b[e]
            found[2, d, e] = -weight * (a[d] * c[e] + c[d] * a[e])
            found[3, d, e] = -weight * a[d] * b[e]
        found[0, d, d] += weight * far
        found[3, d, d] -= weight * near


@kernel
def _add_chain(
    atom: int,
    inner: int,
    s: int,
    t: int,
    index: np.ndarray,
    reverse: np.ndarray,
    partner: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    vectors: np.ndarray,
    found: np.ndarray,
    row: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Add to the row of an atom what one chain gives: it is the inner atom i, or its neighbour j.

    Of the inner atom, bond s leads to the other inner atom and bond t to the end.
    """
    u = partner[inner, s, t]
    if u < 0:
        return
    j, k = index[inner, t], index[inner, s]
    end = index[k, u]
    one, middle, two = (
        tables[species[inner], species[j]],
        tables[species[inner], species[k]],
        tables[species[k], species[end]],
    )
    weight = middle[4] * np.sqrt(one[4] * two[4])
    a, b, c = vectors[inner, t], vectors[inner, s], vectors[k, u]
    _derive_chain(a, b, c, (one[0], middle[0], two[0]), weight, found)
    back = reverse[inner, s]
    if atom == inner:
        second = SECOND + 3 * s + u - (1 if u > back else 0)
        for d in range(3):
            for e in range(3):
                ab, ac, bb, bc = found[0, d, e], found[1, d, e], found[2, d, e], found[3, d, e]
                row[0, d, e] += ab + found[0, e, d] + bb
                row[NEIGHBOURS + t, d, e] -= found[0, e, d]
                row[NEIGHBOURS + s, d, e] += ac + bc - ab - bb
                row[second, d, e] -= ac + bc
        return
    slot = reverse[inner, t]
    second = 3 * slot + s - (1 if s > t else 0)
    columns[ENDS + second] = end
    for d in range(3):
        for e in range(3):
            ab, ac = found[0, d, e], found[1, d, e]
            row[NEIGHBOURS + slot, d, e] -= ab
            row[SECOND + second, d, e] += ab - ac
            row[ENDS + second, d, e] += ac


@kernel
def assemble_rows(
    first: int,
    last: int,
    index: np.ndarray,
    reverse: np.ndarray,
    partner: np.ndarray,
    species: np.ndarray,
    tables: np.ndarray,
    vectors: np.ndarray,
    blocks: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Write the blocks of rows and the atoms of their columns; missing ones are zero.

    ``partner`` has no rows where there are no chains.
    """
    width = columns.shape[1]
    found, row = np.zeros((4, 3, 3)), np.zeros((width, 3, 3))
    for i in range(first, last):
        row[:] = 0
        columns[i, :] = i
        for slot in range(4):
            j = index[i, slot]
            if j < 0:
                break
            bonds = _derive_by_bond(i, slot, index, species, tables, vectors, found)
            for t in range(bonds):
                for d in range(3):
                    for e in range(3):
                        row[0, d, e] += found[t, d, e]
                        row[NEIGHBOURS + slot, d, e] -= found[t, e, d]
            columns[i, NEIGHBOURS + slot] = j
            back = reverse[i, slot]
            bonds = _derive_by_bond(j, back, index, species, tables, vectors, found)
            for t in range(bonds):
                second = SECOND + 3 * slot + t - (1 if t > back else 0)
                if t != back:
                    columns[i, second] = index[j, t]
                for d in range(3):
                    for e in range(3):
                        row[NEIGHBOURS + slot, d, e] -= found[t, d, e]
                        if t == back:
                            row[0, d, e] += found[t, d, e]
                        else:
                            row[second, d, e] += found[t, d, e]
        if width > ENDS:
            for slot in range(4):
                j = index[i, slot]
                if j < 0:
                    break
                for t in range(4):
                    if t != slot and index[i, t] >= 0:
                        _add_chain(
                            i,
                            i,
                            slot,
                            t,
                            index,
                            reverse,
                            partner,
                            species,
                            tables,
                            vectors,
                            found,
                            row,
                            columns[i],
                        )
                    back = reverse[i, slot]
                    if t != back and index[j, t] >= 0:
                        _add_chain(
                            i,
                            j,
                            t,
                            back,
                            index,
                            reverse,
                            partner,
                            species,
                            tables,
                            vectors,
                            found,
                            row,
                            columns[i],
                        )
        for column in range(width):
            for d in range(3):
                for e in range(3):
                    blocks[i, column, d, e] = row[column, d, e]


@inlined
def multiply_row(
    i: int, blocks: np.ndarray, columns: np.ndarray, vectors: np.ndarray, total: np.ndarray
) -> None:
    """Write the product of one row with vectors of shape (n, 3, q), shape (3, q)."""
    count = vectors.shape[2]
    for k in range(count):
        total[0, k], total[1, k], total[2, k] = 0, 0, 0
    for column in range(columns.shape[1]):
        j = columns[i, column]
        b = blocks[i, column]
        xx, xy, xz = b[0, 0], b[0, 1], b[0, 2]
        yx, yy, yz = b[1, 0], b[1, 1], b[1, 2]
        zx, zy, zz = b[2, 0], b[2, 1], b[2, 2]
        for k in range(count):
            x, y, z = vectors[j, 0, k], vectors[j, 1, k], vectors[j, 2, k]
            total[0, k] += xx * x + xy * y + xz * z
            total[1, k] += yx * x + yy * y + yz * z
            total[2, k] += zx * x + zy * y + zz * z


@kernel
def multiply_rows(
    first: int,
    last: int,
    blocks: np.ndarray,
    columns: np.ndarray,
    vectors: np.ndarray,
    found: np.ndarray,
) -> None:
    """Write products with vectors of shape (n, 3, q); 16 of them cost little more than one."""
    for i in range(first, last):
        multiply_row(i, blocks, columns, vectors, found[i])
