"""Groups of reflections for Bragg filtering: which an image can tell apart, and how finely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.strain.plan import DEFAULT_SEPARATION, NEAREST_NEIGHBOUR, WEAK

# Resolution times the distance to a reflection of another group, of whose wave the mask then
# lets 0.7 % through: exp(-2 pi^2 0.5^2).
TOLD_APART = 0.5
# The resolution is widened by at most this factor to tell groups apart: from one and a half to six
# lattice spacings. A window that is wider tells little of where a crystal ends; set by judgement.
WIDEST = 4.0
# Fraction of the intensity of the reflections that can be told apart at all, for which the
# resolution is widened: the strong reflections count, and not the weak ones of high order alone.
MOST = 0.5


@dataclass(frozen=True, eq=False)
class Reflections:
    """Reflections that an image shows, each of one crystal and in one group or none.

    Attributes
    ----------
    position
        Reciprocal vectors (x, y), shape (n, 2), one of each Friedel pair.
    intensity
        Squared amplitudes of the fringes, shape (n,).
    crystal
        Number of the crystal of each, shape (n,).
    group
        Index of the group in ``names``, -1 in none, shape (n,).
    names
        Names of the groups.
    """

    position: np.ndarray
    intensity: np.ndarray
    crystal: np.ndarray
    group: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FilterGroup:
    """Reflections that one filter lets through.

    Attributes
    ----------
    names
        Its name; several where the image does not tell them apart.
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    left_out
        How many more reflections it has in common with another group.
    is_mixed
        Whether all its reflections are another group's too, so that none was left out.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    left_out: int
    is_mixed: bool

    @property
    def name(self) -> str:
        """All its names, joined by commas."""
        return ", ".join(self.names)


def plan_groups(
    reflections: Reflections, *, resolution: float | None = None
) -> tuple[list[FilterGroup], float]:
    """Choose the resolution, and leave out the reflections that groups have in common.

    Two reflections are told apart where they are more than 0.5 / resolution from each other. Groups
    that share all reflections become one. A group of which some are another's keeps the others.

    Parameters
    ----------
    reflections
        All that the image shows.
    resolution
        Standard deviation of the window in real space. By default one and a half of the spacings
        that separate the reflections of a crystal, and up to four times as much where that tells
        more groups apart.

    Returns
    -------
    list of FilterGroup
        The groups.
    float
        The resolution.

    Raises
    ------
    ValueError
        If there is no reflection in any group, or the resolution is no positive length.
    """
    if resolution is not None and not (np.isfinite(resolution) and resolution > 0.0):
        raise ValueError(f"the resolution must be a positive length, not {resolution}")
    names = [name for i, name in enumerate(reflections.names) if (reflections.group == i).any()]
    if not names:
        raise ValueError("there is no reflection to filter by: find peaks first")
    distance = _distances(reflections.position)
    members = [
        np.flatnonzero(reflections.group == i)
        for i in range(len(reflections.names))
        if (reflections.group == i).any()
    ]
    if resolution is None:
        resolution = _choose_resolution(reflections, members, distance)
    limit = TOLD_APART / resolution
    joined = _join_equal(members, distance, limit)
    whole = [np.concatenate([members[i] for i in one]) for one in joined]
    found = []
    for index, own in enumerate(whole):
        others = np.concatenate([np.zeros(0, int), *whole[:index], *whole[index + 1 :]])
        shared = distance[np.ix_(own, others)].min(axis=1, initial=np.inf) < limit
        mixed = bool(shared.all())
        found.append(
            FilterGroup(
                tuple(names[i] for i in joined[index]),
                reflections.position[own if mixed else own[~shared]],
                0 if mixed else int(np.count_nonzero(shared)),
                mixed,
            )
        )
    return found, float(resolution)


def _choose_resolution(
    reflections: Reflections, members: list[np.ndarray], distance: np.ndarray
) -> float:
    """Window that separates the reflections of each crystal, and groups if it can."""
    position, intensity = reflections.position, reflections.intensity
    length = np.linalg.norm(position, axis=1)
    used = np.concatenate(members)
    nearest = 2.0 * length[used].min()
    for crystal in np.unique(reflections.crystal[used]):
        own = np.flatnonzero(reflections.crystal == crystal)
        strong = own[intensity[own] > WEAK * intensity[own].max()]
        chosen = own[reflections.group[own] >= 0]
        # The centre, and every opposite, is a reflection too.
        apart = np.concatenate([distance[np.ix_(chosen, strong)].ravel(), length[chosen]])
        apart = apart[apart > NEAREST_NEIGHBOUR * length[own].min()]
        nearest = min(nearest, float(apart.min(initial=np.inf)))
    resolution = DEFAULT_SEPARATION / nearest
    widest = WIDEST * resolution
    for first in members:
        strong = first[intensity[first] > WEAK * intensity[first].max()]
        for second in members:
            if first is not second:
                apart = distance[np.ix_(strong, second)].min(axis=1)
                needed = _needed_resolution(apart, intensity[strong], widest)
                resolution = max(resolution, needed)
    return resolution


def _needed_resolution(distance: np.ndarray, intensity: np.ndarray, widest: float) -> float:
    """Least resolution that tells reflections apart which carry half of the intensity.

    That of those which the widest window tells apart; 0 where it tells none.
    """
    possible = distance >= TOLD_APART / widest
    distance, intensity = distance[possible], intensity[possible]
    if not len(distance):
        return 0.0
    order = np.argsort(-distance)
    carried = np.cumsum(intensity[order]) / intensity.sum()
    return float(TOLD_APART / distance[order][np.searchsorted(carried, MOST)])


def _join_equal(members: list[np.ndarray], distance: np.ndarray, limit: float) -> list[list[int]]:
    """Find groups that have all their reflections in common."""
    joined: list[list[int]] = []
    for index, own in enumerate(members):
        for group in joined:
            other = members[group[0]]
            both = _isolation(distance, own, other), _isolation(distance, other, own)
            if max(both) < limit:
                group.append(index)
                break
        else:
            joined.append([index])
    return joined


def _isolation(distance: np.ndarray, own: np.ndarray, others: np.ndarray) -> float:
    """Largest distance of a reflection of a group from the nearest of another group."""
    return float(distance[np.ix_(own, others)].min(axis=1).max())


def _distances(position: np.ndarray) -> np.ndarray:
    """Distances of reflections from each other or their opposites, shape (n, n)."""
    minus, plus = (
        np.linalg.norm(position[:, None] + sign * position[None], axis=2) for sign in (-1, 1)
    )
    return np.minimum(minus, plus)
