"""The likely cause of a force that nothing explains, from what else is known of its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.properties.force_check.suspects import Suspect

# Standard deviations of the window of the strain map within which something is near.
NEAR = 6.5
# Times the usual error of the strain from which a place is noisy.
NOISY = 2.0
PM_PER_ANGSTROM = 100.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the places of a model, beside its forces.

    Attributes
    ----------
    points
        Atoms (x, y) in Å, shape (n, 2).
    region
        Region of each atom, shape (n,).
    whole
        Whether an atom has all its bonds, boolean, shape (n,).
    error
        Error of each atom's strain, or of its position, in any unit, shape (n,).
    resolution
        Standard deviation of the window of the strain map in Å.
    dislocations
        Their positions (x, y) in Å, shape (m, 2).
    fly_back
        The x in Å up to which fly-back distorts the image; minus infinity where it does not.
    drifts
        Whether the drift of the scan changes.
    """

    points: np.ndarray
    region: np.ndarray
    whole: np.ndarray
    error: np.ndarray
    resolution: float
    dislocations: np.ndarray
    fly_back: float
    drifts: bool


def name_cause(one: Suspect, known: Evidence) -> str:
    """Name the likely cause of a suspect place."""
    if one.is_line:
        axis = int(abs(one.displacement[1]) > abs(one.displacement[0]))
        size = PM_PER_ANGSTROM * one.displacement[axis]
        also = ", or drift that changes" if known.drifts else ""
        return f"scan: jump of {size:+.2g} pm along {'xy'[axis]}{also}"
    place, half = np.array([one.x, one.y]), np.array([one.width, one.height]) / 2
    reach = half + NEAR * known.resolution
    if (np.abs(known.dislocations - place) <= reach).all(axis=1).any():
        return "dislocation"
    if one.x - half[0] <= known.fly_back:
        return "fly-back of the scan"
    here = (np.abs(known.points - place) <= half).all(axis=1)
    near = (np.abs(known.points - place) <= reach).all(axis=1)
    low, high = known.points.min(axis=0), known.points.max(axis=0)
    at_border = ((place - reach <= low) | (place + reach >= high)).any()
    if near.any() and not at_border and not known.whole[near].all():
        return "missing bonds"
    usual = np.nanmedian(known.error)
    if here.any() and np.nanmean(known.error[here]) > NOISY * usual:
        return f"noise: the error there is {np.nanmean(known.error[here]) / usual:.2g} times usual"
    regions = np.unique(known.region[near])
    if len(regions) > 1:
        return "outline of regions " + " and ".join(map(str, regions))
    if at_border:
        return "border of the model"
    return "unknown: the image is distorted, or the strain is not in equilibrium"
