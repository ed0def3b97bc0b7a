"""A series of images, each compared with the same lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from hyperspy_twin.core import Definition, Grid, StrainField
from hyperspy_twin.strain.artefacts import describe_holes, without_errors
from hyperspy_twin.strain.comparison.drift import find_drift, slow_contrast
from hyperspy_twin.strain.gpa import geometric_phase_analysis
from hyperspy_twin.strain.plan import Plan


@dataclass(frozen=True, eq=False)
class SeriesAnalysis:
    """What all images of a series have in common.

    Attributes
    ----------
    plan
        Of the analysis of the image that was indexed.
    grid
        Pixel grid.
    vectors
        Reciprocal vectors (x, y) of the lattice whose strain is zero, shape (k, 2).
    definition
        Of the strain.
    contrast, coarse
        Slow contrast of the image that was indexed, and its grid, for the drift.
    """

    plan: Plan
    grid: Grid
    vectors: np.ndarray
    definition: Definition
    contrast: np.ndarray
    coarse: Grid


@dataclass(frozen=True, eq=False)
class Frame:
    """Strain of one image of a series.

    Attributes
    ----------
    field
        The strain.
    drift
        Shift (x, y) of the image against that which was indexed, in the unit of the grid, as far
        as its slow contrast tells; None where it does not.
    holes
        Why the errors are not known; None where they are.
    """

    field: StrainField
    drift: tuple[float, float] | None
    holes: str | None

    def exceeds(self, resolution: float) -> bool:
        """Whether the drift is larger than the resolution, so that outlines no longer fit."""
        return self.drift is not None and float(np.hypot(*self.drift)) > resolution


def prepare_series(
    image: np.ndarray, grid: Grid, plan: Plan, vectors: np.ndarray, definition: Definition
) -> SeriesAnalysis:
    """Prepare the analysis of a series by that of one image.

    Parameters
    ----------
    image
        The image that was indexed, shape (rows, columns).
    grid
        Its pixel grid.
    plan
        Of its analysis.
    vectors
        Reciprocal vectors (x, y) of its reference, refined, shape (k, 2).
    definition
        Of the strain.
    """
    contrast, coarse = slow_contrast(image, grid, plan.resolution)
    return SeriesAnalysis(plan, grid, vectors, definition, contrast, coarse)


def analyse_frame(image: np.ndarray, empty: np.ndarray, series: SeriesAnalysis) -> Frame:
    """Strain of one image against the lattice of the series.

    Outlines, reflections and window are those of the image that was indexed. The displacement has
    zero mean in the reference, so that a drift is not in it.

    Parameters
    ----------
    image
        Finite image, shape (rows, columns).
    empty
        Pixels without an image, boolean, shape (rows, columns).
    series
        What all images have in common.

    Raises
    ------
    ValueError
        If the reference does not show the lattice in this image, within the mask.
    """
    plan = series.plan
    field = geometric_phase_analysis(
        image,
        series.grid,
        series.vectors,
        resolution=plan.resolution,
        reference=plan.reference_mask & ~empty,
        labels=np.where(empty, 0, plan.labels),
        definition=series.definition,
        required=min(plan.required, len(series.vectors)),
        others=plan.others,
        fixed=True,
    )
    holes = describe_holes(scipy.fft.fftshift(scipy.fft.fft2(image)))
    contrast, coarse = slow_contrast(image, series.grid, plan.resolution)
    drift = find_drift(series.contrast, contrast, coarse, plan.resolution)
    return Frame(field if holes is None else without_errors(field), drift, holes)
