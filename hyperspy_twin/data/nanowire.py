"""An InSb segment on an InP segment of a nanowire, with misfit dislocations between."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.data.known_truth import Truth
from hyperspy_twin.simulation import (
    ORIENTATION_110,
    DislocationArray,
    Scan,
    displace_points,
    require_positive,
    stack_diamond_planes,
    undo_displacement,
)

# Angstrom at 300 K; Vurgaftman, Meyer & Ram-Mohan, J. Appl. Phys. 89, 5815 (2001).
SUBSTRATE_LATTICE = 5.8697
WIRE_LATTICE = 6.4794
INDIUM = 49
PHOSPHORUS = 15
ANTIMONY = 51
# One Poisson's ratio for both halves: the mean of C12 / (C11 + C12) of InP and InSb.
POISSON = 0.355
# Height of the interface, as a fraction of the field's height from the top.
INTERFACE = 0.5
# The largest number of columns of the substrate in one period of the dislocations.
MOST_COLUMNS = 100


@dataclass(frozen=True)
class Misfit:
    """Two lattices, and the array of Lomer dislocations that lets both relax.

    Attributes
    ----------
    substrate_period, wire_period
        Repeats a / sqrt(2) along x, Angstrom; the wire's is rounded by 2e-5 so that a whole
        number of both fills the array's period.
    array
        In Angstrom, each dislocation on a column of the substrate. The Burgers vector is
        a / 2 [1-10] of the coherent interface: the harmonic mean of the repeats.
    """

    substrate_period: float
    wire_period: float
    array: DislocationArray


def relax_misfit() -> Misfit:
    """Place one dislocation wherever InSb and InP are one column out of step."""
    ratio = WIRE_LATTICE / SUBSTRATE_LATTICE
    exact = Fraction(ratio).limit_denominator(MOST_COLUMNS)
    substrate_columns, wire_columns = exact.numerator, exact.denominator
    count = substrate_columns - wire_columns
    repeat = SUBSTRATE_LATTICE / np.sqrt(2)
    period = substrate_columns * repeat
    columns = np.round((np.arange(count) + 0.5) * substrate_columns / count)
    return Misfit(
        substrate_period=repeat,
        wire_period=period / wire_columns,
        array=DislocationArray(
            cores=columns * repeat,
            period=period,
            burgers=2 * period / (substrate_columns + wire_columns),
            poisson=POISSON,
        ),
    )


def build_nanowire(scan: Scan, *, wire_width: float, thickness: float) -> Truth:
    """Build :func:`~hyperspy_twin.data.mismatched_nanowire`: relaxed lattices, then displaced.

    Labels 0, 1, 2: vacuum, InSb, InP (the reference); the interface is at half the height. The
    strain is NaN within one Burgers vector of a dislocation, where elasticity ends.
    """
    require_positive(wire_width=wire_width, thickness=thickness)
    misfit = relax_misfit()
    left, right, top, bottom = scan.filled_box(thickness)
    centre = ANGSTROM_PER_NM * np.array([0.5, INTERFACE]) * scan.field
    half = ANGSTROM_PER_NM * wire_width / 2
    walls = max(left - centre[0], -half), min(right - centre[0], half)

    atoms, numbers = [], []
    for wire in (True, False):
        period = misfit.wire_period if wire else misfit.substrate_period
        spacing = period / np.sqrt(8)
        depth = centre[1] - top if wire else bottom - centre[1]
        # A few planes more, since the dislocations move the interface by less than a spacing.
        count = np.arange(np.ceil(depth / spacing) + 3)
        heights = (-1 if wire else 1) * (count + 0.5) * spacing
        indices = (count if wire else -1 - count).astype(int)
        positions, plane = stack_diamond_planes(
            heights, indices, period=period, x_range=walls, thickness=ANGSTROM_PER_NM * thickness
        )
        positions[:, :2] += displace_points(positions[:, :2], misfit.array) + centre
        atoms.append(positions)
        numbers.append(np.where(plane % 2, ANTIMONY if wire else PHOSPHORUS, INDIUM))

    x, y = np.broadcast_arrays(*scan.seen_points())
    points = np.column_stack([x.ravel(), y.ravel()]) - centre
    origin, gradient = undo_displacement(points, misfit.array)
    labels = np.where(origin[:, 1] < 0, 1, 2)
    labels[np.abs(origin[:, 0]) > half] = 0
    gradient[labels == 0] = np.nan
    gradient[_in_core(points, misfit.array)] = np.nan
    stretch = np.where(labels == 1, misfit.wire_period / misfit.substrate_period, 1.0)
    strain = _strain(gradient, stretch)
    return Truth(
        labels=labels.reshape(scan.shape),
        phases={1: "InSb", 2: "InP"},
        zone_axes=dict.fromkeys((1, 2), (1, 1, 0)),
        orientations=dict.fromkeys((1, 2), ORIENTATION_110.copy()),
        strain={name: values.reshape(scan.shape) for name, values in strain.items()},
        positions=np.concatenate(atoms),
        numbers=np.concatenate(numbers),
        reference=2,
    )


def _strain(gradient: np.ndarray, stretch: np.ndarray) -> dict[str, np.ndarray]:
    """Lagrangian strain of a lattice first stretched to its own size, then displaced."""
    x_x, x_y, y_x, y_y = gradient.T
    return {
        "e_xx": (1 + x_x) * stretch - 1,
        "e_yy": (1 + y_y) * stretch - 1,
        "e_xy": (x_y + y_x) * stretch / 2,
        "rotation": np.degrees((x_y - y_x) * stretch / 2),
    }


def _in_core(points: np.ndarray, array: DislocationArray) -> np.ndarray:
    along = (points[:, :1] - array.cores + array.period / 2) % array.period
    nearest = np.abs(along - array.period / 2).min(axis=1)
    return np.hypot(nearest, points[:, 1]) < array.burgers
