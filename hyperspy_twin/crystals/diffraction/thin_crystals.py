"""What thin crystals show beyond their zone: reflections of upper Laue zones, by their tails.

A crystal of thickness t spreads each reflection along the beam as sinc²(pi t s). Those of a Laue
zone at a small height s reach the plane of the zone, where they stand at their projections:
1/3 {422} of a face-centred cubic crystal along [111].
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.diffraction.reflections import (
    Reflections,
    atomic_number_factors,
    find_reflections,
)
from hyperspy_twin.crystals.diffraction.zone_axes import zone_repeats
from hyperspy_twin.crystals.diffraction.zone_patterns import (
    HIGHEST,
    ZonePattern,
    coordinates_in,
    describe_reflections,
    half_plane,
    log_intensities,
    make_zone_patterns,
    zone_height,
)

# Thicknesses in nm, equally likely: from what holds together to where the tails are lost in noise.
THICKNESSES = (1.0, 2.0, 4.0, 8.0)
CENTRE = 1e-4  # 1/nm: a reflection that projects so near to the beam is not seen


class ThinPattern(NamedTuple):
    """Pattern of a thin crystal along one zone axis.

    Attributes
    ----------
    pattern
        Of the zone, with the projected reflections of upper zones, in the same frame; its
        ``plane`` is that of the zone, which does not generate them.
    hkl
        Miller indices of each of its reflections, int, shape (n, 3): those of the zone where it has
        one there, else of the strongest of an upper zone. Zeros where there is neither.
    """

    pattern: ZonePattern
    hkl: np.ndarray


@lru_cache(maxsize=2048)
def make_thin_patterns(
    crystal: Crystal, zone_axis: tuple[int, int, int], g_max: float
) -> tuple[ThinPattern, ...]:
    """Patterns for some thicknesses; none where upper zones are high or add no positions.

    Parameters
    ----------
    crystal
        The unit cell.
    zone_axis
        Lattice direction [uvw].
    g_max
        Radius in 1/nm.

    Returns
    -------
    tuple of ThinPattern
        One for each of the thicknesses 1, 2, 4 and 8 nm.

    References
    ----------
    Cherns, Phil. Mag. 30 (1974) 549.
    """
    (zone,) = make_zone_patterns(crystal, 1, g_max, (zone_axis,))
    if not zone.projected.any():
        return ()
    repeats, height = zone_repeats(crystal, zone_axis), zone_height(crystal, zone_axis)
    found = _reflections_within(crystal, float(np.ceil(np.hypot(g_max, HIGHEST))))
    order = found.hkl @ zone_axis // repeats
    flat = found.vector @ zone.frame[:2].T
    kept = (np.abs(order) * height <= HIGHEST) & (np.hypot(*flat.T) <= g_max * (1 + 1e-9))
    kept &= np.hypot(*flat.T) > CENTRE
    found = Reflections(found.hkl[kept], found.vector[kept], found.structure_factor[kept])
    order, position = order[kept], flat[kept] @ [1, 1j]
    basis = zone.projected
    index = np.rint(coordinates_in(basis, position)).astype(int)
    half, number = half_plane(basis, int(np.abs(index).max()), g_max)
    row = number[tuple(index.T + len(number) // 2)]
    upright = (half[row] == index).all(axis=1)
    hkl, row, order = found.hkl[upright], row[upright], order[upright]
    amplitudes = np.abs([found.structure_factor, atomic_number_factors(crystal, found.hkl)])
    power = amplitudes[:, upright] ** 2
    strength = np.where(order == 0, np.inf, power[0] / np.maximum(np.abs(order), 1) ** 2)
    shown = np.zeros((len(half), 3), int)
    ascending = np.argsort(strength, kind="stable")
    shown[row[ascending]] = hkl[ascending]
    patterns = []
    for thickness in THICKNESSES:
        # The envelope of sinc²: near its zeros a crystal shows no upper zone.
        weight = 1 / (1 + (np.pi * thickness * height * order) ** 2)
        total = np.stack([np.bincount(row, weight * one, len(half)) for one in power])
        seen = total.max(axis=0) > 0
        law = np.full(total.shape, -np.inf)
        law[:, seen] = log_intensities(*np.sqrt(total[:, seen]))
        pattern = zone._replace(**describe_reflections(basis, half, number, law))
        patterns.append(ThinPattern(pattern, shown))
    return tuple(patterns)


@lru_cache(maxsize=256)
def _reflections_within(crystal: Crystal, radius: float) -> Reflections:
    return find_reflections(crystal, radius)
