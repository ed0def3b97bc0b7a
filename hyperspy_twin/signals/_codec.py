"""Frozen dataclasses as plain values that JSON can hold, and back, by their type hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from hyperspy_twin.core import Crystal


def to_plain(value: Any, crystals: list[str]) -> Any:
    """Plain value of a dataclass, array, tuple or mapping.

    Parameters
    ----------
    value
        What is stored.
    crystals
        Texts of the crystals that are stored already; new ones are added, and a crystal in
        ``value`` is its number in this list.
    """
    if isinstance(value, Crystal):
        text = value.to_json()
        if text not in crystals:
            crystals.append(text)
        return crystals.index(text)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_plain(getattr(value, one.name), crystals) for one in fields(value)}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "shape": value.shape, "values": value.ravel().tolist()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, crystals) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item, crystals) for item in value]
    return value


def from_plain(kind: Any, plain: Any, crystals: tuple[Crystal, ...]) -> Any:
    """Value of a type from what :func:`to_plain` gave; its arrays are read-only.

    Parameters
    ----------
    kind
        The type, as a hint of a field tells it.
    plain
        The plain value.
    crystals
        Crystals that are stored beside it.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if plain is None:
            return None
        (kind,) = (one for one in arguments if one is not NoneType)
        return from_plain(kind, plain, crystals)
    if kind is Crystal:
        return crystals[plain]
    if kind is np.ndarray:
        array = np.array(plain["values"], plain["dtype"]).reshape(plain["shape"])
        array.flags.writeable = False
        return array
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        known = {name: from_plain(hints[name], item, crystals) for name, item in plain.items()}
        return kind(**known)
    if origin is tuple:
        kinds = arguments[:1] * len(plain) if arguments[-1] is Ellipsis else arguments
        return tuple(from_plain(*pair, crystals) for pair in zip(kinds, plain, strict=True))
    if origin in (dict, Mapping):
        key, item = arguments
        return {key(name): from_plain(item, one, crystals) for name, one in plain.items()}
    return plain


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
