"""Names of planes and directions: (hkl), {hkl}, [uvw], <uvw>, with four indices where due."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from hyperspy_twin.core import Crystal

Style = Literal["plain", "unicode", "mathtext"]
STYLES = ("plain", "unicode", "mathtext")

_METRIC_TOLERANCE = 1e-3  # relative: lengths that agree to this are equal
_ANGLE_TOLERANCE = 0.05  # degrees: the same of angles
_MACRON = "\N{COMBINING MACRON}"
_NUMBER = re.compile(r"[-+]?\d+")
_DIGIT = re.compile(r"[-+]?\d")


def has_four_indices(crystal: Crystal) -> bool:
    """Whether planes and directions of a crystal are named by four indices.

    So they are for a cell on hexagonal axes, which hexagonal and most trigonal structures have:
    a = b, alpha = beta = 90 degrees, gamma = 120 degrees.
    """
    a, b, _, *angles = crystal.lattice
    return abs(a - b) < _METRIC_TOLERANCE * a and np.allclose(
        angles, (90, 90, 120), atol=_ANGLE_TOLERANCE
    )


def four_plane_indices(hkl: Sequence[int]) -> tuple[int, int, int, int]:
    """Miller-Bravais indices (h k i l) of a plane, i = -(h + k)."""
    h, k, l_ = map(int, hkl)
    return h, k, -(h + k), l_


def four_direction_indices(uvw: Sequence[int]) -> tuple[int, int, int, int]:
    """Weber indices [U V T W] of a direction [u v w], without common divisor.

    References
    ----------
    Frank, Acta Cryst. 18 (1965) 862 (why the transform differs from that of planes).
    """
    u, v, w = map(int, uvw)
    found = np.array([2 * u - v, 2 * v - u, -(u + v), 3 * w])
    first, second, third, fourth = (found // max(1, int(np.gcd.reduce(found)))).tolist()
    return first, second, third, fourth


def three_direction_indices(indices: Sequence[int]) -> tuple[int, int, int]:
    """Three indices [u v w] of a direction [U V T W], without common divisor.

    Raises
    ------
    ValueError
        If the first three do not add up to zero.
    """
    first, second, third, fourth = map(int, indices)
    if first + second + third:
        raise ValueError(f"[{first} {second} {third} {fourth}]: the first three must add up to 0")
    found = np.array([2 * first + second, first + 2 * second, fourth])
    u, v, w = (found // max(1, int(np.gcd.reduce(found)))).tolist()
    return u, v, w


def plane_label(
    hkl: Sequence[int], crystal: Crystal | None = None, style: Style = "plain", brackets: str = "()"
) -> str:
    """Name of a plane.

    Parameters
    ----------
    hkl
        Miller indices.
    crystal
        Its cell decides whether four indices are written.
    style
        ``"plain"`` with minus signs, ``"unicode"`` or ``"mathtext"`` (of matplotlib) with bars.
    brackets
        Opening and closing one; empty for a reflection.

    Returns
    -------
    str
        For example ``(1 -1 1)``, or ``(111)`` where the indices are digits.

    Raises
    ------
    ValueError
        If the style is unknown.
    """
    return _label(hkl, crystal, style, brackets, four_plane_indices)


def plane_family(hkl: Sequence[int], crystal: Crystal | None = None, style: Style = "plain") -> str:
    """Name of a family of planes, as :func:`plane_label` in braces."""
    return plane_label(hkl, crystal, style, "{}")


def direction_label(
    uvw: Sequence[int], crystal: Crystal | None = None, style: Style = "plain", brackets: str = "[]"
) -> str:
    """Name of a direction; the parameters are those of :func:`plane_label`."""
    return _label(uvw, crystal, style, brackets, four_direction_indices)


def direction_family(
    uvw: Sequence[int], crystal: Crystal | None = None, style: Style = "plain"
) -> str:
    """Name of a family of directions, as :func:`direction_label` in angle brackets."""
    return direction_label(uvw, crystal, style, "<>" if style == "plain" else "⟨⟩")


def phase_label(crystal: Crystal, zone_axis: Sequence[int], style: Style = "plain") -> str:
    """Name of a crystal and its zone axis, such as ``Ge [110]``."""
    return f"{crystal.name} {direction_label(zone_axis, crystal, style)}"


def read_direction(direction: str | Sequence[int]) -> tuple[int, int, int]:
    """Three indices of a direction as a person gives it.

    Parameters
    ----------
    direction
        Three or four integers, or their text such as ``"[1-10]"``, ``"1 -1 0"``, ``"[11-20]"``;
        indices of more than one digit need spaces or commas.

    Returns
    -------
    tuple of int
        [u v w] without common divisor.

    Raises
    ------
    ValueError
        If it is no direction.
    """
    values = _numbers(direction) if isinstance(direction, str) else np.asarray(direction).tolist()
    whole = isinstance(values, list) and all(float(value).is_integer() for value in values)
    if not whole or len(values) not in (3, 4) or not any(values):
        raise ValueError(
            f"{direction!r} is no direction: give three integers such as (1, 1, 0), or four, "
            "not all zero"
        )
    if len(values) == 4:
        return three_direction_indices(values)
    u, v, w = (np.array(values, int) // np.gcd.reduce(np.array(values, int))).tolist()
    return u, v, w


def _numbers(text: str) -> list[int]:
    inside = text.strip().strip("[]<>⟨⟩()").strip()
    separate = re.split(r"[\s,]+", inside)
    found = separate if len(separate) > 1 else _DIGIT.findall(inside)
    if len(separate) <= 1 and "".join(found) != inside:
        return []
    return [int(part) for part in found] if all(map(_NUMBER.fullmatch, found)) else []


def _label(
    indices: Sequence[int],
    crystal: Crystal | None,
    style: Style,
    brackets: str,
    four: Callable[[Any], tuple[int, ...]],
) -> str:
    if style not in STYLES:
        raise ValueError(f"unknown style {style!r}: choose one of {', '.join(STYLES)}")
    values = tuple(map(int, indices))
    if crystal is not None and has_four_indices(crystal):
        values = four(values)
    opening, closing = brackets[:1], brackets[1:]
    text = _STYLED[style](values)
    if style == "mathtext":
        opening, closing = _MATHTEXT.get(opening, opening), _MATHTEXT.get(closing, closing)
        return f"${opening}{text}{closing}$"
    return f"{opening}{text}{closing}"


_MATHTEXT = {"{": r"\{", "}": r"\}", "⟨": r"\langle ", "⟩": r"\rangle"}


def _plain(values: tuple[int, ...]) -> str:
    short = all(0 <= value <= 9 for value in values)
    return ("" if short else " ").join(map(str, values))


def _unicode(values: tuple[int, ...]) -> str:
    parts = ("".join(digit + _MACRON * (n < 0) for digit in str(abs(n))) for n in values)
    return ("" if max(map(abs, values)) <= 9 else " ").join(parts)


def _mathtext(values: tuple[int, ...]) -> str:
    wide = max(map(abs, values)) > 9
    text = ""
    for previous, value in zip((0, *values), values, strict=False):
        # Bars side by side would run together.
        space = r"\," if text and (wide or (previous < 0 and value < 0)) else ""
        text += space + (rf"\overline{{{-value}}}" if value < 0 else str(value))
    return text


_STYLED: dict[str, Callable[[tuple[int, ...]], str]] = {
    "plain": _plain,
    "unicode": _unicode,
    "mathtext": _mathtext,
}
