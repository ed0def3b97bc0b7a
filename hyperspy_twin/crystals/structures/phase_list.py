"""Several crystals, shown as a table."""

from __future__ import annotations

from typing import Any, SupportsIndex, overload

from hyperspy_twin.core import Crystal, html_table, text_table

_COLUMNS = ("name", "formula", "space group", "a, b, c (Å)", "α, β, γ (°)", "source")


class PhaseList(tuple[Crystal, ...]):
    """Tuple of crystals that prints as a table.

    It can be given to :meth:`~hyperspy_twin.IndexedFFT.index_phases` as it is, and each element
    is a :class:`~hyperspy_twin.core.Crystal`.

    Parameters
    ----------
    iterable
        The crystals.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex) -> Crystal: ...
    @overload
    def __getitem__(self, index: slice) -> PhaseList: ...
    def __getitem__(self, index: Any) -> Any:
        """Give one crystal, or a shorter list of them."""
        found = super().__getitem__(index)
        return PhaseList(found) if isinstance(index, slice) else found

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each phase."""
        return tuple(phase.name for phase in self)

    def __repr__(self) -> str:
        table = text_table(_COLUMNS, [_row(phase) for phase in self])
        return f"{table}\n{len(self)} phase{'' if len(self) == 1 else 's'}"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, [_row(phase) for phase in self])


def space_group_name(crystal: Crystal) -> str:
    """Hermann-Mauguin symbol as it is printed; empty where it is not known.

    Rhombohedral groups on hexagonal axes carry an H inside the package; their name is with R.
    """
    symbol = crystal.space_group or ""
    return "R" + symbol[1:] if symbol.startswith("H") else symbol


def _row(phase: Crystal) -> tuple[str, ...]:
    lengths = ", ".join(f"{value:.4f}" for value in phase.lattice[:3])
    angles = ", ".join(f"{value:.5g}" for value in phase.lattice[3:])
    symbol = space_group_name(phase)
    return (phase.name, phase.formula, symbol, lengths, angles, phase.source)
