"""An InSb segment on an InP segment of a nanowire, with misfit dislocations between."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hyperspy_twin.data.checks import require_positive
from hyperspy_twin.data.dislocations import displace, undo
from hyperspy_twin.data.known import Truth
from hyperspy_twin.data.lattice import ORIENTATION_110, fill_planes
from hyperspy_twin.simulation.scan import Scan

# Angstrom at 300 K (Vurgaftman, Meyer, Ram-Mohan, J. Appl. Phys. 89 (2001) 5815).
SUBSTRATE_LATTICE, WIRE_LATTICE = 5.8697, 6.4794
INDIUM, PHOSPHORUS, ANTIMONY = 49, 15, 51
# One Poisson's ratio for both halves: the mean of C12 / (C11 + C12) of InP and InSb.
POISSON = 0.355
INTERFACE = 0.5


@dataclass(frozen=True)
class Misfit:
    """The array of Lomer dislocations that lets both lattices relax.

    Attributes
    ----------
    substrate_period, wire_period
        Repeats a / sqrt(2) along x, Angstrom; the wire's is rounded by 2e-5 so that a whole
        number of both fills the array's period.
    cores
        x of the dislocations in one period, Angstrom, each on a column of the substrate.
    period
        Of the array, Angstrom.
    burgers
        Burgers vector a / 2 [1-10] of the coherent interface: harmonic mean of the repeats.
    """

    substrate_period: float
    wire_period: float
    cores: np.ndarray
    period: float
    burgers: float


def misfit_array() -> Misfit:
    """Place one dislocation wherever the two lattices are one column out of step.

    Returns
    -------
    Misfit
        The array.
    """
    ratio = WIRE_LATTICE / SUBSTRATE_LATTICE
    exact = Fraction(ratio).limit_denominator(100)
    substrate_columns, wire_columns = exact.numerator, exact.denominator
    count = substrate_columns - wire_columns
    repeat = SUBSTRATE_LATTICE / np.sqrt(2)
    period = substrate_columns * repeat
    columns = np.round((np.arange(count) + 0.5) * substrate_columns / count)
    return Misfit(
        substrate_period=repeat,
        wire_period=period / wire_columns,
        cores=columns * repeat,
        period=period,
        burgers=2 * period / (substrate_columns + wire_columns),
    )


def build(scan: Scan, *, wire_width: float, thickness: float) -> Truth:
    """Displace two relaxed zincblende lattices by the field of the dislocations between them.

    Parameters
    ----------
    scan
        The frame; the interface is at half its height.
    wire_width
        In nm; vacuum beside it. The side walls do not relax the field further.
    thickness
        Of the lamella along the beam, in nm, without the wire's roundness.

    Returns
    -------
    Truth
        Labels 0, 1, 2: vacuum, InSb, InP (the reference). The strain is NaN within one Burgers
        vector of a dislocation, where elasticity ends.

    Raises
    ------
    ValueError
        If a length is not positive.
    """
    require_positive(wire_width=wire_width, thickness=thickness)
    misfit = misfit_array()
    left, right, top, bottom = scan.filled_box(thickness)
    centre = np.array([5 * scan.field[0], 10 * INTERFACE * scan.field[1]])
    half = 5 * wire_width
    walls = max(left - centre[0], -half), min(right - centre[0], half)
    field = misfit.cores, misfit.period, misfit.burgers, POISSON

    atoms, numbers = [], []
    for wire in (True, False):
        period = misfit.wire_period if wire else misfit.substrate_period
        spacing = period / np.sqrt(8)
        depth = centre[1] - top if wire else bottom - centre[1]
        # A few planes more, since the dislocations move the interface by less than a spacing.
        count = np.arange(np.ceil(depth / spacing) + 3)
        heights = (-1 if wire else 1) * (count + 0.5) * spacing
        indices = (count if wire else -1 - count).astype(int)
        positions, plane = fill_planes(heights, indices, period, walls, 10 * thickness)
        positions[:, :2] += displace(positions[:, :2], *field) + centre
        atoms.append(positions)
        numbers.append(np.where(plane % 2, ANTIMONY if wire else PHOSPHORUS, INDIUM))

    x, y = np.broadcast_arrays(*scan.seen())
    points = np.column_stack([x.ravel(), y.ravel()]) - centre
    origin, gradient = undo(points, *field)
    labels = np.where(origin[:, 1] < 0, 1, 2)
    labels[np.abs(origin[:, 0]) > half] = 0
    gradient[labels == 0] = np.nan
    gradient[_in_core(points, misfit)] = np.nan
    stretch = np.where(labels == 1, misfit.wire_period / misfit.substrate_period, 1.0)
    return Truth(
        labels=labels.reshape(scan.shape),
        phases={1: "InSb", 2: "InP"},
        zone_axes=dict.fromkeys((1, 2), (1, 1, 0)),
        orientations=dict.fromkeys((1, 2), ORIENTATION_110.copy()),
        strain={
            name: component.reshape(scan.shape)
            for name, component in _strain(gradient, stretch).items()
        },
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


def _in_core(points: np.ndarray, misfit: Misfit) -> np.ndarray:
    along = (points[:, :1] - misfit.cores + misfit.period / 2) % misfit.period
    nearest = np.abs(along - misfit.period / 2).min(axis=1)
    return np.hypot(nearest, points[:, 1]) < misfit.burgers
