"""Groups of atoms, and densities of states of groups as signals of HyperSpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hyperspy.signals import Signal1D

from hyperspy_twin.core import ANGSTROM_PER_NM

# Bins along an axis where their number is not given.
BINS = 10


@dataclass(frozen=True)
class GroupChoice:
    """What the groups of a density follow.

    Attributes
    ----------
    along
        ``"x"`` or ``"y"``: bins of equal width along this axis of the image.
    bins
        Number of bins, 10 by default, or their edges in nm.
    by
        ``"region"`` or ``"element"``; together with an axis, each bin has its own.
    mask
        Atoms that count, boolean, shape (n,); by default all.
    """

    along: str | None = None
    bins: int | Sequence[float] | None = None
    by: str | None = None
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuse what names no groups."""
        if self.bins is not None and self.along is None:
            raise ValueError("bins= needs along='x' or along='y'")
        if self.along not in (None, "x", "y"):
            raise ValueError(f"along is 'x' or 'y', not {self.along!r}")
        if self.by not in (None, "region", "element"):
            raise ValueError(f"by is 'region' or 'element', not {self.by!r}")


@dataclass(frozen=True, eq=False)
class GroupAxis:
    """One navigation axis of groups.

    Attributes
    ----------
    name
        ``x``, ``y``, ``region`` or ``element``.
    places
        Middle of each bin, number of each region, or place of each element in the list of names.
    unit
        Of the places.
    names
        Of elements.
    """

    name: str
    places: np.ndarray
    unit: str = ""
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Give the number of places."""
        return len(self.places)


@dataclass(frozen=True, eq=False)
class AtomGroups:
    """Groups of atoms whose densities are found apart.

    Attributes
    ----------
    labels
        Group of each atom from 0 on, or -1 for atoms of none, int32, shape (n,).
    axes
        What the groups follow, of which the last runs fastest; none for one group.
    """

    labels: np.ndarray
    axes: tuple[GroupAxis, ...] = ()

    def __len__(self) -> int:
        """Give the number of groups."""
        return int(np.prod(self.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of places along each axis."""
        return tuple(map(len, self.axes))

    @property
    def atoms(self) -> np.ndarray:
        """Number of atoms of each group, shape (groups,)."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self))


def groups_of_atoms(
    positions: np.ndarray, region: np.ndarray, numbers: np.ndarray, choice: GroupChoice
) -> AtomGroups:
    """Sort the atoms of a model into groups.

    Parameters
    ----------
    positions, region, numbers
        Of the atoms, in Å, shapes (n, 3), (n,) and (n,).
    choice
        What the groups follow.

    Raises
    ------
    ValueError
        If the bins or the mask fit no atoms, or no atom is in a group.
    """
    groups = AtomGroups(np.zeros(len(positions), np.int32))
    if choice.by is not None:
        groups = _divide(groups, *_classes(region if choice.by == "region" else numbers, choice.by))
    if choice.along is not None:
        bins = BINS if choice.bins is None else choice.bins
        groups = _divide(groups, *_bins_along(positions, choice.along, bins))
    if choice.mask is not None:
        chosen = np.asarray(choice.mask)
        if chosen.shape != (len(positions),) or chosen.dtype != bool:
            raise ValueError(
                f"mask tells of each of the {len(positions)} atoms whether it counts: a boolean "
                f"array, not {chosen.dtype} of shape {chosen.shape}"
            )
        groups = AtomGroups(np.where(chosen, groups.labels, np.int32(-1)), groups.axes)
    if not (groups.labels >= 0).any():
        raise ValueError("no atom of the model is in a group: change bins= or mask=")
    return groups


def _divide(groups: AtomGroups, labels: np.ndarray, axis: GroupAxis) -> AtomGroups:
    """Divide each group by what follows one more axis."""
    inside = (groups.labels >= 0) & (labels >= 0)
    both = np.where(inside, groups.labels * len(axis) + labels, -1)
    return AtomGroups(both.astype(np.int32), (*groups.axes, axis))


def _bins_along(
    positions: np.ndarray, along: str, bins: int | Sequence[float]
) -> tuple[np.ndarray, GroupAxis]:
    places = positions[:, "xy".index(along)] / ANGSTROM_PER_NM
    if np.ndim(bins) == 0:
        number = int(bins)  # type: ignore[arg-type]
        if number < 1 or number != bins:
            raise ValueError(f"bins is a number of bins above zero, not {bins}")
        edges = np.linspace(places.min(), places.max(), number + 1)
    else:
        edges = np.asarray(bins, float)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("edges of bins are at least two lengths in nm that rise")
    labels = np.searchsorted(edges, places, side="right") - 1
    labels[places == edges[-1]] = len(edges) - 2
    labels[labels > len(edges) - 2] = -1
    return labels, GroupAxis(along, (edges[1:] + edges[:-1]) / 2, "nm")


def _classes(values: np.ndarray, by: str) -> tuple[np.ndarray, GroupAxis]:
    from ase.data import chemical_symbols

    present, labels = np.unique(values, return_inverse=True)
    if by == "region":
        return labels, GroupAxis(by, present.astype(float))
    names = tuple(chemical_symbols[one] for one in present)
    return labels, GroupAxis(by, np.arange(len(present), dtype=float), names=names)


def density_signal(
    values: np.ndarray,
    variance: np.ndarray,
    energies: np.ndarray,
    *,
    unit: str,
    groups: AtomGroups,
    title: str,
    details: Mapping[str, Any],
) -> Signal1D:
    """Signal of densities of states for each atom, with their variance.

    Parameters
    ----------
    values, variance
        Densities of the groups and their variance, per unit of energy, shape (groups, m).
    energies
        Rising, shape (m,).
    unit
        Of the energies.
    groups
        What the rows belong to; one group has no navigation axis. The density of a group without
        atoms is NaN.
    title
        Of the signal.
    details
        Kept in ``metadata.Density``, beside the number of atoms and the names of the groups.
    """
    atoms = np.where(groups.atoms > 0, groups.atoms, np.nan)[:, None]
    values, variance = values / atoms, variance / atoms**2
    axes = [_axis(one.name, one.places, one.unit, True) for one in groups.axes]
    axes.append(_axis("Energy", energies, unit, False))
    shape = (*groups.shape, len(energies))
    values, variance = values.reshape(shape), variance.reshape(shape)
    node = {**details, "atoms": groups.atoms.reshape(groups.shape or 1).tolist()}
    names = [list(one.names) for one in groups.axes if one.names]
    if names:
        node["names"] = names[0]
    signal = Signal1D(
        values,
        axes=axes,
        metadata={
            "General": {"title": title},
            "Signal": {"quantity": f"Density of states (1/{unit}/atom)"},
            "Density": node,
        },
    )
    signal.metadata.set_item("Signal.Noise_properties.variance", Signal1D(variance, axes=axes))
    return signal


def _axis(name: str, places: np.ndarray, unit: str, navigate: bool) -> dict[str, Any]:
    """Axis of even steps where there are such, and else one that lists its places."""
    step = float(places[1] - places[0]) if len(places) > 1 else 1.0
    axis: dict[str, Any] = {"name": name, "units": unit, "navigate": navigate}
    even = places[0] + step * np.arange(len(places))
    if np.allclose(places, even, rtol=0, atol=1e-9 * max(abs(step), np.abs(places).max())):
        return {**axis, "size": len(places), "scale": step, "offset": float(places[0])}
    return {**axis, "axis": np.asarray(places, float)}
