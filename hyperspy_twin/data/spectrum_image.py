"""Spectrum images of known truth."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import fftconvolve

from hyperspy_twin.composition import Optics, cross_section
from hyperspy_twin.simulation import Well, low_loss_distribution, scan_positions, spectra_of

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

OPTICS = Optics(beam_energy=200.0, convergence=20.0, collection=40.0)
EDGES = ("Si_K", "Ge_L3")
# eV: from 200 eV before the L edge of germanium to 560 eV after the K edge of silicon.
ENERGIES = (1000.0, 2400.0)
CHANNEL = 2.0  # eV
# Energy at which the background is told, in eV: the onset of the L edge of germanium.
ONSET = 1217.0
# Exponent of the power law; between 2 and 6 in all materials, and near 3 far from the edges before:
# R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope (2011), section 4.4.1.
EXPONENT = 3.0
# Background at the onset over the step of the edge of pure germanium. With it, the errors of
# fractions are those that were measured for a foil of 50 nm at 1e7 and 1e8 electrons.
BACKGROUND = 2.0
ATOMS_PER_NM3 = 50.0  # of silicon; germanium has 44
# Fraction of the electrons that are used for the low loss, which is a thousand times as bright.
LOW_LOSS_TIME = 0.01
NAME = "sige_spectrum_image"


def sige_spectrum_image(
    *,
    shape: tuple[int, int] = (30, 60),
    pixel_size: float = 3.0,
    electrons: float = 1e7,
    barrier: float = 0.2,
    well: float = 0.8,
    well_thickness: float = 30.0,
    texture: float = 0.0,
    rotation: float = 0.0,
    thickness: float = 50.0,
    mean_free_paths: float = 0.0,
    seed: int = 0,
) -> BaseSignal:
    """Core-loss spectrum image of a germanium-rich well between silicon-rich barriers.

    The well lies along x through the middle of the field. Each spectrum holds the Si K and Ge L
    edges by hydrogenic cross-sections at 200 kV, 20 mrad convergence and 40 mrad collection, on a
    power law, with Poisson noise.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    electrons
        Per pixel.
    barrier, well
        Atomic fractions of germanium.
    well_thickness
        In nm.
    texture
        Standard deviation of a smooth random field that is added to the fraction.
    rotation
        Of the rows of the scan, in degrees, counter-clockwise as seen on the screen.
    thickness
        Of the foil, in nm.
    mean_free_paths
        Thickness over the inelastic mean free path: how often an electron excites a plasmon in the
        mean, by which edges and background are spread.
    seed
        Of noise and texture.

    Returns
    -------
    hyperspy.api.signals.Signal1D
        Of type EELS, in counts; :func:`germanium_truth` tells its truth, and :func:`sige_low_loss`
        makes its low loss.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, Springer (2011).
    """
    arguments = _plain(locals())
    if not (0 <= barrier <= 1 and 0 <= well <= 1):
        raise ValueError("fractions of germanium lie between 0 and 1")
    if min(*shape, pixel_size, electrons, thickness) <= 0 or mean_free_paths < 0:
        raise ValueError("sizes, electrons and thickness have to be positive")
    fraction = _truth(json.dumps(arguments))
    atoms = ATOMS_PER_NM3 * thickness / 100  # per square Angstrom
    sections, background = _sections(mean_free_paths)
    probability = spectra_of(np.stack([1 - fraction, fraction]), atoms, sections)
    probability += spectra_of(np.ones((1, *fraction.shape)), atoms, background[None])
    counts = np.random.default_rng([seed, 1]).poisson(electrons * probability)
    return _signal(counts.astype(np.uint32), ENERGIES[0], arguments, "Si/Ge well, core loss")


def sige_low_loss(si: BaseSignal) -> BaseSignal:
    """Low-loss spectrum image of the same positions as one of :func:`sige_spectrum_image`.

    Parameters
    ----------
    si
        The core-loss spectrum image.

    Returns
    -------
    hyperspy.api.signals.Signal1D
        Of type EELS, in counts, with the zero-loss peak at zero.
    """
    arguments = _arguments(si)
    energies, distribution = low_loss_distribution(arguments["mean_free_paths"], CHANNEL)
    mean = LOW_LOSS_TIME * arguments["electrons"] * distribution
    generator = np.random.default_rng([arguments["seed"], 2])
    counts = generator.poisson(mean, (*arguments["shape"], len(energies)))
    return _signal(counts.astype(np.uint32), energies[0], arguments, "Si/Ge well, low loss")


def germanium_truth(si: BaseSignal) -> np.ndarray:
    """Fraction of germanium in each pixel of a generated spectrum image, shape (rows, columns).

    Parameters
    ----------
    si
        What :func:`sige_spectrum_image` gave, uncropped.

    Raises
    ------
    ValueError
        If it is no generated spectrum image.
    """
    return _truth(json.dumps(_arguments(si)))


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(arguments, default=float))


def _arguments(si: BaseSignal) -> dict[str, Any]:
    made = json.loads(si.metadata.get_item("Twin.sample", "{}"))
    if made.get("name") != NAME:
        raise ValueError("this is no spectrum image of ht.data.sige_spectrum_image(...)")
    return made["arguments"]


@lru_cache(maxsize=4)
def _truth(arguments: str) -> np.ndarray:
    given = json.loads(arguments)
    x, y = scan_positions(tuple(given["shape"]), given["pixel_size"], given["rotation"])
    well = Well(
        barrier=given["barrier"],
        well=given["well"],
        thickness=given["well_thickness"],
        texture=given["texture"],
        seed=given["seed"],
    )
    found = np.clip(well.germanium(x, y).mean(axis=-1), 0.0, 1.0)
    found.flags.writeable = False
    return found


def _sections(mean_free_paths: float) -> tuple[np.ndarray, np.ndarray]:
    """Cross-sections of the edges (2, channels) and of the background (channels,) in barn."""
    losses, distribution = low_loss_distribution(mean_free_paths, CHANNEL)
    if not mean_free_paths:
        losses, distribution = np.zeros(1), np.ones(1)
    after, before = int(round(-losses[0] / CHANNEL)), int(round(losses[-1] / CHANNEL))
    count = int(round((ENERGIES[1] - ENERGIES[0]) / CHANNEL))
    energies = ENERGIES[0] + CHANNEL * np.arange(-before, count + after)
    edges = np.array([cross_section(edge, energies, OPTICS) for edge in EDGES])
    step = edges[1][np.searchsorted(energies, ONSET)]
    background = BACKGROUND * step * (energies / ONSET) ** -EXPONENT
    spread = [fftconvolve(one, distribution, mode="valid") for one in (*edges, background)]
    return np.array(spread[:2]), spread[2]


def _signal(counts: np.ndarray, first: float, arguments: dict[str, Any], title: str) -> BaseSignal:
    from hyperspy.signals import Signal1D

    place = {"scale": arguments["pixel_size"], "units": "nm", "navigate": True}
    energy = {"name": "Energy loss", "scale": CHANNEL, "offset": first, "units": "eV"}
    axes = [{"name": "y", **place}, {"name": "x", **place}, energy]
    axes = [{**axis, "size": size} for axis, size in zip(axes, counts.shape, strict=True)]
    found = Signal1D(counts, axes=axes, metadata={"General": {"title": title}})
    found.set_signal_type("EELS")
    found.set_microscope_parameters(
        beam_energy=OPTICS.beam_energy,
        convergence_angle=OPTICS.convergence,
        collection_angle=OPTICS.collection,
    )
    found.metadata.set_item("Sample.elements", ["Ge", "Si"])
    found.metadata.set_item("Signal.quantity", "Electrons (Counts)")
    sample = json.dumps({"name": NAME, "arguments": arguments})
    found.metadata.set_item("Twin.sample", sample)
    return found
