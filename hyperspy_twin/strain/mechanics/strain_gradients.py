"""Gradients of measured strain in one region: smoothed, with their errors.

A polynomial is fitted to the strain around each pixel, weighted with a Gaussian and by the pixels
of the region alone, so that nothing beyond its outline enters. Pixels near the outline are left
out: the windows of the strain are one-sided there, so that it is that of a place further inside,
and its gradient too small. The errors are those of drawn noise: white noise of the displacement,
and that of scan lines, is taken through the window of the strain and through the same fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import correlate1d, distance_transform_edt, map_coordinates

from hyperspy_twin.strain.lattice_waves import longest_spacing
from hyperspy_twin.strain.mechanics.deformation import frame_axes
from hyperspy_twin.strain.mechanics.measured_strain import MeasuredStrain

# Resolutions from the outline, beyond a spacing of the lattice, within which pixels are left out:
# there the slope of a one-sided window is wrong by d^3 exp(-d^2 / 2) / sqrt(2 pi), at four by 1 %.
RIM = 4.0
# Standard deviations at which a Gaussian weight is cut: it is 3e-4 of its largest there.
CUT = 4.0
# Nodes in a standard deviation of the strain's window on which noise is drawn: its spectrum has
# fallen to exp(-2 pi^2) where the nodes end.
NODES = 2.0
# Fields of noise that are drawn: their standard deviation is known to 1 / sqrt(2 n), 4 %.
DRAWS = 300
# A fit whose normal matrix, in units of the width, has a smaller ratio of eigenvalues is withheld:
# half of a Gaussian has 1e-2 for a plane and 1e-4 for a second order.
WORST_CONDITION = 1e-6
ORDERS = (1, 2)


@dataclass(frozen=True)
class Smoothing:
    """How a strain is smoothed before its gradient is taken.

    Attributes
    ----------
    width
        Standard deviation of the Gaussian weight, in the unit of the image.
    order
        Of the polynomial: 1 or 2.
    """

    width: float
    order: int = 1

    def __post_init__(self) -> None:
        if not (np.isfinite(self.width) and self.width > 0.0):
            raise ValueError(f"the width of the smoothing is a positive length, not {self.width}")
        if self.order not in ORDERS:
            raise ValueError(f"the order of the smoothing is 1 or 2, not {self.order}")


def find_rim(resolution: float, vectors: np.ndarray) -> float:
    """Distance from outlines within which gradients of a strain are not measured.

    ``resolution`` is the standard deviation of its window, ``vectors`` (x, y) are its reflections.
    """
    return RIM * resolution + (longest_spacing(vectors) if len(vectors) else 0.0)


class LocalSlopes:
    """Slopes of fields on a mask by local fits; what depends on the mask is computed once."""

    def __init__(self, mask: np.ndarray, scale: tuple[float, float], smoothing: Smoothing) -> None:
        self._mask = mask
        self._powers = [
            (i, total - i) for total in range(smoothing.order + 1) for i in range(total + 1)
        ]
        self._kernels = []
        for step in scale:
            reach = int(np.ceil(CUT * smoothing.width / step))
            place = np.arange(-reach, reach + 1) * (step / smoothing.width)
            weight = np.exp(-0.5 * place**2)
            self._kernels.append(
                [weight / weight.sum() * place**p for p in range(2 * smoothing.order + 1)]
            )
        inside = mask.astype(float)
        cache: dict[tuple[int, int], np.ndarray] = {}
        size = len(self._powers)
        normal = np.empty((np.count_nonzero(mask), size, size))
        for a, (i, j) in enumerate(self._powers):
            for b, (k, m) in enumerate(self._powers):
                key = (i + k, j + m)
                if key not in cache:
                    cache[key] = self._moment(inside, *key)[mask]
                normal[:, a, b] = cache[key]
        eigenvalues = np.linalg.eigvalsh(normal)
        self._known = eigenvalues[:, 0] > WORST_CONDITION * eigenvalues[:, -1]
        normal[~self._known] = np.eye(size)
        units = np.zeros((size, 2))
        units[self._powers.index((1, 0)), 0] = units[self._powers.index((0, 1)), 1] = 1.0
        self._weights = np.linalg.solve(normal, np.broadcast_to(units, (len(normal), size, 2)))
        self._weights /= smoothing.width

    def of(self, field: np.ndarray) -> np.ndarray:
        """Give the derivatives along columns (x) and rows (y) of a field, shape (2, ...)."""
        filled = np.where(self._mask, field, 0.0)
        right = np.array([self._moment(filled, *one)[self._mask] for one in self._powers])
        found = np.full((2, *self._mask.shape), np.nan)
        found[:, self._mask] = np.einsum("an,nad->dn", right, self._weights)
        found[:, self._mask] = np.where(self._known, found[:, self._mask], np.nan)
        return found

    def _moment(self, field: np.ndarray, along_x: int, along_y: int) -> np.ndarray:
        part = correlate1d(field, self._kernels[0][along_x], axis=1, mode="constant")
        return correlate1d(part, self._kernels[1][along_y], axis=0, mode="constant")


@dataclass(frozen=True, eq=False)
class StrainGradients:
    """Sums of gradients of a strain in a region, in axes that are turned from those of the image.

    Attributes
    ----------
    measured
        The strain.
    region
        Number of the region.
    angle
        Of x' above x, in degrees; z' is 90 degrees counter-clockwise of it.
    smoothing
        Of the strain.
    rim
        Distance from the outline within which pixels are left out, see :func:`find_rim`.
    """

    measured: MeasuredStrain
    region: int
    angle: float
    smoothing: Smoothing
    rim: float

    def value(self, shear: float, normal: float) -> np.ndarray:
        """Weighted sum of the gradients de_x'z'/dx' and de_x'x'/dz' in each pixel.

        Parameters
        ----------
        shear
            Weight of the derivative along x' of the shear strain e_x'z'.
        normal
            Weight of the derivative along z' of the normal strain e_x'x'.

        Returns
        -------
        numpy.ndarray
            Shape (rows, columns), NaN outside of the region and in its rim.

        Raises
        ------
        ValueError
            If the region shows no lattice, or is nothing but rim.
        """
        box, _, inner = self._masks
        slopes = LocalSlopes(inner, self.measured.grid.scale, self.smoothing)
        found = np.full(self.measured.labels.shape, np.nan)
        found[box] = self._sum(slopes, self._turned[0][(slice(None), *box)], (shear, normal))
        return found

    def error(self, shear: float, normal: float, *, seed: int = 0) -> np.ndarray | None:
        """Give the standard error of :meth:`value`; None where the noise of the map is not known.

        ``seed`` is that of the noise that is drawn.
        """
        analysis = self.measured.analysis
        if analysis is None or self.region not in analysis.noise.region:
            return None
        box, whole, inner = self._masks
        steps = tuple(
            max(1, int(analysis.resolution / NODES / step)) for step in self.measured.grid.scale
        )
        taken = (slice(None, None, steps[1]), slice(None, None, steps[0]))
        stated = self._turned[1][(slice(None), *box)][(slice(None), *taken)]
        x, y = (step * n for step, n in zip(self.measured.grid.scale, steps, strict=True))
        drawn = self._draw_strains(whole[taken], (x, y), np.random.default_rng(seed))
        # The amplitudes of the waves change from pixel to pixel, and with them all errors alike.
        trust = np.array([1.0, 1.0, 2.0])
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.sqrt(
                np.tensordot(trust, stated.astype(float) ** 2, 1)
                / np.tensordot(trust, np.mean(drawn**2, axis=0), 1)
            )
        slopes = LocalSlopes(inner[taken], (x, y), self.smoothing)
        sums = [self._sum(slopes, one * ratio, (shear, normal)) for one in drawn]
        found = np.full(self.measured.labels.shape, np.nan)
        found[box] = np.where(inner, _spread(np.std(sums, axis=0), inner.shape, steps), np.nan)
        return found

    def height(self) -> float:
        """Extent of the region along z': its area over its extent along x'."""
        measured, (axis, _) = self.measured, frame_axes(self.angle)
        mask, grid = measured.labels == self.region, measured.grid
        x, y = np.meshgrid(grid.x, grid.y)
        along = (axis[0] * x + axis[1] * y)[mask]
        pixel = abs(axis[0]) * grid.scale[0] + abs(axis[1]) * grid.scale[1]
        area = np.count_nonzero(mask) * grid.scale[0] * grid.scale[1]
        return float(area / (np.ptp(along) + pixel))

    def mean_strains(self) -> tuple[float, float, float]:
        """Means of e_x'x' and e_z'z' over the region beyond its rim, and the error of one less one.

        The error is the root of the summed squares of both, 0 where the noise is not known.
        """
        box, _, inner = self._masks
        parallel, across = (float(one[box][inner].mean()) for one in self._turned[0][:2])
        means = self.measured.means()
        errors = means.error[:2, np.asarray(means.region) == self.region]
        error = float(np.sqrt(np.sum(errors**2)))
        return parallel, across, error if np.isfinite(error) else 0.0

    @cached_property
    def _turned(self) -> tuple[np.ndarray, np.ndarray]:
        """Components and their standard errors in the turned axes."""
        return self.measured.turned(self.angle)

    @cached_property
    def _masks(self) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """Bounding box of the region, and in it its pixels and those beyond the rim."""
        mask = (self.measured.labels == self.region) & np.isfinite(self._turned[0]).all(axis=0)
        if not mask.any():
            raise ValueError(f"region {self.region} shows no lattice in this map")
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        x, y = self.measured.grid.scale
        depth = distance_transform_edt(np.pad(mask[box], 1), sampling=(y, x))[1:-1, 1:-1]
        inner = depth > self.rim
        if not inner.any():
            raise ValueError(
                f"region {self.region} is at most {2 * depth.max():.3g} wide: within "
                f"{self.rim:.3g} of its outline gradients are not measured; a smaller resolution "
                "of gpa() leaves more"
            )
        return box, mask[box], inner

    def _draw_strains(
        self, nodes: np.ndarray, scale: tuple[float, float], random: np.random.Generator
    ) -> np.ndarray:
        """Noise of e_xx, e_yy and e_xy in the turned axes at nodes, shape (draws, 3, ...)."""
        analysis = self.measured.analysis
        assert analysis is not None
        x, y = scale
        window = LocalSlopes(nodes, scale, Smoothing(analysis.resolution))
        axes = frame_axes(self.angle)
        white, lines = (axes @ one @ axes.T for one in analysis.noise_of(self.region))
        roots = _root(white) / np.sqrt(x * y), _root(lines) / np.sqrt(y)
        drawn = np.empty((DRAWS, 3, *nodes.shape))
        for one in drawn:
            field = np.tensordot(roots[0], random.standard_normal((2, *nodes.shape)), 1)
            field += np.tensordot(roots[1], random.standard_normal((2, len(nodes), 1)), 1)
            gradient = np.array([np.tensordot(axes, window.of(line), 1) for line in field])
            one[:2] = gradient[0, 0], gradient[1, 1]
            one[2] = 0.5 * (gradient[0, 1] + gradient[1, 0])
        return drawn

    def _sum(
        self, slopes: LocalSlopes, components: np.ndarray, weights: tuple[float, float]
    ) -> np.ndarray:
        axes = frame_axes(self.angle)
        along_x = np.tensordot(axes[0], slopes.of(components[2]), 1)
        along_y = np.tensordot(axes[1], slopes.of(components[0]), 1)
        # z' is opposite to y', along the axis of the gradient as in the shear.
        return -weights[0] * along_x - weights[1] * along_y


def _root(covariance: np.ndarray) -> np.ndarray:
    """Matrix whose square is a covariance, shape (2, 2)."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, float))
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _spread(values: np.ndarray, shape: tuple[int, int], steps: tuple[int, ...]) -> np.ndarray:
    """Interpolate from nodes to pixels; nodes without a value take that of the nearest one."""
    missing = np.isnan(values)
    if missing.all():
        return np.full(shape, np.nan)
    near = distance_transform_edt(missing, return_distances=False, return_indices=True)
    rows, columns = np.indices(shape)
    places = [rows / steps[1], columns / steps[0]]
    return map_coordinates(values[tuple(near)], places, order=1, mode="nearest")
