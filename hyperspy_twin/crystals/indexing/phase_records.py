"""The records of all regions of an image, by region, shown as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hyperspy_twin.core import html_table, text_table
from hyperspy_twin.crystals.indexing.records import RegionPhase

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


class PhaseRecords:
    """Records of the regions of an image.

    ``records[3]`` is the record of region 3, ``3 in records`` tells whether it has one, and
    iteration gives all of them in the order of the regions. Prints as a table, with a line for
    each crystal of a region.

    Parameters
    ----------
    records
        One record for each region.
    """

    def __init__(self, records: Iterable[RegionPhase] = ()) -> None:
        ordered = sorted(records, key=lambda record: record.region)
        self._records = {record.region: record for record in ordered}

    def __iter__(self) -> Iterator[RegionPhase]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, region: object) -> bool:
        return region in self._records

    def __getitem__(self, region: int) -> RegionPhase:
        """Record of a region by its number."""
        try:
            return self._records[region]
        except (KeyError, TypeError):
            known = ", ".join(map(str, self._records)) or "none"
            raise KeyError(
                f"there is no record of region {region!r}: regions with one are {known}"
            ) from None

    def __repr__(self) -> str:
        return text_table(_COLUMNS, self._rows()) if self else "()"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [_row(one) for record in self for one in record.crystals]


def _row(record: RegionPhase) -> tuple[str, ...]:
    if record.match is None:
        return (str(record.region), "none", *[""] * 5, record.reason)
    return (
        str(record.region),
        record.match.label,
        ", ".join(record.ties),
        "" if np.isnan(record.probability) else f"{record.probability:.2f}",
        f"{record.match.explained:.0%}",
        f"{record.scale:.4g}",
        f"{record.residual:.2%}",
        record.reason,
    )
