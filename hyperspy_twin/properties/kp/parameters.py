"""Parameters of the valence band of silicon and germanium for k.p theory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class HoleParameters:
    """The top of a valence band in the theory of Luttinger and Kohn, and of Bir and Pikus.

    Attributes
    ----------
    gamma_1, gamma_2, gamma_3
        Luttinger parameters.
    b, d
        Deformation potentials of tetragonal and of trigonal shear strain, in eV.
    source
        Where the numbers come from.
    """

    gamma_1: float
    gamma_2: float
    gamma_3: float
    b: float
    d: float
    source: str = ""

    def numbers(self) -> dict[str, float]:
        """All of them by name."""
        return {name: float(getattr(self, name)) for name in NUMBERS}


_LAWAETZ = "P. Lawaetz, Phys. Rev. B 4, 3460 (1971)"
_TIGHT_BINDING = (
    "computed from the tight binding of Y. M. Niquet et al., Phys. Rev. B 79, 245201 (2009)"
)
# Luttinger parameters of Lawaetz with the deformation potentials that go with them in calculations
# of hole spin qubits, those that are measured, and what the tight binding of this package gives.
SETS: dict[str, dict[str, HoleParameters]] = {
    "Lawaetz": {
        "Ge": HoleParameters(13.38, 4.24, 5.69, -2.16, -6.06, _LAWAETZ),
        "Si": HoleParameters(4.285, 0.339, 1.446, -2.1, -4.85, _LAWAETZ),
    },
    "measured": {
        "Ge": HoleParameters(
            13.38,
            4.24,
            5.69,
            -2.86,
            -5.28,
            f"{_LAWAETZ}; b and d: M. Chandrasekhar, F. H. Pollak, Phys. Rev. B 15, 2127 (1977)",
        ),
    },
    "Niquet": {
        "Ge": HoleParameters(12.96, 4.110, 5.588, -2.73, -5.03, _TIGHT_BINDING),
        "Si": HoleParameters(4.22, 0.369, 1.431, -2.09, -4.63, _TIGHT_BINDING),
    },
}
DEFAULT_SET = "Lawaetz"
NUMBERS = tuple(one.name for one in fields(HoleParameters) if one.name != "source")


def hole_parameters(
    system: str, given: str | Mapping[str, float] | HoleParameters | None = None
) -> HoleParameters:
    """Parameters of a material by name, or with some of them given.

    Parameters
    ----------
    system
        ``"Ge"`` or ``"Si"``.
    given
        Name of a set (``"Lawaetz"``, the default; ``"measured"``; ``"Niquet"``), numbers that
        replace those of the default set by name, or all of them.

    Raises
    ------
    ValueError
        If the material, the set or a name is not known, or a number is not finite.
    """
    if isinstance(given, HoleParameters):
        return _checked(given)
    name = given if isinstance(given, str) else DEFAULT_SET
    if name not in SETS:
        raise ValueError(f"there is no set of parameters {name!r}: choose one of {', '.join(SETS)}")
    if system not in SETS[name]:
        known = ", ".join(SETS[name])
        raise ValueError(
            f"there are no parameters of holes in {system!r} in the set {name!r}, which has "
            f"{known}: give all of them as a HoleParameters"
        )
    found = SETS[name][system]
    if isinstance(given, Mapping):
        unknown = set(given) - set(NUMBERS)
        if unknown:
            raise ValueError(
                f"{', '.join(sorted(unknown))} is no parameter: choose from {', '.join(NUMBERS)}"
            )
        numbers = {key: float(value) for key, value in given.items()}
        found = replace(found, **numbers, source=f"{found.source}; {', '.join(numbers)} given")
    return _checked(found)


def _checked(one: HoleParameters) -> HoleParameters:
    numbers = one.numbers()
    if not np.isfinite(list(numbers.values())).all():
        raise ValueError(f"the parameters of holes have to be finite, not {numbers}")
    if one.gamma_1 <= 2.0 * abs(one.gamma_2):
        raise ValueError(
            "heavy holes would have a negative mass: gamma_1 has to exceed twice gamma_2"
        )
    return one
