"""What is found: a place whose force nothing explains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suspect:
    """A place whose force neither composition nor the errors of positions explain.

    Attributes
    ----------
    x, y
        Its middle in Å.
    width, height
        Its extent along x and y in Å.
    significance
        In standard errors.
    displacement
        Displacement (x, y) in Å of the lines below against those above; NaN where the place is
        no line of the scan.
    is_line
        Whether it is a line of the scan.
    """

    x: float
    y: float
    width: float
    height: float
    significance: float
    displacement: tuple[float, float]
    is_line: bool
