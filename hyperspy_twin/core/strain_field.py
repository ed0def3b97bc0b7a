"""Strain and displacement of an image, whoever measured or computed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Definition = Literal["lagrangian", "eulerian"]


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """Noise behind the strain of each region: what errors of other directions and of means need.

    The error of the displacement is white noise n(r) that the window averages, with
    <n_i(r) n_j(r')> = white_ij delta(r - r'), and noise l(y) that all pixels of a scan line share,
    with <l_i(y) l_j(y')> = lines_ij delta(y - y').

    Attributes
    ----------
    region
        Number of each region, shape (n,).
    white
        Shape (n, 2, 2), in the fourth power of the unit of the grid.
    lines
        Shape (n, 2, 2), in its third power.
    """

    region: np.ndarray
    white: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True, eq=False)
class PhaseInvariants:
    """Phases of the lattice of each region that no displacement changes.

    The phase of a reflection less those of two others, as often as these make up its vector.

    Attributes
    ----------
    region
        Number of each region, shape (n,).
    phase
        In degrees, shape (n, m); NaN where a reflection is absent.
    error
        Standard errors, from the spread over the region, shape (n, m).
    """

    region: np.ndarray
    phase: np.ndarray
    error: np.ndarray

    def compare(self, first: int, second: int) -> tuple[float, float]:
        """Difference of the phases of two regions with its standard error, in degrees.

        Of several the largest in units of its error; NaN where there is none to compare.
        """
        rows = [np.flatnonzero(self.region == number) for number in (first, second)]
        if not all(len(row) for row in rows):
            return np.nan, np.nan
        one, other = (int(row[0]) for row in rows)
        difference = self.phase[other] - self.phase[one]
        difference = difference - 360.0 * np.rint(difference / 360.0)
        error = np.hypot(self.error[one], self.error[other])
        known = np.isfinite(difference) & (error > 0.0)
        if not known.any():
            return np.nan, np.nan
        best = np.flatnonzero(known)[np.argmax(np.abs(difference[known]) / error[known])]
        return float(difference[best]), float(error[best])


@dataclass(frozen=True)
class StrainField:
    """Strain of an image relative to its reference, NaN where the lattice is absent.

    Attributes
    ----------
    e_xx, e_yy, e_xy
        Components of the strain in the image frame (x right, y down), shape (rows, columns).
    rotation
        Rotation of the lattice in degrees, positive counter-clockwise as seen on the screen.
    u_x, u_y
        Displacement from the reference lattice in the unit of the grid, zero mean in the
        reference. It is defined up to a lattice vector for pieces that do not touch. None where it
        was not asked for.
    sigma_xx, sigma_yy, sigma_xy
        Standard error of each strain in each pixel, from the noise and the jitter of scan lines
        (rows) that the image shows around the reflections. Errors of pixels closer than about two
        resolutions are correlated. The blur of the window and distortion that is smooth over many
        rows are not included, nor what other reflections leave in windows that an outline cuts:
        within one resolution of it about 1e-3 at a resolution of one lattice spacing, 2e-4 at one
        and a half.
    sigma_rotation
        Standard error of the rotation, in degrees.
    vectors
        Reciprocal vectors (x, y) of the reference lattice, refined, shape (k, 2).
    amplitudes
        Amplitude of each lattice wave in the reference, half that of the fringe, shape (k,).
    resolution
        Standard deviation of the Gaussian window in real space, in the unit of the grid.
    definition
        ``"lagrangian"`` or ``"eulerian"``.
    noise
        Noise behind the errors; None where it is not known.
    cuts
        Lines across which the displacement jumps by a lattice vector, as it must around a
        dislocation: segments (x_1, y_1, x_2, y_2) in the unit of the grid, shape (n, 4) for each.
    disagreeing
        Pixels inside regions in which the reflections show no common strain, boolean, shape
        (rows, columns); None where they all do.
    invariants
        Phases of the regions by which their structures can be compared; None with two reflections.
    """

    e_xx: np.ndarray
    e_yy: np.ndarray
    e_xy: np.ndarray
    rotation: np.ndarray
    u_x: np.ndarray | None
    u_y: np.ndarray | None
    sigma_xx: np.ndarray
    sigma_yy: np.ndarray
    sigma_xy: np.ndarray
    sigma_rotation: np.ndarray
    vectors: np.ndarray
    amplitudes: np.ndarray
    resolution: float
    definition: Definition
    noise: GradientNoise | None = None
    cuts: tuple[np.ndarray, ...] = ()
    disagreeing: np.ndarray | None = None
    invariants: PhaseInvariants | None = None

    @property
    def displacement(self) -> np.ndarray:
        """Displacement (u_x, u_y), shape (2, rows, columns)."""
        if self.u_x is None or self.u_y is None:
            raise ValueError("the displacement was not asked for: measure it with the strain")
        return np.stack([np.asarray(self.u_x), np.asarray(self.u_y)])

    @property
    def sigma(self) -> np.ndarray:
        """Root mean square of the standard errors of e_xx and e_yy, shape (rows, columns)."""
        return np.sqrt((self.sigma_xx**2 + self.sigma_yy**2) / 2.0)

    @property
    def cut_length(self) -> float:
        """Length of all cuts of the displacement, in the unit of the grid."""
        return float(sum(np.hypot(*(cut[:, 2:] - cut[:, :2]).T).sum() for cut in self.cuts))

    def stack(self, names: Sequence[str]) -> np.ndarray:
        """Components along a new first axis, float32: as they lie in memory, where they do so."""
        maps = [getattr(self, name) for name in names]
        whole = getattr(maps[0], "base", None)
        if isinstance(whole, np.ndarray) and whole.dtype == np.float32:
            place = [one.__array_interface__["data"][0] for one in maps]
            if whole.shape == (len(maps), *maps[0].shape) and place == [
                part.__array_interface__["data"][0] for part in whole
            ]:
                return whole
        return np.stack(maps).astype(np.float32)
