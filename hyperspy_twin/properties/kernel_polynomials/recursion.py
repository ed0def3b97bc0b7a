"""Moments of the Chebyshev polynomials of an operator, for all groups at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.kernel_polynomials.checkpoints import (
    CheckpointFile,
    RecursionState,
)
from hyperspy_twin.properties.kernel_polynomials.energy_window import EnergyWindow
from hyperspy_twin.properties.kernel_polynomials.operators import ChebyshevOperator

# Norms of vectors never grow while the spectrum lies within the window; rounding in 32 bits over
# thousands of steps stays below 1e-4 of them.
LARGEST_GROWTH = 1.01
SECONDS_BETWEEN_REPORTS = 0.5


@dataclass(frozen=True)
class RecursionSettings:
    """How many moments and vectors there are, and how they are made.

    Attributes
    ----------
    count
        Number of moments, even.
    vectors
        Number of random vectors.
    block
        Vectors that are stepped together; the result does not depend on it.
    seed
        Of the random vectors.
    checkpoint
        File that a run which was stopped continues from; None keeps none.
    checkpoint_interval
        Least time between two states of the file, in seconds. It grows so that writing takes no
        more than a small part of the time.
    """

    count: int
    vectors: int
    block: int = 4
    seed: int = 0
    checkpoint: Path | None = None
    checkpoint_interval: float = 60.0

    def __post_init__(self) -> None:
        """Refuse numbers that make no moments."""
        if self.count < 2 or self.count % 2:
            raise ValueError(f"the number of moments is even and at least 2, not {self.count}")
        if self.vectors < 1 or self.block < 1:
            raise ValueError(
                f"at least one random vector is needed, not {self.vectors} in blocks of "
                f"{self.block}"
            )


def chebyshev_moments(
    operator: ChebyshevOperator, window: EnergyWindow, settings: RecursionSettings
) -> np.ndarray:
    """Moments of each group by each random vector.

    Each product gives two moments: with ``v_n = T_n(x) r`` and P the rows of a group, the moment of
    order 2n is ``2 <v_n|P|v_n>`` less that of order 0, and that of order 2n + 1 is
    ``2 <v_n+1|P|v_n>`` less that of order 1. For the whole this is an identity for each vector, for
    groups it holds in the mean over vectors, since the mean of ``r r^T`` is one. At equal work
    the errors are never larger than those of ``<r|P|v_n>``.

    Parameters
    ----------
    operator
        What makes the steps.
    window
        That holds its spectrum: see :func:`find_energy_window`.
    settings
        How many moments and vectors.

    Returns
    -------
    numpy.ndarray
        Shape (groups, vectors, count); moments of order 0 are the number of rows of each group.

    Raises
    ------
    ValueError
        If an eigenvalue lies outside of the window, or the checkpoint is of another calculation.
    """
    identity = ""
    if settings.checkpoint is not None:
        parts = window, settings.count, settings.vectors, settings.seed
        identity = " ".join(map(str, (operator.identity, *parts)))
    keeper = CheckpointFile(settings.checkpoint, identity, settings.checkpoint_interval)
    shape = len(operator.weight), settings.vectors, settings.count
    state = keeper.load() or RecursionState(np.zeros(shape))
    report = _Report(settings, state)
    while state.vector < settings.vectors:
        vectors = range(state.vector, min(state.vector + settings.block, settings.vectors))
        if state.blocks is None:
            current = operator.start(vectors, settings.seed)
            previous = operator.from_array(np.zeros_like(operator.to_array(current)))
            state.moments[:, state.vector : vectors.stop, 0] = operator.weight[:, None]
        else:
            current, previous = map(operator.from_array, state.blocks)
            vectors = range(state.vector, state.vector + state.width)
            state.blocks = None
        while state.step < settings.count // 2:
            sums = operator.step(current, previous, window, 2 if state.step else 1)
            current, previous = previous, current
            if not (sums[0].sum(axis=0) <= LARGEST_GROWTH * operator.rows).all():
                raise ValueError("an eigenvalue lies outside of the energy window: widen it")
            _set_moments(state.moments[:, vectors.start : vectors.stop], state.step, *sums)
            state.step += 1
            report.tell(state, vectors)
            if keeper.due():
                state.blocks = operator.to_array(current), operator.to_array(previous)
                state.width = len(vectors)
                keeper.save(state)
                state.blocks = None
        state.vector, state.step = vectors.stop, 0
    keeper.save(state)
    return state.moments


def _set_moments(moments: np.ndarray, step: int, own: np.ndarray, cross: np.ndarray) -> None:
    """Write the two moments that the block made by a step gives, shape (groups, vectors, count)."""
    moments[..., 2 * step + 1] = 2 * cross - moments[..., 1] if step else cross
    if 2 * step + 2 < moments.shape[-1]:
        moments[..., 2 * step + 2] = 2 * own - moments[..., 0]


class _Report:
    """Says now and then how far the recursion is and how long it will take."""

    def __init__(self, settings: RecursionSettings, state: RecursionState) -> None:
        self._settings = settings
        self._start = self._told = time.monotonic()
        self._before = self._done(state, 1)

    def _done(self, state: RecursionState, width: int) -> int:
        """Count the steps of single vectors that are done."""
        return state.vector * (self._settings.count // 2) + state.step * width

    def tell(self, state: RecursionState, vectors: range) -> None:
        now = time.monotonic()
        if now - self._told < SECONDS_BETWEEN_REPORTS:
            return
        self._told = now
        done, settings = self._done(state, len(vectors)), self._settings
        total = settings.vectors * (settings.count // 2)
        left = (now - self._start) / max(done - self._before, 1) * (total - done)
        begin_step(
            f"moment {2 * state.step} of {settings.count}, vectors {vectors.start + 1} to "
            f"{vectors.stop} of {settings.vectors}, {duration(left)} left"
        )


def duration(seconds: float) -> str:
    """Time in words: ``40 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
