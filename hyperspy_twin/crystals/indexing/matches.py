"""One explanation of a set of spots, and the order of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.notation import phase_label

# Without a pixel size crystals of one type differ by how well the model of their intensities holds:
# so much of the score says nothing.
EQUAL_SCORE = 0.2


@dataclass(frozen=True, eq=False)
class Match:
    """One explanation of a set of spots.

    Attributes
    ----------
    crystal
        The crystal.
    zone_axis
        Lattice direction [uvw] along +z, into the screen.
    orientation
        Proper rotation M, shape (3, 3): image vector (x right, y down, z into the screen) = M @
        vector in the Cartesian frame of ``crystal.base``. A zeroth-order Laue zone repeats after
        half a turn, so that M and M turned by 180 degrees about z cannot be told apart; the one
        given turns the pattern's own x axis by -90 to +90 degrees.
    scale
        True over nominal length: the pixel size must be multiplied by it.
    scale_error
        Its relative standard error.
    distortion
        Symmetric matrix D of trace 2, shape (2, 2): nominal spot = scale * D @ (M @ g)[:2].
    hkl
        Signed Miller indices of each given spot, shape (n, 3); (0, 0, 0) if not explained.
    explained
        Part of the spots that is explained, weak ones counting less.
    residual
        Root mean square deviation of the explained spots relative to their length.
    forbidden
        Whether each given spot stands on a reflection that only double diffraction feeds, bool,
        shape (n,).
    score
        Natural logarithm of the evidence, see :func:`index_spots`.
    intensity_score
        The part of ``score`` that comes from intensities.
    probability
        Of this crystal and zone axis, against all others and none of them; NaN before
        :func:`hyperspy_twin.crystals.indexing.region_indexing.index_regions` weighs them.
    """

    crystal: Crystal
    zone_axis: tuple[int, int, int]
    orientation: np.ndarray
    scale: float
    scale_error: float
    distortion: np.ndarray
    hkl: np.ndarray
    explained: float
    residual: float
    forbidden: np.ndarray
    score: float
    intensity_score: float
    probability: float = float("nan")

    @property
    def phase(self) -> str:
        """Name of the crystal."""
        return self.crystal.name

    @property
    def label(self) -> str:
        """Crystal and zone axis, e.g. ``"Si [110]"``; four indices for a hexagonal cell."""
        return phase_label(self.crystal, self.zone_axis)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers that JSON can hold."""
        entry = {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in vars(self).items()
        }
        return {**entry, "crystal": self.crystal.to_json()}

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Match:
        """Match from what :meth:`to_dict` gave."""
        return cls(
            **{
                **entry,
                "crystal": Crystal.from_json(entry["crystal"]),
                "zone_axis": tuple(entry["zone_axis"]),
                "orientation": np.array(entry["orientation"], float),
                "distortion": np.array(entry["distortion"], float),
                "hkl": np.array(entry["hkl"], int).reshape(-1, 3),
                "forbidden": np.array(entry["forbidden"], bool),
            }
        )


def ranked(matches: Sequence[Match], order: Sequence[str], calibrated: bool) -> list[Match]:
    """Sort by falling score; what is equal to the best goes by the order of the candidates."""
    found = sorted(matches, key=lambda match: -match.score)
    margin = 0.0 if calibrated else EQUAL_SCORE
    equal = sum(match.score >= found[0].score - margin for match in found)
    place = {name: number for number, name in reversed(list(enumerate(order)))}
    return sorted(found[:equal], key=lambda match: place[match.phase]) + found[equal:]


def one_of_each(matches: list[Match]) -> list[Match]:
    """Keep the first explanation by each zone axis of each crystal, in their order."""
    found: dict[str, Match] = {}
    for match in matches:
        found.setdefault(match.label, match)
    return list(found.values())
