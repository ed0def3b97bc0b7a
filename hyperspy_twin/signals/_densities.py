"""Groups of atoms, and densities of states of groups as signals of HyperSpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import Signal1D

from hyperspy_twin.core import ANGSTROM_PER_NM

if TYPE_CHECKING:
    from hyperspy_twin.signals.atomic_model import AtomicModel

# Bins along an axis where their number is not given.
BINS = 10


@dataclass(frozen=True, eq=False)
class AtomGroups:
    """Groups of atoms whose densities are found apart.

    Attributes
    ----------
    labels
        Group of each atom from 0 on, or -1 for atoms of none, int32, shape (n,).
    name
        What the groups follow: ``x``, ``y``, ``region``, ``element``, or nothing for one group.
    places
        Coordinate of each group on the navigation axis: middle of a bin, number of a region, or
        its number in the list of names.
    unit
        Of the places.
    names
        Of elements.
    """

    labels: np.ndarray
    name: str
    places: np.ndarray
    unit: str = ""
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Give the number of groups."""
        return len(self.places)

    @property
    def atoms(self) -> np.ndarray:
        """Number of atoms of each group, shape (groups,)."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self))


def groups_of_atoms(
    model: AtomicModel,
    along: str | None = None,
    bins: int | Sequence[float] | None = None,
    by: str | None = None,
    mask: np.ndarray | None = None,
) -> AtomGroups:
    """Sort the atoms of a model into groups.

    Parameters
    ----------
    model
        The model.
    along
        ``"x"`` or ``"y"``: bins of equal width along this axis of the image.
    bins
        Number of bins, 10 by default, or their edges in nm.
    by
        ``"region"`` or ``"element"``, instead of an axis.
    mask
        Atoms that count, boolean, shape (n,); by default all.

    Raises
    ------
    ValueError
        If the choice is none of these, the mask fits no atoms, or no atom is in a group.
    """
    count = len(model.positions)
    if along is not None and by is not None:
        raise ValueError("give along= or by=, not both")
    if bins is not None and along is None:
        raise ValueError("bins= needs along='x' or along='y'")
    if along is not None:
        groups = _bins_along(model, along, BINS if bins is None else bins)
    elif by is not None:
        groups = _classes(model, by)
    else:
        groups = AtomGroups(np.zeros(count, np.int32), "", np.zeros(1))
    if mask is not None:
        chosen = np.asarray(mask)
        if chosen.shape != (count,) or chosen.dtype != bool:
            raise ValueError(
                f"mask tells of each of the {count} atoms whether it counts: a boolean array, not "
                f"{chosen.dtype} of shape {chosen.shape}"
            )
        labels = np.where(chosen, groups.labels, np.int32(-1))
        groups = AtomGroups(labels, groups.name, groups.places, groups.unit, groups.names)
    if not (groups.labels >= 0).any():
        raise ValueError("no atom of the model is in a group: change bins= or mask=")
    return groups


def _bins_along(model: AtomicModel, along: str, bins: int | Sequence[float]) -> AtomGroups:
    if along not in ("x", "y"):
        raise ValueError(f"along is 'x' or 'y', not {along!r}")
    places = model.positions[:, "xy".index(along)] / ANGSTROM_PER_NM
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
    middle = (edges[1:] + edges[:-1]) / 2
    return AtomGroups(labels.astype(np.int32), along, middle, "nm")


def _classes(model: AtomicModel, by: str) -> AtomGroups:
    from ase.data import chemical_symbols

    if by not in ("region", "element"):
        raise ValueError(f"by is 'region' or 'element', not {by!r}")
    values = model.region if by == "region" else model.numbers
    present, labels = np.unique(values, return_inverse=True)
    labels = labels.astype(np.int32)
    if by == "region":
        return AtomGroups(labels, by, present.astype(float))
    names = tuple(chemical_symbols[one] for one in present)
    return AtomGroups(labels, by, np.arange(len(present), dtype=float), names=names)


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
    axes = [_axis("Energy", energies, unit, False)]
    if groups.name:
        axes.insert(0, _axis(groups.name, groups.places, groups.unit, True))
    else:
        values, variance = values[0], variance[0]
    node = {**details, "atoms": groups.atoms.tolist()}
    if groups.names:
        node["names"] = list(groups.names)
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
