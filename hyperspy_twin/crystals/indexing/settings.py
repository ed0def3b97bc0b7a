"""What a person knows or asks for when peaks are indexed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.crystals.diffraction import primitive_zone_axis
from hyperspy_twin.crystals.evidence import ScalePrior

# As often right to a percent as wrong by several: of nine files of known crystals three are right
# to half a percent, the others wrong by 3 to 8 %.
CALIBRATED = ScalePrior(0.0, 0.04, limit=0.01, doubt=0.5)
UNCALIBRATED = ScalePrior(0.0, np.inf)
# How often the error of a pixel size is larger than its user says: set on the tuning half of
# benchmarks/phases.py.
DOUBT = 0.001
LARGEST_TOLERANCE = 0.3  # beyond it a lattice is no longer recognised as the same
LARGEST_CALIBRATION_ERROR = 0.15  # a pixel size that is wrong by more is none


@dataclass(frozen=True)
class IndexingSettings:
    """How peaks are indexed.

    Attributes
    ----------
    tolerance
        Largest relative distortion of the image that is looked for.
    max_index
        Largest index of the zone axes that are tried; a single sheet (a cell with vacuum along c)
        is seen along its normal only.
    zone_axes
        Try these zone axes only.
    calibrated
        Whether the pixel size is known. It may still be wrong by 15 %, but that counts against
        an explanation. The unit of length is arbitrary where it is not known.
    calibration_error
        Largest relative error of the pixel size, where a person knows it. By default an image
        is as often right to a percent as wrong by several.
    scale_prior
        What is known of ln(true over nominal length), in place of both.
    pixel_size_error
        Relative standard error of the pixel size, where its calibration tells it: then the spacing
        of an alloy tells its composition.
    alloys_asked
        Whether alloys among the candidates were asked for. Otherwise they count only where the
        pixel size is known.
    twins
        Whether a crystal may be seen together with its twin.
    elements
        Chemical symbols of the sample, where they are known: a region that is none of the
        candidates is then thought to hold no others.

    Raises
    ------
    ValueError
        If a value is not possible.
    """

    tolerance: float = 0.05
    max_index: int = 3
    zone_axes: tuple[tuple[int, int, int], ...] | None = None
    calibrated: bool = True
    calibration_error: float | None = None
    scale_prior: ScalePrior | None = None
    pixel_size_error: float | None = None
    alloys_asked: bool = True
    twins: bool = True
    elements: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0 < self.tolerance < LARGEST_TOLERANCE:
            raise ValueError(
                "tolerance is a relative distortion between 0 and "
                f"{LARGEST_TOLERANCE}, not {self.tolerance}"
            )
        error = self.calibration_error
        if error is not None and not 0 < error < LARGEST_CALIBRATION_ERROR:
            raise ValueError(
                "calibration_error is a relative error of the pixel size, such as 0.01, "
                f"not {error}"
            )
        if self.zone_axes is not None:
            axes = tuple(primitive_zone_axis(axis) for axis in self.zone_axes)
            object.__setattr__(self, "zone_axes", axes)
        object.__setattr__(self, "elements", tuple(self.elements))

    @property
    def prior(self) -> ScalePrior:
        """What is known of ln(scale)."""
        if self.scale_prior is not None:
            return self.scale_prior
        if not self.calibrated:
            return UNCALIBRATED
        if self.calibration_error is None:
            return CALIBRATED
        return CALIBRATED._replace(limit=self.calibration_error, doubt=DOUBT)


USUAL = IndexingSettings()
