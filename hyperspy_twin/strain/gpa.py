"""Geometric phase analysis: strain of a crystal from the phases of its lattice waves.

The image near a reflection g is I(r) = A exp(2 pi i g.(r - u)), so that the phase relative to
the reference lattice is P = -2 pi g.u. Two or more reflections give the displacement u and the
tensor e = du/dr = -(1 / 2 pi) G^-1 grad P. The derivative is taken with respect to the current
position (Eulerian); the deformation gradient F = (I - e)^-1 relates it to the reference lattice
(Lagrangian), which is what a change of lattice spacing means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.core import (
    Definition,
    GradientNoise,
    Grid,
    PhaseInvariants,
    StrainField,
    count_steps,
)
from hyperspy_twin.strain.artefacts import disagreeing_nodes, phase_invariants
from hyperspy_twin.strain.checks import (
    check_drift,
    check_input,
    check_lattice,
    check_reference,
    find_absent,
    find_drifted,
)
from hyperspy_twin.strain.lattice_waves import LatticeWaves, measure_lattice_waves
from hyperspy_twin.strain.maps import assemble_maps
from hyperspy_twin.strain.noise import Noise, frequency_errors, is_significant, measure_noise
from hyperspy_twin.strain.pieces import find_pieces
from hyperspy_twin.strain.plan import Plan
from hyperspy_twin.strain.strain_tensor import AnalysedPiece, compute_strain, displacement_noise
from hyperspy_twin.strain.vectors import LARGEST_DRIFT
from hyperspy_twin.strain.wave_weights import fit_one_lattice

if TYPE_CHECKING:
    pass

# Rounds of centring the Gaussian mask on the lattice frequency that it measures.
CENTRING_ROUNDS = 3
# Part of a frequency by which its mask may be off: no strain changes by more.
LARGEST_SHIFT = 1e-7
NO_REFLECTIONS = np.empty((0, 3))


def geometric_phase_analysis(
    image: np.ndarray,
    grid: Grid,
    vectors: np.ndarray,
    *,
    resolution: float,
    reference: np.ndarray,
    labels: np.ndarray | None = None,
    definition: Definition = "lagrangian",
    required: int | None = None,
    others: np.ndarray = NO_REFLECTIONS,
    displacement: bool = True,
    fixed: bool = False,
    lazy: bool = False,
) -> StrainField:
    """Strain, rotation and displacement of the lattice in every pixel.

    Each reflection is taken out of the spectrum with a Gaussian mask, and its phase gradient
    is computed in Fourier space without unwrapping. The windows stop at the edges of the
    image, and at the outlines of the regions when ``labels`` are given; the bias that a
    one-sided window has is divided out (see ``strain/gaussian_windows.py``), so that
    strain is defined up to the outline, with a standard error that grows there by about three.

    Parameters
    ----------
    image
        Image, shape (rows, columns).
    grid
        Pixel grid of the image.
    vectors
        Reciprocal vectors (x, y) in the reciprocal unit of the grid, shape (k, 2) with k >= 2;
        all are combined by generalised least squares, with the covariance of their phases that
        the image shows; a pixel in which some of them are absent goes without these.
    resolution
        Standard deviation s of the Gaussian window in real space, in the unit of the grid. The
        mask in reciprocal space is exp(-k^2 / 2 q^2) with q = 1 / (2 pi s). Features of the
        strain with a period of 4.4 s appear at half their height.
    reference
        Pixels of the lattice whose strain is zero, boolean, shape (rows, columns).
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned. Each connected region
        is analysed by itself with masks centred on its own reflections, so interfaces stay
        sharp; unassigned pixels and regions below 12 s^2 give NaN.
    definition
        ``"lagrangian"``: derivative with respect to the reference lattice, so a lattice spacing
        d has the strain d / d_reference - 1; ``"eulerian"``: with respect to the image.
    required
        How many of the vectors, from the first, the reference has to show; all by default. The
        others are left out where it lacks them.
    others
        Further reflections of the crystal, shape (m, 3): reciprocal vector (x, y), and amplitude
        over that of the first of ``vectors``. Where a piece is too narrow to keep a wave apart from
        them, the wave is left out.
    displacement
        Whether the displacement is measured too.
    fixed
        Whether the vectors are the lattice whose strain is zero, as measured in another image. By
        default this is the mean lattice of the reference, near the vectors. The reference then
        tells only where the displacement has zero mean.
    lazy
        Whether the fields are dask arrays, for an image whose fields do not fit into the memory.
        All is measured now for the whole image, at the nodes of a coarse grid, but strain, rotation
        and errors go from there to the pixels when they are read, and are the same.
        ``dask.array.store(field.stack(names), target)`` writes them to an array in a file.

    Returns
    -------
    StrainField
        The fields, NaN where the amplitude of the waves is below three times its noise.

    Raises
    ------
    ValueError
        If an input has a wrong shape or is not finite, if the vectors are collinear or beyond
        the Nyquist frequency, if the resolution does not separate the reflections or does not
        fit into the image, or if the reference is empty or shows no lattice.

    References
    ----------
    M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146.

    J. L. Rouviere, E. Sarigiannidou, Ultramicroscopy 106 (2005) 1-17.

    H. Knutsson, C.-F. Westin, Proc. IEEE CVPR (1993) 515-523 (normalised convolution).
    """
    image, vectors = np.asarray(image), np.asarray(vectors, float)
    reference = np.asarray(reference, bool)
    check_input(image, grid, vectors, resolution, reference, labels, definition)
    regions = [
        measure_lattice_waves(image, piece, grid.scale, vectors, resolution)
        for piece in count_steps(find_pieces(labels, grid, resolution), "lattice waves of piece")
    ]
    if labels is not None:
        regions = [_centre_masks(region, vectors) for region in regions]
    weights = [_reference_weights(region, reference) for region in regions]
    refined, amplitudes = _reference_lattice(regions, weights)
    if labels is None:
        for _ in range(CENTRING_ROUNDS - 1):
            far = find_drifted(refined, vectors, resolution)[:, None]
            if _are_centred(regions[0], np.where(far, vectors, refined)):
                break
            regions = [region.recentre(np.where(far, vectors, refined)) for region in regions]
            found, amplitudes = _reference_lattice(regions, weights)
            refined = np.where(far, refined, found)
    first = np.arange(len(vectors)) < (len(vectors) if required is None else required)
    check_drift(refined[first], vectors[first], resolution)
    noises = measure_noise(regions)
    absent = find_absent(weights, regions, noises)
    check_lattice(absent[first])
    kept = ~(absent | find_drifted(refined, vectors, resolution))
    if not kept.all():
        regions, noises = [one.take(kept) for one in regions], [one.take(kept) for one in noises]
        refined, amplitudes = refined[kept], amplitudes[kept]
        vectors, first = vectors[kept], first[kept]
    if fixed:
        refined = vectors
    errors = frequency_errors(regions, weights, noises)
    lattice = vectors if fixed else fit_one_lattice(refined, amplitudes, errors)
    analysed, disagreeing = [], np.zeros(grid.shape, bool)
    for region, noise in count_steps(list(zip(regions, noises, strict=True)), "strain of piece"):
        present = region.resolved(others)
        present &= [is_significant(region, noise, index) for index in range(len(vectors))]
        present[find_drifted(region.mean_frequencies(), vectors, resolution) & ~first] = False
        strain = compute_strain(region, noise, refined, present, definition)
        _mark(disagreeing, region, disagreeing_nodes(region, noise, refined, strain))
        analysed.append(AnalysedPiece(region.without_pixels(), strain))
    del regions, region
    if not any((reference[one.box] & one.pixels).any() for one in analysed):
        raise ValueError(
            "the reference shows no lattice at these vectors: choose another reference or vectors"
        )
    maps, cuts = assemble_maps(
        grid, analysed, lattice, reference, weights if displacement else None, lazy=lazy
    )
    return StrainField(
        **maps,
        cuts=cuts,
        vectors=lattice,
        amplitudes=amplitudes,
        resolution=float(resolution),
        definition=definition,
        noise=_noise_of_regions(analysed, noises, labels),
        disagreeing=disagreeing if disagreeing.any() else None,
        invariants=None if labels is None else _invariants(analysed, labels, refined),
    )


def analyse_plan(
    image: np.ndarray,
    grid: Grid,
    plan: Plan,
    *,
    definition: Definition = "lagrangian",
    resolution: float | None = None,
    displacement: bool = True,
    lazy: bool = False,
) -> StrainField:
    """Analyse an image as planned, see :func:`geometric_phase_analysis`.

    ``resolution`` is another than that of the plan.
    """
    return geometric_phase_analysis(
        image,
        grid,
        plan.vectors,
        resolution=plan.resolution if resolution is None else resolution,
        reference=plan.reference_mask,
        labels=plan.labels,
        definition=definition,
        required=plan.required,
        others=plan.others,
        displacement=displacement,
        lazy=lazy,
    )


def _mark(pixels: np.ndarray, region: LatticeWaves, nodes: np.ndarray) -> None:
    """Mark the pixels of the image that lie among some nodes of a piece."""
    if nodes.any():
        piece = region.piece
        pixels[piece.box] |= region.coarse.nearly(nodes, np.ascontiguousarray(piece.mask))


def _invariants(
    analysed: list[AnalysedPiece], labels: np.ndarray, vectors: np.ndarray
) -> PhaseInvariants | None:
    """Phases by which the structures of regions can be compared."""
    numbers = [_label_of(one, labels) for one in analysed]
    return phase_invariants(analysed, numbers, vectors) if len(set(numbers)) > 1 else None


def _label_of(piece: AnalysedPiece, labels: np.ndarray) -> int:
    """Look up the number of the region of a piece."""
    return int(labels[piece.box][piece.region.piece.mask][0])


def _noise_of_regions(
    analysed: list[AnalysedPiece], noises: list[Noise], labels: np.ndarray | None
) -> GradientNoise:
    """Noise of the displacement of each region, the mean of its pieces; region 0 without labels."""
    found: dict[int, list[tuple[np.ndarray, np.ndarray, float]]] = {}
    for one, noise in zip(analysed, noises, strict=True):
        label = 0 if labels is None else _label_of(one, labels)
        found.setdefault(label, []).append(displacement_noise(one.region, noise, one.strain))
    total = {label: sum(part[2] for part in parts) for label, parts in found.items()}
    known = [label for label in sorted(found) if total[label] > 0.0]
    white, lines = (
        np.array([sum(p[n] * p[2] for p in found[one]) / total[one] for one in known])
        for n in (0, 1)
    )
    return GradientNoise(np.array(known, int), white.reshape(-1, 2, 2), lines.reshape(-1, 2, 2))


def _centre_masks(region: LatticeWaves, vectors: np.ndarray) -> LatticeWaves:
    """Centre the masks of a region on its own mean lattice frequencies."""
    limit = LARGEST_DRIFT / region.coarse.resolution
    for _ in range(CENTRING_ROUNDS):
        means = region.mean_frequencies()
        near = np.linalg.norm(means - vectors, axis=1, keepdims=True) <= limit
        carriers = np.where(near, means, vectors)
        if _are_centred(region, carriers):
            break
        region = region.recentre(carriers)
    return region


def _are_centred(region: LatticeWaves, carriers: np.ndarray) -> bool:
    """Whether the masks of a region are centred on some carriers already."""
    present = np.array([wave.carrier for wave in region.waves])
    shift = np.linalg.norm(carriers - present, axis=1)
    return bool((shift <= LARGEST_SHIFT * np.linalg.norm(carriers, axis=1)).all())


def _reference_weights(region: LatticeWaves, reference: np.ndarray) -> np.ndarray:
    """Weight of the reference's pixels at the nodes of a region, less where windows are cut."""
    inside = reference[region.piece.box] & region.piece.mask
    return region.coarse.node_weights(inside) * region.window.mass**2


def _reference_lattice(
    regions: list[LatticeWaves], weights: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Intensity-weighted mean frequencies, and root mean square amplitudes, in the reference."""
    count = len(regions[0].waves) if regions else 0
    frequency, intensity, mass = np.zeros((count, 2)), np.zeros(count), 0.0
    for region, inside in zip(regions, weights, strict=True):
        mass += float(inside.sum(dtype=float))
        for index, wave in enumerate(region.waves):
            power = inside * np.abs(wave.amplitude) ** 2
            frequency[index] += np.einsum("ijk,jk->i", wave.frequency, power, dtype=float)
            intensity[index] += power.sum(dtype=float)
    check_reference(intensity, mass)
    return frequency / intensity[:, None], np.sqrt(intensity / mass)
