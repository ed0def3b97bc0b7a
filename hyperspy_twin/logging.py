"""Verbosity of the package's log."""

from __future__ import annotations

import logging


def set_log_level(level: int | str) -> None:
    """Set the level of the package's logger.

    Parameters
    ----------
    level
        A level of :mod:`logging`, such as ``"INFO"`` or ``logging.DEBUG``.

    Raises
    ------
    ValueError
        If ``level`` is not a known level.
    """
    logging.getLogger("hyperspy_twin").setLevel(level)
