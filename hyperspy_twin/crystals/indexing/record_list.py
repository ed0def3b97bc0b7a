"""The records of all regions, shown as a table."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core.printed import html_table, text_table
from hyperspy_twin.crystals.indexing.records import RegionPhase, crystals_of

_COLUMNS = (
    "region",
    "phase",
    "tie with",
    "probability",
    "explained",
    "scale",
    "residual",
    "reason",
)


class RecordList(tuple[RegionPhase, ...]):
    """Tuple of the records of regions that prints as a table.

    A crystal beside others of its region has a line of its own.

    Parameters
    ----------
    iterable
        The records.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return text_table(_COLUMNS, _rows(self)) if self else "()"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, _rows(self))


def _rows(records: tuple[RegionPhase, ...]) -> list[tuple[str, ...]]:
    return [_row(one) for record in records for one in crystals_of(record)]


def _row(record: RegionPhase) -> tuple[str, ...]:
    if record.phase is None:
        return (str(record.region), "none", *[""] * 5, record.reason)
    best = record.ranking[0]
    return (
        str(record.region),
        best.label,
        ", ".join(record.ties),
        "" if np.isnan(record.probability) else f"{record.probability:.2f}",
        f"{best.explained:.0%}",
        f"{record.scale:.4g}",
        f"{record.residual:.2%}",
        record.reason,
    )
