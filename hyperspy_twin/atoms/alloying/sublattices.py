"""Which elements of a composition share which sites of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Columns of the periodic table whose elements replace each other on a sublattice of a
# semiconductor; other exchanges depend on the crystal and have to be named.
EXCHANGEABLE = (
    ("C", "Si", "Ge", "Sn"),
    ("B", "Al", "Ga", "In"),
    ("N", "P", "As", "Sb", "Bi"),
    ("Zn", "Cd", "Hg", "Mg"),
    ("S", "Se", "Te"),
)


@dataclass(frozen=True)
class Sublattice:
    """Sites that some elements share.

    Attributes
    ----------
    elements
        Symbols of the elements that share the sites.
    hosts
        Symbols of the elements on these sites in the model as it is.
    """

    elements: tuple[str, ...]
    hosts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Elements, as in ``"In/Ga"``."""
        return "/".join(self.elements)


@dataclass(frozen=True)
class Alloy:
    """Which sites of a model are mixed.

    Attributes
    ----------
    sublattices
        Elements that share sites.
    block
        Length in Å along layers over which the numbers of atoms are those expected: that of a
        pixel of the composition map.
    """

    sublattices: tuple[Sublattice, ...]
    block: float

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements of all sublattices, each once, in the order of their columns."""
        return tuple(dict.fromkeys(name for one in self.sublattices for name in one.elements))


def choose_sublattices(
    present: Sequence[str],
    measured: Sequence[str],
    given: Mapping[str, str | Sequence[str] | None] | None = None,
) -> tuple[Sublattice, ...]:
    """Choose the sublattice of each measured element.

    Parameters
    ----------
    present
        Elements of the model.
    measured
        Elements whose fractions are known.
    given
        Elements that share sites, as in ``{"La/Sr": "Sr"}``, each with the elements of the model
        whose sites they are; None where these are the elements named. By default measured elements
        of one column of the periodic table share the sites of those of them that the model has.

    Returns
    -------
    tuple of Sublattice
        Those that two or more elements share, or that get another element than they have.

    Raises
    ------
    ValueError
        If an element has no sublattice or two, the model has no such sites, or no element shares
        any.
    """
    groups: list[tuple[tuple[str, ...], str | Sequence[str] | None]]
    if given is None:
        groups = [
            (tuple(one for one in measured if one in column), None) for column in EXCHANGEABLE
        ]
        alone = [one for one in measured if not any(one in column for column in EXCHANGEABLE)]
        groups += [((one,), None) for one in alone]
    else:
        groups = [(tuple(name.split("/")), hosts) for name, hosts in given.items()]
    found = []
    for elements, hosts in groups:
        if not elements:
            continue
        _check_measured(elements, measured)
        known = (hosts,) if isinstance(hosts, str) else (hosts or elements)
        own = tuple(one for one in known if one in present)
        if not own:
            raise ValueError(
                f"the model has no sites for {'/'.join(elements)}: it holds "
                f"{', '.join(present)}; name the sites, as in sublattices="
                f"{{'{'/'.join(elements)}': '{present[0]}'}}"
            )
        found.append(Sublattice(elements, own))
    _check_once(found)
    found = [one for one in found if len(one.elements) > 1 or one.hosts != one.elements]
    if not found:
        raise ValueError(
            f"each of {', '.join(measured)} has sites of its own: name the elements that share "
            "sites, as in sublattices={'La/Sr': 'Sr'}"
        )
    return tuple(found)


def share_sites(
    sublattices: Sequence[Sublattice], measured: Sequence[str], fractions: np.ndarray
) -> list[np.ndarray]:
    """Divide measured fractions into those of each sublattice.

    Parameters
    ----------
    sublattices
        Sublattices.
    measured
        Symbols of the elements.
    fractions
        Atomic fraction of each, shape (elements, ...).

    Returns
    -------
    list of numpy.ndarray
        For each sublattice the fractions of its elements, which add up to 1; NaN where none of
        them was seen, shape (elements of the sublattice, ...).
    """
    found = []
    for one in sublattices:
        own = fractions[[list(measured).index(symbol) for symbol in one.elements]]
        total = own.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(np.where(total > 0, own / total, np.nan))
    return found


def _check_measured(elements: Sequence[str], measured: Sequence[str]) -> None:
    for one in elements:
        if one not in measured:
            raise ValueError(
                f"the composition has no map of {one}: it has {', '.join(measured)}; leave "
                f"{one} out of the sublattices, or measure it"
            )


def _check_once(sublattices: Sequence[Sublattice]) -> None:
    for kind, names in (
        ("element", [one for each in sublattices for one in each.elements]),
        ("site of", [one for each in sublattices for one in each.hosts]),
    ):
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"{kind} {', '.join(twice)} is on two sublattices: name it once")
