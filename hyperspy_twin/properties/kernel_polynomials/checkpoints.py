"""States of a long recursion on the disk, which a run that was stopped continues from."""

from __future__ import annotations

import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Part of the time that writing may take: a state of 1.3 GB takes some seconds on a disk.
LARGEST_SHARE = 0.02


@dataclass
class RecursionState:
    """Where a recursion is.

    Attributes
    ----------
    moments
        Those found so far, shape (groups, vectors, count).
    vector
        First vector of the present block.
    step
        Number of steps that the block has made.
    width
        Number of vectors in the block.
    blocks
        Present and previous block, as arrays; None at the start of a block.
    """

    moments: np.ndarray
    vector: int = 0
    step: int = 0
    width: int = 0
    blocks: tuple[np.ndarray, np.ndarray] | None = None


class CheckpointFile:
    """A file that holds the last state of a recursion, or none.

    Parameters
    ----------
    path
        File, with the ending .npz; None keeps nothing.
    identity
        Text that differs for other calculations.
    interval
        Least time between two states in seconds.
    """

    def __init__(self, path: Path | None, identity: str, interval: float) -> None:
        self._path, self._identity, self._interval = path, identity, interval
        self._saved, self._took = time.monotonic(), 0.0

    def due(self) -> bool:
        """Whether a state is to be saved now."""
        wait = max(self._interval, self._took / LARGEST_SHARE)
        return self._path is not None and time.monotonic() - self._saved >= wait

    def load(self) -> RecursionState | None:
        """Last state that was saved; None where there is no file.

        Raises
        ------
        ValueError
            If the file cannot be read, or is of another calculation.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                found = {name: stored[name] for name in stored.files}
            vector, step, width = (int(one) for one in found["place"])
            identity, moments = str(found["identity"]), found["moments"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{self._path} is not a checkpoint that can be read: delete it, or give another "
                "file"
            ) from error
        if identity != self._identity:
            raise ValueError(
                f"{self._path} is the checkpoint of another calculation (other atoms, groups, "
                "energies, resolution, vectors or seed): delete it, or give another file"
            )
        blocks = (found["current"], found["previous"]) if "current" in found else None
        return RecursionState(moments, vector, step, width, blocks)

    def save(self, state: RecursionState) -> None:
        """Replace the file by one of this state; a run that ends meanwhile leaves the old one."""
        if self._path is None:
            return
        began = time.monotonic()
        arrays = {
            "identity": np.array(self._identity),
            "place": np.array([state.vector, state.step, state.width]),
            "moments": state.moments,
        }
        if state.blocks is not None:
            arrays["current"], arrays["previous"] = state.blocks
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_name(self._path.name + ".part")
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self._path)
        self._saved = time.monotonic()
        self._took = self._saved - began
