"""Error-function edge with free flanks fitted to the profiles along a border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

# Steps of what is tried, and priors, are set on the tuning half of benchmarks/segmentation.py.
# Ratio of the widths tried for the mean profile.
_WIDTH_RATIO = 1.25
# Positions tried for it, in widths.
_POSITIONS = np.linspace(-1.0, 1.0, 9)
# Least distance of the knots of the flanks in widths.
_KNOT_DISTANCE = 8.0
# The same in strips.
_KNOT_STRIPS = 6
# Standard deviation of the mean slope of the flanks, in steps per width.
_MEAN_SLOPE = 0.25
# Tried standard deviations of the difference of their slopes, in steps per width.
_SLOPES = (0.005, 0.05, 0.25)
# Tried stiffness of the border, in information on the position of one strip.
_STIFFNESS = 10.0 ** np.arange(-2, 6)
# Logarithm of the odds that unequal slopes need: equal ones tell the position more exactly.
_ODDS = 3.0
# Distance up to which a pixel is close to the edge, in widths.
_NEAR = 1.5
# Distance from which on it is far from it, in widths.
_FAR = 2.5
# Difference from the model that is always granted, in steps.
_GRANTED = 0.01
# Largest change of the logarithm of the width in one step.
_MAX_WIDTH_CHANGE = 0.5


@dataclass(frozen=True)
class Strips:
    """Mean profiles of strips across a border.

    Attributes
    ----------
    position : numpy.ndarray
        Distance from the border, positive on one side, shape (m,), pixels.
    value, weight : numpy.ndarray
        Brightness and fraction of the strip where it is known, shape (k, m).
    length : float
        Extent of a strip along the border in pixels.
    bending : numpy.ndarray
        Second differences of the border along the strips if strip k moves by ``shift[k]``:
        ``bending[:, :-1] @ shift + bending[:, -1]``, shape (b, k + 1), pixels.
    closed : bool
        Whether the last strip is adjacent to the first.
    """

    position: np.ndarray
    value: np.ndarray
    weight: np.ndarray
    length: float
    bending: np.ndarray
    closed: bool


@dataclass(frozen=True)
class EdgeFit:
    """What was found along a border.

    Attributes
    ----------
    shift, width
        Position of the inflection in each strip, shape (k,), and standard deviation of the edge, in
        pixels.
    stiffness : float
        How strongly the border is held to one curvature, in information on the position of a strip.
    unevenness : float
        What the model leaves unexplained at the edge, in units of what it leaves on the flanks,
        but at least of a hundredth of the step; 1 if all of it is noise.
    """

    shift: np.ndarray
    width: float
    stiffness: float
    unevenness: float


def typical_width(
    position: np.ndarray, value: np.ndarray, weight: np.ndarray, smallest: float
) -> float:
    """Width of the error function with sloping flanks that is nearest to one profile, shape (m,).

    The smallest width to try is given; others follow in steps of a quarter.
    """
    reach = np.abs(position[weight > 0]).max()
    count = max(int(np.log(max(reach / 2 / smallest, 1)) / np.log(_WIDTH_RATIO)) + 1, 1)
    width = np.repeat(smallest * _WIDTH_RATIO ** np.arange(count), _POSITIONS.size)
    centre = np.tile(_POSITIONS, count) * width
    flanks = _flanks((position - centre[:, None]) / width[:, None], position / reach)
    weighted = flanks * weight
    gram = weighted @ np.swapaxes(flanks, 1, 2)
    gram += 1e-6 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(4)
    right = weighted @ value
    explained = np.sum(right * np.linalg.solve(gram, right[..., None])[..., 0], axis=1)
    return float(width[np.argmax(explained)])


def fit_strips(strips: Strips, width: float, correlation: float, choose: bool) -> EdgeFit | None:
    """Fit one error function whose position and flanks change along the border.

    One Gauss-Newton step for all strips together. Levels and slopes of the flanks run linearly
    between knots at least eight widths apart. The border of the strips lies near to the inflection,
    ``width`` is a guess of the standard deviation of the edge in pixels and ``correlation`` the
    number of neighbouring values that noise moves together. If ``choose``, the evidence (MacKay
    1992) decides how strongly the slopes of the two flanks are held to each other and the border to
    one curvature; else middle strengths are taken. None where the profiles show no edge.

    References
    ----------
    MacKay, Neural Comput. 4 (1992) 415.
    """
    count = len(strips.value)
    problem = _linearise(strips, width, correlation)
    if problem is None:
        return None
    stiffness, spread = 1.0, _SLOPES[0]
    if choose:
        evidence = [_find_most_probable(problem, s, spread)[1] for s in _STIFFNESS]
        stiffness = float(_STIFFNESS[np.argmax(evidence)])
        evidence = [_find_most_probable(problem, stiffness, s)[1] for s in _SLOPES]
        spread = _SLOPES[int(np.argmax(np.array(evidence) - [0, _ODDS, _ODDS]))]
    solution, _ = _find_most_probable(problem, stiffness, spread)
    unexplained = (problem.residual - problem.design @ solution).reshape(strips.value.shape)
    distance = np.abs(strips.position) / width
    near, far = (
        np.sum(unexplained[:, part] ** 2) / max(np.sum(strips.weight[:, part]), 1)
        for part in (distance < _NEAR, distance > _FAR)
    )
    return EdgeFit(
        np.clip(solution[:count], -width, width),
        width * float(np.exp(np.clip(solution[count], -_MAX_WIDTH_CHANGE, _MAX_WIDTH_CHANGE))),
        stiffness,
        float(np.sqrt(near / (far + (_GRANTED * problem.contrast) ** 2))),
    )


@dataclass(frozen=True)
class _Problem:
    """Linearised model: columns are shifts of k strips, logarithm of the width, and flanks."""

    design: np.ndarray
    residual: np.ndarray
    gram: np.ndarray
    flanks: np.ndarray
    held_slope: np.ndarray
    bent: np.ndarray
    contrast: float
    variance: float
    bending: np.ndarray


def _linearise(strips: Strips, width: float, correlation: float) -> _Problem | None:
    count, size = strips.value.shape
    hats = _weigh_knots(strips, width)
    along = np.broadcast_to(strips.position / width, strips.value.shape)
    root = np.sqrt(strips.weight)
    shapes = _flanks(along, along).swapaxes(1, 2)
    linear = shapes[:, :, None] * hats[:, None, :, None] * root[..., None, None]
    linear = linear.reshape(count * size, -1)
    target = (strips.value * root).ravel()
    # Slopes start close to zero: they could stand in for a wrong position of the edge.
    normal = linear.T @ linear
    held = np.trace(normal) / len(normal) * np.tile([1e-9, 1e-9, 1e-4, 1e-4], hats.shape[1])
    flanks = np.linalg.solve(normal + np.diag(held), linear.T @ target)
    below, above, _, bend = (hats @ flanks.reshape(-1, 4)).T
    step = (above - below)[:, None] + bend[:, None] * along
    bell = np.exp(-(along**2) / 2) / np.sqrt(2 * np.pi) * step * root
    moves = np.zeros((count, size, count + 1))
    moves[np.arange(count), :, np.arange(count)] = -bell / width
    moves[:, :, count] = -bell * along
    design = np.hstack([moves.reshape(count * size, -1), linear])
    residual = target - linear @ flanks
    gram = design.T @ design
    ridge = 1e-7 * (np.diag(gram) + np.diag(gram)[:count].mean())
    if not ridge[:count].min() > 0:
        return None
    gram[np.diag_indices(len(gram))] += ridge
    right = design.T @ residual
    unexplained = residual @ residual - right @ np.linalg.solve(gram, right)
    freedom = max(np.count_nonzero(strips.weight) - len(gram), len(gram))
    contrast = float(np.mean(above - below))
    variance = correlation * max(unexplained / freedom, 1e-8 * contrast**2)
    mean_slope, bent = np.zeros((2, len(gram)), bool)
    mean_slope[count + 3 :: 4] = bent[count + 4 :: 4] = True
    held_slope = mean_slope / (_MEAN_SLOPE * contrast) ** 2
    # One curvature all along costs nothing: straight borders and circles are free.
    bending = strips.bending - strips.bending.mean(axis=0)
    start = np.concatenate([np.zeros(count + 1), flanks])
    return _Problem(design, residual, gram, start, held_slope, bent, contrast, variance, bending)


def _find_most_probable(
    problem: _Problem, stiffness: float, spread: float
) -> tuple[np.ndarray, float]:
    """Step to the best parameters and, up to a constant, the logarithm of the evidence."""
    count = problem.bending.shape[1] - 1
    moving, fixed = problem.bending[:, :-1], problem.bending[:, -1]
    information = float(np.diag(problem.gram)[:count].mean()) / problem.variance
    hold = stiffness * information
    held = problem.held_slope + problem.bent / (spread * problem.contrast) ** 2
    hessian = problem.gram / problem.variance + np.diag(held)
    hessian[:count, :count] += hold * moving.T @ moving
    right = problem.design.T @ problem.residual / problem.variance - held * problem.flanks
    right[:count] -= hold * moving.T @ fixed
    factor = cho_factor(hessian, lower=True, overwrite_a=True, check_finite=False)
    solution = cho_solve(factor, right, check_finite=False)
    cost = problem.residual @ problem.residual / problem.variance
    cost += held @ problem.flanks**2 + hold * fixed @ fixed - right @ solution
    freedom = (len(fixed) - 1) * np.log(hold) + np.log(held[problem.bent]).sum()
    return solution, float(freedom - cost) / 2 - float(np.log(np.diag(factor[0])).sum())


def _flanks(along: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Levels below and above an edge, their mean slope and its change, shape (k, 4, m)."""
    above = ndtr(along)
    slope = np.broadcast_to(slope, above.shape)
    return np.stack([1 - above, above, slope, slope * (above - 0.5)], axis=1)


def _weigh_knots(strips: Strips, width: float) -> np.ndarray:
    """Weight of each knot of the flanks at each strip, shape (k, q): hat functions."""
    count = len(strips.value)
    distance = max(_KNOT_DISTANCE * width, _KNOT_STRIPS * strips.length)
    pieces = int(round(count * strips.length / distance))
    if pieces < (2 if strips.closed else 1):
        return np.ones((count, 1))
    position = (np.arange(count)[:, None] + 0.5) / count * pieces
    apart = np.abs(position - np.arange(pieces if strips.closed else pieces + 1))
    if strips.closed:
        apart = np.minimum(apart, pieces - apart)
    return np.maximum(1 - apart, 0)
