"""Affine map and row shifts between a micrograph and a map, by least squares.

The image that was recorded with the map is compared with the micrograph, averaged over the area of
each pixel. Gain and offset are free. Linear drift of the scan is part of the affine map; what rows
are shifted beyond it is a random walk, whose step is the likeliest one (type-II maximum likelihood;
Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006, section 5.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.linalg import cho_factor, cho_solve

from hyperspy_twin.composition.placement.recorded import MapImage
from hyperspy_twin.composition.placement.scenes import Scene, sample_area

# Standard deviation of each entry of the linear part about where the fit begins. Scans are
# stretched and sheared by 2-5 % against one another.
LINEAR_SPREAD = 0.05
# Steps of the row shift from one row of the map to the next in pixels of the map, root mean square
# along x and y; the likeliest is taken. Beyond the last a row is torn off its neighbours.
WALKS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.25, 0.4)
# Pixels of the map: a step of the fit is cut to the first, and the fit ends below the second.
LARGEST_STEP, SMALLEST_STEP = 0.7, 2e-3
MOST_STEPS = 30
# Times a step is halved before the fit ends.
HALVINGS = 4
# Pixels of the map within which residuals are correlated.
REACH = 2
# Fraction of a map that has to lie on the micrograph.
SMALLEST_OVERLAP = 0.3


class OutsideError(ValueError):
    """A map does not lie on the micrograph."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A map on a micrograph.

    Attributes
    ----------
    matrix, row_shifts
        See :class:`~hyperspy_twin.core.Placement`.
    residual
        Image of the map less what the micrograph shows there; NaN outside, shape (rows, columns).
    model
        What the micrograph shows, with the gain and offset of the map; same shape.
    slope
        Of the model along x and y of the micrograph, shape (rows, columns, 2).
    correlation
        Of image and model.
    gain
        Of the map over the micrograph.
    variance
        Of the residual.
    excess
        Variance of a mean of residuals over that of as many independent ones.
    walk
        Step of the row shifts in pixels of the map.
    covariance
        Of a position, in the mean of the pixels, as the residual has it; shape (2, 2).
    """

    matrix: np.ndarray
    row_shifts: np.ndarray
    residual: np.ndarray
    model: np.ndarray
    slope: np.ndarray
    correlation: float
    gain: float
    variance: float
    excess: float
    walk: float
    covariance: np.ndarray


@dataclass(frozen=True, eq=False)
class _Look:
    """The micrograph under the map at one state of the fit."""

    value: np.ndarray
    slope: np.ndarray
    used: np.ndarray
    gain: float
    offset: float
    residual: np.ndarray


class _Problem:
    """Design of the fit, which the state does not change."""

    def __init__(
        self, scene: Scene, recorded: MapImage, matrix: np.ndarray, rows_move: bool
    ) -> None:
        self.scene, self.recorded, self.start = scene, recorded, matrix
        self.values = recorded.values.ravel()
        self.points, self.rows = recorded.points, recorded.map_rows
        grid = recorded.map_grid
        self.middle = np.array([grid.x.mean(), grid.y.mean()])
        self.half = np.maximum(np.array(grid.extent) / 2, 1e-12)
        self.pixel = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))) * grid.pixel_size)
        self.area = sample_area(matrix[:, :2], recorded.grid.scale, scene.grid.pixel_size)
        unit = (self.points - self.middle) / self.half
        self.walks = _walk_basis(grid.shape[0])[:, : None if rows_move else 0]
        self.design = np.column_stack([np.ones(len(unit)), unit, self.walks[self.rows]])
        size = self.design.shape[1]
        # Displacement at the edge of the map for the linear part, none for the shift.
        lengths = np.linalg.norm(matrix[:, :2] * self.half, axis=0)
        self.linear = np.concatenate([[0.0], (LINEAR_SPREAD * lengths) ** -2.0])
        self.size = size

    def state(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Matrix and row shifts of displacements, shape (2, size)."""
        linear = self.start[:, :2] + parameters[:, 1:3] / self.half
        centre = self.start[:, :2] @ self.middle + self.start[:, 2] + parameters[:, 0]
        matrix = np.column_stack([linear, centre - linear @ self.middle])
        return matrix, self.walks @ parameters[:, 3:].T

    def look(self, parameters: np.ndarray) -> _Look:
        matrix, shifts = self.state(parameters)
        centres = self.points @ matrix[:, :2].T + matrix[:, 2] + shifts[self.rows]
        value, slope, inside = self.scene.look(centres, self.area)
        used = inside & np.isfinite(self.values)
        if used.sum() < max(SMALLEST_OVERLAP * np.isfinite(self.values).sum(), 4):
            raise OutsideError("the map does not lie on the micrograph")
        mean, other = value[used].mean(), self.values[used].mean()
        spread = value[used] - mean
        power = float(spread @ spread)
        gain = float(spread @ (self.values[used] - other)) / power if power > 0 else 0.0
        offset = other - gain * mean
        residual = np.where(used, self.values - gain * value - offset, 0.0)
        return _Look(value, slope, used, gain, offset, residual)

    def normal_equations(
        self, look: _Look, parameters: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Matrix and right side of the least-squares problem, gain and offset removed."""
        jacobian = (look.gain * look.slope)[:, :, None] * self.design[:, None, :]
        jacobian = jacobian.reshape(len(self.values), -1)[look.used]
        target = look.residual[look.used] + jacobian @ parameters.ravel()
        free = np.column_stack([look.value[look.used], np.ones(look.used.sum())])
        basis, _ = np.linalg.qr(free - [free[:, 0].mean(), 0.0])
        jacobian = jacobian - basis @ (basis.T @ jacobian)
        target = target - basis @ (basis.T @ target)
        return jacobian.T @ jacobian, jacobian.T @ target, float(target @ target)

    def prior(self, walk: float) -> np.ndarray:
        """Inverse variance of each displacement, shape (2 * size,)."""
        steps = np.full(self.size - 3, (walk * self.pixel) ** -2.0 if walk else 0.0)
        return np.tile(np.concatenate([self.linear, steps]), 2)

    def kept(self, walk: float) -> np.ndarray:
        one = np.ones(self.size, bool)
        one[3:] = walk > 0
        return np.flatnonzero(np.tile(one, 2))


def fit_map(
    scene: Scene,
    recorded: MapImage,
    matrix: np.ndarray,
    row_shifts: np.ndarray | None = None,
    *,
    walks: tuple[float, ...] = WALKS,
    steps: int = MOST_STEPS,
) -> Fit:
    """Fit a map to a micrograph from near its place.

    Parameters
    ----------
    scene
        The micrograph.
    recorded
        What was recorded with the map.
    matrix
        Where the fit begins, shape (2, 3).
    row_shifts
        Row shifts where it begins, shape (rows, 2).
    walks
        Steps of the row shifts to choose from, in pixels of the map.
    steps
        Steps of the fit at most.

    Raises
    ------
    OutsideError
        If less than a third of the map lies on the micrograph.
    """
    problem = _Problem(scene, recorded, np.asarray(matrix, float), any(walks))
    parameters = np.zeros((2, problem.size))
    if row_shifts is not None:
        parameters[:] = _expand(problem, row_shifts)
    look = problem.look(parameters)
    walk = walks[-1]
    for _ in range(steps):
        square, right, total = problem.normal_equations(look, parameters)
        variance, excess = _residual_variance(look, recorded)
        scale = variance * excess
        walk = max(walks, key=lambda one: _evidence(problem, one, square, right, total, scale))
        solved = _solve(problem, walk, square, right, scale)
        step = solved.reshape(2, -1) - parameters
        moved = problem.design @ step.T
        size = np.sqrt(np.mean(np.square(moved).sum(axis=1)))
        step *= min(1.0, LARGEST_STEP * problem.pixel / max(size, 1e-300))
        cost = _cost(problem, look, parameters, walk, scale)
        for _ in range(HALVINGS):
            tried = parameters + step
            seen = problem.look(tried)
            if _cost(problem, seen, tried, walk, scale) <= cost:
                break
            step /= 2
        else:
            break
        parameters, look = tried, seen
        if size < SMALLEST_STEP * problem.pixel:
            break
    return _result(problem, look, parameters, walk)


def _walk_basis(rows: int) -> np.ndarray:
    """Row shifts of unit steps, less their mean and slope, which the affine map holds."""
    steps = np.tril(np.ones((rows, rows)), -1)[:, : max(rows - 1, 0)]
    time = np.column_stack([np.ones(rows), np.linspace(-1.0, 1.0, rows)])[:, : min(rows, 2)]
    basis, _ = np.linalg.qr(time)
    return steps - basis @ (basis.T @ steps)


def _expand(problem: _Problem, row_shifts: np.ndarray) -> np.ndarray:
    """Displacements that give row shifts best."""
    rows = len(row_shifts)
    time = (problem.recorded.map_grid.y - problem.middle[1]) / problem.half[1]
    design = np.column_stack([np.ones(rows), np.zeros(rows), time, problem.walks])
    return np.linalg.lstsq(design, row_shifts, rcond=None)[0].T


def _residual_variance(look: _Look, recorded: MapImage) -> tuple[float, float]:
    """Variance of the residual, and its excess by correlation, at least 1."""
    count = int(look.used.sum())
    shape = recorded.values.shape
    residual = look.residual.reshape(shape)
    variance = float(np.square(residual).sum()) / count
    reach = [
        min(round(REACH * step), size - 1)
        for step, size in zip(recorded.steps[::-1], shape, strict=True)
    ]
    padded = [scipy.fft.next_fast_len(n + r, real=True) for n, r in zip(shape, reach, strict=True)]
    power = np.abs(scipy.fft.rfft2(residual, padded)) ** 2
    correlation = scipy.fft.irfft2(power, padded)
    rows, columns = (np.r_[0 : r + 1, -r:0] for r in reach)
    near = correlation[np.ix_(rows, columns)].sum()
    floor = np.finfo(float).tiny
    return max(variance, floor), max(float(near) / max(variance * count, floor), 1.0)


def _system(
    problem: _Problem, walk: float, square: np.ndarray, right: np.ndarray, scale: float
) -> tuple[np.ndarray, tuple[np.ndarray, bool], np.ndarray]:
    kept = problem.kept(walk)
    whole = square[np.ix_(kept, kept)] / scale + np.diag(problem.prior(walk)[kept])
    # Without any slope of the image the shift is free.
    whole[np.diag_indices_from(whole)] += 1e-9 * np.trace(whole) / len(whole)
    return kept, cho_factor(whole), right[kept] / scale


def _solve(
    problem: _Problem, walk: float, square: np.ndarray, right: np.ndarray, scale: float
) -> np.ndarray:
    kept, factor, side = _system(problem, walk, square, right, scale)
    solved = np.zeros(len(right))
    solved[kept] = cho_solve(factor, side)
    return solved


def _evidence(
    problem: _Problem,
    walk: float,
    square: np.ndarray,
    right: np.ndarray,
    total: float,
    scale: float,
) -> float:
    """Logarithm of the likelihood of a walk, but for a constant."""
    kept, factor, side = _system(problem, walk, square, right, scale)
    prior = problem.prior(walk)[kept]
    fitted = float(side @ cho_solve(factor, side))
    volume = 2 * np.log(np.diag(factor[0])).sum() - np.log(prior[prior > 0]).sum()
    return -0.5 * (total / scale - fitted + volume)


def _cost(
    problem: _Problem, look: _Look, parameters: np.ndarray, walk: float, scale: float
) -> float:
    misfit = float(np.square(look.residual).sum()) / look.used.sum() * len(problem.values)
    prior = problem.prior(walk).reshape(2, -1)
    return misfit / scale + float((prior * np.square(parameters)).sum())


def _result(problem: _Problem, look: _Look, parameters: np.ndarray, walk: float) -> Fit:
    matrix, shifts = problem.state(parameters)
    square, right, _ = problem.normal_equations(look, parameters)
    variance, excess = _residual_variance(look, problem.recorded)
    kept, factor, _ = _system(problem, walk, square, right, variance * excess)
    spread = np.zeros(square.shape)
    spread[np.ix_(kept, kept)] = cho_solve(factor, np.eye(len(kept)))
    moment = problem.design.T @ problem.design / len(problem.design)
    size = problem.size
    blocks = spread.reshape(2, size, 2, size)
    covariance = np.einsum("iajb,ab->ij", blocks, moment)
    shape = problem.recorded.values.shape
    seen = np.where(look.used, look.gain * look.value + look.offset, np.nan)
    used = look.used
    pair = np.stack([problem.values[used], seen[used]])
    flat = np.any(np.ptp(pair, axis=1) == 0)
    return Fit(
        matrix,
        shifts,
        np.where(used, look.residual, np.nan).reshape(shape),
        seen.reshape(shape),
        (look.gain * look.slope).reshape(*shape, 2),
        0.0 if flat else float(np.sign(look.gain) * np.corrcoef(pair)[0, 1]),
        look.gain,
        variance,
        excess,
        walk,
        covariance,
    )
