"""Whether a computation fits into the memory that is free."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import psutil

from hyperspy_twin.core import begin_step

LOGGER = logging.getLogger(__name__)
# Limits of the group of processes that this one belongs to, as containers and batch systems set
# them, of versions 2 and 1 of Linux' control groups: files with the limit, what is used, and
# how much of that holds files that can be read again.
GROUP_LIMITS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
GIGABYTE = 1e9  # bytes


def require_memory(parts: Mapping[str, float], free: float | None = None) -> None:
    """Say how much memory a computation takes, before it starts.

    Parameters
    ----------
    parts
        Bytes of each part, by name.
    free
        Bytes that are free; by default those of this computer, within the limit that is set for
        this process.

    Raises
    ------
    MemoryError
        If it takes more than is free.
    """
    needed = sum(parts.values())
    free = free_memory() if free is None else free
    listed = ", ".join(f"{name} {size / GIGABYTE:.2f}" for name, size in parts.items())
    text = f"{needed / GIGABYTE:.2f} GB of memory ({listed}), {free / GIGABYTE:.2f} GB are free"
    if needed > free:
        raise MemoryError(
            f"this takes {text}: take part of the model with model.select(...), or step fewer "
            "vectors at once"
        )
    LOGGER.info("this takes %s", text)
    begin_step(f"takes {text}")


def free_memory() -> float:
    """Bytes that this process can still have."""
    free = float(psutil.virtual_memory().available)
    for folder, limit, used, reclaimed in GROUP_LIMITS:
        try:
            bound = Path(folder, limit).read_text().strip()
            taken = int(Path(folder, used).read_text())
            lines = Path(folder, "memory.stat").read_text().splitlines()
        except (OSError, ValueError):
            continue
        if bound.isdigit():
            details = dict(line.split() for line in lines)
            free = min(free, float(int(bound) - taken + int(details.get(reclaimed, 0))))
    return free
