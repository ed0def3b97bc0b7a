"""A strained germanium quantum well between SiGe barriers."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.data.known_truth import Truth
from hyperspy_twin.simulation import (
    ORIENTATION_110,
    SAMPLE,
    SILICON_LATTICE,
    Scan,
    require_positive,
    stack_diamond_planes,
)

# Stiffness of germanium, GPa; McSkimin, J. Appl. Phys. 24, 988 (1953).
GERMANIUM_C11 = 128.5
GERMANIUM_C12 = 48.3
SILICON = 14
GERMANIUM = 32


def alloy_lattice(germanium_fraction: float) -> float:
    """Compute the lattice parameter of relaxed Si(1-x)Ge(x) in Angstrom.

    References
    ----------
    J.P. Dismukes, L. Ekstrom, R.J. Paff, J. Phys. Chem. 68 (1964) 3021.
    """
    return SILICON_LATTICE + 0.20 * germanium_fraction + 0.027 * germanium_fraction**2


def alloy_name(germanium_fraction: float) -> str:
    """Give the formula of the barriers, such as ``"Si0.3Ge0.7"``."""
    if germanium_fraction in (0, 1):
        return "Ge" if germanium_fraction else "Si"
    return f"Si{1 - germanium_fraction:.4g}Ge{germanium_fraction:.4g}"


def well_lattice(in_plane: float) -> float:
    """Compute the lattice parameter along [001] of germanium held at another one in the plane.

    Both in Angstrom. Biaxial strain of a bulk (001) layer: ``e_perp = -2 C12 / C11 e_par``.

    References
    ----------
    H.J. McSkimin, J. Appl. Phys. 24 (1953) 988.
    """
    relaxed = alloy_lattice(1.0)
    parallel = in_plane / relaxed - 1
    return relaxed * (1 - 2 * GERMANIUM_C12 / GERMANIUM_C11 * parallel)


def build_quantum_well(
    scan: Scan, *, germanium_fraction: float, well_thickness: float, thickness: float
) -> Truth:
    """Build :func:`~hyperspy_twin.data.sige_quantum_well` plane by plane, the well in mid-field.

    Labels 1, 2, 3: upper barrier, well, lower barrier (the reference).
    """
    require_positive(well_thickness=well_thickness, thickness=thickness)
    if not 0 <= germanium_fraction <= 1:
        raise ValueError(f"germanium_fraction must be from 0 to 1, not {germanium_fraction!r}.")
    barrier = alloy_lattice(germanium_fraction)
    well = well_lattice(barrier)
    left, right, top, bottom = scan.filled_box(thickness)
    planes = max(1, round(ANGSTROM_PER_NM * well_thickness / (well / 4)))
    lower = ANGSTROM_PER_NM * scan.field[1] / 2 + planes * well / 8
    upper = lower - planes * well / 4

    # Planes sit half a spacing inside their layer, so the interface spacing is the mean.
    below = np.arange(max(0, np.ceil((bottom - lower) / (barrier / 4))))
    above = np.arange(max(0, np.ceil((upper - top) / (barrier / 4))))
    within = np.arange(planes)
    heights = np.concatenate(
        [
            lower + (below + 0.5) * barrier / 4,
            lower - (within + 0.5) * well / 4,
            upper - (above + 0.5) * barrier / 4,
        ]
    )
    indices = np.concatenate([-1 - below, within, planes + above]).astype(int)
    period = barrier / np.sqrt(2)
    depth = ANGSTROM_PER_NM * thickness
    positions, plane = stack_diamond_planes(
        heights, indices, period=period, x_range=(left, right), thickness=depth
    )

    in_well = (plane >= 0) & (plane < planes)
    occupied_by_germanium = scan.random(SAMPLE).random(len(positions)) < germanium_fraction
    numbers = np.where(in_well | occupied_by_germanium, GERMANIUM, SILICON)

    y = np.broadcast_to(scan.seen_points()[1], scan.shape)
    labels = np.where(y < upper, 1, np.where(y < lower, 2, 3))
    zero = np.zeros(scan.shape)
    alloy = alloy_name(germanium_fraction)
    return Truth(
        labels=labels,
        phases={1: alloy, 2: "Ge", 3: alloy},
        zone_axes=dict.fromkeys((1, 2, 3), (1, 1, 0)),
        orientations=dict.fromkeys((1, 2, 3), ORIENTATION_110.copy()),
        strain={
            "e_xx": zero,
            "e_yy": np.where(labels == 2, well / barrier - 1, 0.0),
            "e_xy": zero,
            "rotation": zero,
        },
        positions=positions,
        numbers=numbers,
        reference=3,
    )
