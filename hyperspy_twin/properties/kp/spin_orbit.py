"""Spin-orbit coupling of holes in a gradient of strain, linear in their wave number.

Heavy holes of a (001) well mix with light holes by shear strain and, with another symmetry, by
their motion. Where the strain changes in space the two do not commute, and what is left in second
order is linear in k:

    H = -[R, S] / D,   1 / l = sqrt(3) / (gamma_1 + gamma_2) |G| / D,

with the splitting D of heavy and light holes. For a hole that moves along x in the plane of the
image, z being the growth direction, and nothing changing along the beam,

    G = gamma_2 d de_xz/dx - eta gamma_3 (sqrt(3) / 2) b d(e_xx - e_yy)/dz     beam [100],
    G = gamma_3 d de_xz/dx - eta gamma_3 (1 / 2) d d(e_xx - e_yy)/dz           beam [110],

where y is along the beam; eta is that of ``remote_mixing``. The length l is that of
H = (hbar^2 / m l) k s with a Pauli matrix s and the mass m = m0 / (gamma_1 + gamma_2) of heavy
holes in the plane.

References
----------
J. C. Abadillo-Uriel, E. A. Rodriguez-Mena, B. Martinez, Y.-M. Niquet, Phys. Rev. Lett. 131, 097002
(2023), for the effect; the factors were derived from the Hamiltonians of J. M. Luttinger, W. Kohn,
Phys. Rev. 97, 869 (1955), and G. L. Bir, G. E. Pikus, Symmetry and Strain-Induced Effects in
Semiconductors (1974), and hold for the exact block diagonalisation of these.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from hyperspy_twin.properties.kp.hole_wells import remote_mixing
from hyperspy_twin.properties.kp.parameters import HoleParameters

Beam = Literal["100", "110"]
BEAMS: tuple[Beam, ...] = ("100", "110")
# Cosine of the largest angle between a direction and one of low indices, 5 degrees.
ALIGNED = 0.996
# 1 / l by what l means, over that of H = (hbar^2 / m l) k s with a Pauli matrix s. Of an operator
# of spin s / 2 the same energy has half the length. The spin turns by 2 x / l on the way x, so
# that it is reversed after pi l / 2.
CONVENTIONS = {"pauli": 1.0, "spin": 2.0, "reversal": 2.0 / np.pi}


def gradient_weights(parameters: HoleParameters, beam: str, eta: float) -> tuple[float, float]:
    """Weights in eV of de_xz/dx and of d(e_xx - e_yy)/dz in the coupling G.

    Parameters
    ----------
    parameters
        Of the material.
    beam
        Direction across the plane of the image: ``"100"`` or ``"110"``.
    eta
        Strength of gradients along the growth direction.
    """
    if beam not in BEAMS:
        raise ValueError(f"the beam is one of {', '.join(BEAMS)}, not {beam!r}")
    if beam == "100":
        return (
            parameters.gamma_2 * parameters.d,
            -eta * parameters.gamma_3 * np.sqrt(0.75) * parameters.b,
        )
    return parameters.gamma_3 * parameters.d, -0.5 * eta * parameters.gamma_3 * parameters.d


def inverse_length_factor(
    parameters: HoleParameters, splitting: float, convention: str = "pauli"
) -> float:
    """1 / l over the coupling G: in 1/nm for G in eV/nm, thus in 1/eV.

    Parameters
    ----------
    parameters
        Of the material.
    splitting
        Of heavy and light holes in eV.
    convention
        What l means, a name of ``CONVENTIONS``.

    Raises
    ------
    ValueError
        If the convention is not known, or light holes are not below heavy ones.
    """
    if convention not in CONVENTIONS:
        choices = ", ".join(CONVENTIONS)
        raise ValueError(f"the convention is one of {choices}, not {convention!r}")
    if not (np.isfinite(splitting) and splitting > 0.0):
        raise ValueError(
            f"heavy holes are not above light ones, but by {1e3 * splitting:.3g} meV: this "
            "formula is for wells that are compressed in their plane, as germanium is on SiGe"
        )
    mass = 1.0 / (parameters.gamma_1 + parameters.gamma_2)
    return CONVENTIONS[convention] * np.sqrt(3.0) * mass / splitting


def coupling_weights(
    parameters: HoleParameters,
    beam: str,
    *,
    thickness: float,
    splitting: float,
    convention: str = "pauli",
) -> np.ndarray:
    """1 / l for unit gradients de_xz/dx and d(e_xx - e_yy)/dz, shape (2,): pure numbers.

    The parameters are those of ``gradient_weights``, ``remote_mixing`` and
    ``inverse_length_factor``.
    """
    eta = remote_mixing(parameters, thickness, splitting)
    factor = inverse_length_factor(parameters, splitting, convention)
    return factor * np.array(gradient_weights(parameters, beam, eta))


def beam_of(direction: np.ndarray, growth: np.ndarray) -> Beam:
    """Which of the two the beam is, of directions in a cubic crystal, shape (3,) each.

    Raises
    ------
    ValueError
        If the well does not lie on (001), or is seen along another direction.
    """
    beam, normal = (np.abs(one) / np.linalg.norm(one) for one in (direction, growth))
    if normal.max() < ALIGNED:
        raise ValueError(
            f"the well grew along {_in_words(growth)} of the crystal: this formula is for [001]"
        )
    if beam.max() > ALIGNED:
        return "100"
    plane = np.delete(beam, np.argmax(normal))
    if plane.sum() * np.sqrt(0.5) > ALIGNED:
        return "110"
    raise ValueError(
        f"the well is seen along {_in_words(direction)} of the crystal: this formula is for "
        "<100> and <110> in the plane of the well"
    )


def _in_words(direction: np.ndarray) -> str:
    scaled = np.asarray(direction) / np.abs(direction).max()
    return f"[{' '.join(f'{one:.2g}' for one in scaled)}]"
