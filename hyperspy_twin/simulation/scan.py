"""The scan: which point of the sample each pixel sees, and with how many electrons."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM

# nm. Atoms reach this far beyond the field of view, so that the image has no border: 2 / (pi u) of
# an Airy disc lies further out than u = 2 pi angle radius / wavelength, which is 0.8 % here at
# 20 mrad and 200 keV.
MARGIN = 1.5
# Root-mean-square displacements; one scan line in 1.7 million is displaced further.
LARGEST_JITTER = 5
# Displacement of a scan line along y over that along x, a choice.
JITTER_RATIO = 0.5
# nm. A larger jump leaves the filled border; a lattice repeats within less.
LARGEST_JUMP = 0.5
# mrad. Larger tilts are another zone axis: [001] and [013] of a cubic crystal are 322 mrad apart.
LARGEST_TILT = 200
# Pixels. What is smaller is a mistake rather than an image.
SMALLEST_SIDE = 16

# What a stream of random numbers is for.
SAMPLE = 0
SCAN_LINES = 1
ELECTRONS = 2


@dataclass(frozen=True)
class Scan:
    """One recorded frame.

    Attributes
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    dose
        Electrons per square Angstrom.
    scan_jitter
        Root-mean-square displacement of a scan line along x, in nm; half of it along y.
    jump
        Displacement (x, y) in nm of the points that a scan sees from one line on, as after a knock
        or a slip of the stage.
    jump_line
        The first line that is displaced.
    drift
        Displacement (x, y) of the sample during the frame, in nm.
    tilt
        Angles (x, y) in mrad by which the sample leans out of the beam direction.
    seed
        Of every random choice.
    """

    shape: tuple[int, int] = (1024, 1024)
    pixel_size: float = 0.036
    dose: float = 3e4
    scan_jitter: float = 0.003
    jump: tuple[float, float] = (0.0, 0.0)
    jump_line: int = 0
    drift: tuple[float, float] = (0.0, 0.0)
    tilt: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no microscope could record."""
        pair = isinstance(self.shape, tuple) and len(self.shape) == 2
        if not pair or not all(
            isinstance(n, numbers.Integral) and n >= SMALLEST_SIDE for n in self.shape
        ):
            raise ValueError(
                f"shape must be (rows, columns), each at least {SMALLEST_SIDE}, not {self.shape!r}."
            )
        require_positive(pixel_size=self.pixel_size, dose=self.dose)
        if not (np.isfinite(self.scan_jitter) and self.scan_jitter >= 0):
            raise ValueError(f"scan_jitter must be zero or positive, not {self.scan_jitter!r}.")
        for name in ("jump", "drift", "tilt"):
            pair = getattr(self, name)
            if np.shape(pair) != (2,) or not np.all(np.isfinite(pair)):
                raise ValueError(f"{name} must be two finite numbers (x, y), not {pair!r}.")
        if np.abs(self.drift).max() >= min(self.field) / 2:
            raise ValueError("drift must be smaller than half the field of view.")
        if np.abs(self.jump).max() > LARGEST_JUMP:
            raise ValueError(f"a jump must be within {LARGEST_JUMP} nm, not {self.jump!r}.")
        if not (
            isinstance(self.jump_line, numbers.Integral) and 0 <= self.jump_line < self.shape[0]
        ):
            raise ValueError(
                f"jump_line must be a line from 0 to {self.shape[0] - 1}, not {self.jump_line!r}."
            )
        if np.abs(self.tilt).max() > LARGEST_TILT:
            raise ValueError(
                f"tilt must be within {LARGEST_TILT} mrad; larger tilts are another zone axis."
            )
        if not isinstance(self.seed, numbers.Integral) or self.seed < 0:
            raise ValueError(f"seed must be a non-negative integer, not {self.seed!r}.")

    @property
    def field(self) -> tuple[float, float]:
        """Field of view (x, y) in nm."""
        return self.shape[1] * self.pixel_size, self.shape[0] * self.pixel_size

    def random(self, stream: int) -> np.random.Generator:
        """Random numbers of one purpose: ``SAMPLE``, ``SCAN_LINES`` or ``ELECTRONS``."""
        return np.random.default_rng([self.seed, stream])

    def filled_box(self, thickness: float) -> tuple[float, float, float, float]:
        """Extent the sample must fill so that it reaches beyond every border.

        Parameters
        ----------
        thickness
            Of the sample along the beam, in nm.

        Returns
        -------
        tuple of float
            Lowest x, highest x, lowest y, highest y in Angstrom.
        """
        lean = np.abs(self.tilt) * 1e-3 * thickness / 2
        reach = MARGIN + np.abs(self.drift) + lean + self.largest_offset
        low = -ANGSTROM_PER_NM * reach
        high = ANGSTROM_PER_NM * (np.array(self.field) + reach)
        return low[0], high[0], low[1], high[1]

    def seen_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Find the sample coordinates that each pixel sees under the drift, without the jitter.

        Returns
        -------
        tuple of numpy.ndarray
            x with shape (rows, columns) and y with shape (rows, 1), in Angstrom.
        """
        rows, columns = self.shape
        elapsed = np.arange(rows)[:, None] / rows
        x = np.arange(columns)[None, :] * self.pixel_size - self.drift[0] * elapsed
        y = np.arange(rows)[:, None] * self.pixel_size - self.drift[1] * elapsed
        return ANGSTROM_PER_NM * x, ANGSTROM_PER_NM * y

    def image_points(self, positions: np.ndarray) -> np.ndarray:
        """Find where atoms appear in the frame, under tilt and drift.

        The tilt is about the middle of the sample's depth. The drift is constant in time, and
        a line takes no time compared with the frame, so that it acts as an exact affine map.

        Parameters
        ----------
        positions
            Shape (n, 3), Angstrom.

        Returns
        -------
        numpy.ndarray
            x and y, shape (n, 2), in nm.
        """
        depth = positions[:, 2] / ANGSTROM_PER_NM
        middle = (depth.min() + depth.max()) / 2 if depth.size else 0.0
        lean = (depth - middle)[:, None] * np.array(self.tilt) * 1e-3
        points = positions[:, :2] / ANGSTROM_PER_NM + lean
        height = self.field[1]
        y = points[:, 1] / (1 - self.drift[1] / height)
        return np.column_stack([points[:, 0] + self.drift[0] * y / height, y])

    @property
    def largest_offset(self) -> float:
        """How far a scan line may be displaced, in nm."""
        return LARGEST_JITTER * self.scan_jitter + float(np.abs(self.jump).max())

    def line_offsets(self) -> np.ndarray:
        """Find the displacement (x, y) of each line by jitter and jump, shape (rows, 2), in nm."""
        spread = self.scan_jitter * np.array([1.0, JITTER_RATIO])
        jitter = self.random(SCAN_LINES).standard_normal((self.shape[0], 2)) * spread
        return jitter + (np.arange(self.shape[0]) >= self.jump_line)[:, None] * self.jump


def require_positive(**values: float) -> None:
    """Raise unless every value is a positive finite number.

    Parameters
    ----------
    **values
        Arguments by name.

    Raises
    ------
    ValueError
        Naming the first argument that is not.
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, not {value!r}.")
