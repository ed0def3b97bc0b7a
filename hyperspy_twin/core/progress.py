"""What a long computation does now, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listen_to_steps(listener: Callable[[str], None]) -> Iterator[None]:
    """Within the context, call the listener with the name of each step before it begins."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def begin_step(name: str) -> None:
    """Tell who listens that a step begins."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(name)


def count_steps(items: Sequence[Item], name: str) -> Iterator[Item]:
    """Iterate; each item is a step, such as ``region 2 of 5`` with the name ``region``."""
    for number, item in enumerate(items, start=1):
        begin_step(f"{name} {number} of {len(items)}" if len(items) > 1 else name)
        yield item
