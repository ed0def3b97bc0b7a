"""Images of known plane waves with noise of known power, and where their spots have to be.

The signal is a sum of plane waves, exact at any pixel. A spot's signal-to-noise ratio is the power
of its noise-free wave in the windowed transform of the region over the power expected there of
counting, readout and scan noise and of amorphous matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft, ndimage

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.transform import WindowedRegion, windowed_region

MUST_FIND, WEAKEST = 20.0, 3.0
# Two Gaussian-windowed spots of any phase show a dip between them beyond this d.M.d, with M the
# second moments of the window: there each has fallen to a quarter of its power halfway.
RESOLUTION = np.log(4) / np.pi**2
FEWEST_PERIODS, HIGHEST_FREQUENCY = 6.0, 0.4  # the band that is scored: per field, per pixel
SURE_RING = 15.0  # excess of a powder's ring in standard deviations of its mean power


@dataclass(frozen=True)
class Truth:
    """Spots of one region, one of each Friedel pair, and what they imply.

    `position` (n, 2) 1/nm; `snr` (n,) power over expected noise power; `leaked` (n,) power that
    the rest of the image puts there, over the noise; `lattice` (n,) which crystal, -1 for
    satellites; `moments` (n, 2, 2) second moments in nm² of the window on that crystal;
    `windowed` and `plain` (2, 2): covariance bounds of a position times its SNR, from the windowed
    and from all pixels of the region; `state` None where the noise leaves it open; `grid` of the
    rectangle around the region.
    """

    position: np.ndarray
    snr: np.ndarray
    leaked: np.ndarray
    lattice: np.ndarray
    moments: np.ndarray
    windowed: np.ndarray
    plain: np.ndarray
    state: str | None
    grid: Grid


@dataclass(frozen=True)
class Scene:
    """One region of an image with its truth."""

    name: str
    category: str
    image: np.ndarray
    grid: Grid
    mask: np.ndarray
    truth: Truth


@dataclass(frozen=True)
class Lattice:
    """Plane waves `amplitude` exp(2 pi i `g`.r) with their conjugates, where `weight` says."""

    g: np.ndarray
    amplitude: np.ndarray
    weight: np.ndarray | float = 1.0
    satellite: bool = False  # made by the modulation of the base: in the truth, not drawn


@dataclass(frozen=True)
class Plan:
    """Everything that makes an image but its counting noise."""

    grid: Grid
    lattices: list[Lattice]
    state: str
    dose: float
    base: np.ndarray | float = 1.0
    mask: np.ndarray | None = None
    speckle: tuple[Callable[[np.ndarray], np.ndarray], np.ndarray | float] | None = None
    jitter: float = 0.0  # pixels, rms of each row
    bow: float = 0.0  # pixels of smooth drift
    row_noise: float = 0.0  # of the mean
    readout: float = 0.0  # counts
    blur: float = 0.0  # pixels of a detector's blur over the counts
    texture: np.ndarray | float = 0.0  # waves that are no truth, as of a powder


def waves(lattice: Lattice, grid: Grid, shift: np.ndarray) -> np.ndarray:
    """Sum of the waves on all pixels; `shift` (rows, 2) in nm displaces the rows."""
    x, y = grid.x[None, :], (grid.y + shift[:, 1])[:, None]
    gx, gy = lattice.g.T
    right = np.exp(2j * np.pi * gx[:, None] * x).astype(np.complex64)
    left = np.exp(2j * np.pi * (gy[None, :] * y + gx[None, :] * shift[:, :1]))
    return 2 * ((left * lattice.amplitude).astype(np.complex64) @ right).real


def random_field(
    rng: np.random.Generator, grid: Grid, response: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """White noise of variance 1 seen through a response; made larger than the image and cut."""
    rows, columns = (fft.next_fast_len(size + 64) for size in grid.shape)
    noise = fft.rfft2(rng.normal(size=(rows, columns)).astype(np.float32))
    gx, gy = fft.rfftfreq(columns, grid.scale[0]), fft.fftfreq(rows, grid.scale[1])
    response_here = response(np.hypot(gx[None, :], gy[:, None]))
    whole = fft.irfft2(noise * response_here.astype(np.float32), s=(rows, columns))
    return whole[: grid.shape[0], : grid.shape[1]]


def moments(weight: np.ndarray, grid: Grid) -> np.ndarray:
    """Second moments (2, 2) in nm² of a weight about its centroid."""
    total = weight.sum(dtype=float)
    x = grid.x - (weight.sum(axis=0, dtype=float) @ grid.x) / total
    y = grid.y - (weight.sum(axis=1, dtype=float) @ grid.y) / total
    cross = y @ weight.astype(float) @ x
    xx, yy = weight.sum(axis=0, dtype=float) @ x**2, weight.sum(axis=1, dtype=float) @ y**2
    return np.array([[xx, cross], [cross, yy]]) / total


def transform_at(values: np.ndarray, grid: Grid, g: np.ndarray) -> np.ndarray:
    """Fourier integral of pixel values at single frequencies, shape (n,)."""
    right = np.exp(-2j * np.pi * grid.x[:, None] * g[:, 0]).astype(np.complex64)
    left = np.exp(-2j * np.pi * grid.y[:, None] * g[:, 1])
    return ((values.astype(np.complex64) @ right) * left).sum(axis=0)


def line_power(window: np.ndarray, grid: Grid, frequency: np.ndarray) -> np.ndarray:
    """Power along x of rows that are each their own, at frequencies (any shape) from the line."""
    size = 4 * window.shape[1]
    profile = (np.abs(fft.rfft(window, size, axis=1)) ** 2).sum(axis=0)
    return np.interp(np.abs(frequency), fft.rfftfreq(size, grid.scale[0]), profile)


def pulled(own: np.ndarray, lattice: Lattice, grid: Grid, shift: np.ndarray) -> tuple:
    """Where displaced rows put each spot, and its complex amplitude over that of one pixel."""
    if not shift.any():
        return lattice.g, own.sum(dtype=float)
    rows, size = own.sum(axis=1, dtype=float), 16 * len(own)
    signal = rows[:, None] * np.exp(2j * np.pi * shift @ lattice.g.T)
    frequency = fft.fftfreq(size, grid.scale[1])
    power = np.abs(fft.fft(signal, size, axis=0)) ** 2
    power[np.abs(frequency) > 4 / grid.extent[1]] = 0
    best = power.argmax(axis=0)
    column = np.arange(len(best))
    below, at, above = (power[(best + step) % size, column] for step in (-1, 0, 1))
    moved = frequency[best] + 0.5 * (below - above) / (below - 2 * at + above) * frequency[1]
    phase = np.exp(-2j * np.pi * grid.y[:, None] * moved[None, :])
    return lattice.g + np.stack([np.zeros_like(moved), moved], axis=1), (signal * phase).sum(axis=0)


def truth_of(plan: Plan, region: WindowedRegion, signal: np.ndarray, shift: np.ndarray) -> Truth:
    """Place and strength of every wave in the windowed transform of a plan's region."""
    grid, window = region.grid, region.window
    start = np.rint(plan.grid.to_pixels(np.array([grid.offset]))[0]).astype(int)
    cut = tuple(slice(s, s + n) for s, n in zip(start[::-1], grid.shape, strict=True))
    here = np.broadcast_to(plan.base, plan.grid.shape)[cut] * plan.dose * window
    mean = (window * signal[cut]).sum() / window.sum()
    waves_here, weights_here = [], []
    white = (window**2 * (signal[cut] + plan.readout**2)).sum()
    for number, lattice in enumerate(plan.lattices):
        own = here * np.broadcast_to(lattice.weight, plan.grid.shape)[cut]
        if not len(lattice.g) or own.sum() < 0.02 * here.sum():
            continue
        place, coherent = pulled(own, lattice, grid, shift[cut[0]])
        spread = np.broadcast_to(moments(own, grid), (len(place), 2, 2))
        label = np.full(len(place), -1 if lattice.satellite else number)
        waves_here.append((place, lattice.amplitude * coherent, label))
        power = (np.abs(lattice.amplitude) * own.sum() / here.sum()) ** 2
        weights_here.append((spread, power))
    if not waves_here:
        excess = ring_excess(window * (signal[cut] - mean), grid, white)
        faint = plan.state == "powder" and excess < SURE_RING
        return no_spots(None if faint else plan.state, grid)
    place, coherent, number = (np.concatenate(part) for part in zip(*waves_here, strict=True))
    spread, share = (np.concatenate(part) for part in zip(*weights_here, strict=True))
    noise = np.full(len(place), white)
    if plan.speckle is not None:
        strength = here * np.broadcast_to(plan.speckle[1], plan.grid.shape)[cut]
        noise += plan.speckle[0](np.hypot(*place.T)) ** 2 * (strength**2).sum()
    noise += plan.row_noise**2 * line_power(here, grid, place[:, 0])
    lost = -np.expm1(-((2 * np.pi * plan.jitter * grid.scale[0] * place[:, 0]) ** 2)) * share
    for sign in (-1, 1):
        apart = place[:, :1] + sign * place[None, :, 0]
        noise += line_power(here, grid, apart) @ lost
    rest = transform_at(window * (signal[cut] - mean), grid, place) - coherent
    mask = np.ones(plan.grid.shape, bool) if plan.mask is None else plan.mask
    inverse = np.linalg.inv(moments(window, grid))
    windowed = inverse @ moments(window**2, grid) @ inverse / (8 * np.pi**2)
    efficiency = window.sum() ** 2 / (mask.sum() * (window**2).sum())
    plain = np.linalg.inv(moments(mask[cut].astype(float), grid)) * efficiency / (8 * np.pi**2)
    found = Truth(
        place, np.abs(coherent) ** 2 / noise, np.abs(rest) ** 2 / noise, number, spread,
        windowed, plain, plan.state, grid,
    )  # fmt: skip
    seen = found.snr > WEAKEST
    names = ("position", "snr", "leaked", "lattice", "moments")
    found = replace(found, **{name: getattr(found, name)[seen] for name in names})
    return replace(found, state=settled(found))


def ring_excess(pixels: np.ndarray, grid: Grid, noise: float) -> float:
    """Largest excess of the noise-free power of a ring, in deviations of the noise's mean there."""
    power = np.abs(fft.rfft2(pixels)) ** 2
    gx, gy = fft.rfftfreq(grid.shape[1], grid.scale[0]), fft.fftfreq(grid.shape[0], grid.scale[1])
    ring = (np.hypot(gx[None, :], gy[:, None]) * min(grid.extent)).astype(int).ravel()
    count = np.bincount(ring)
    excess = np.bincount(ring, power.ravel()) / np.maximum(count, 1) / noise * np.sqrt(count)
    return float(excess[int(FEWEST_PERIODS) :].max())


def no_spots(state: str | None, grid: Grid) -> Truth:
    """Truth of a region without a lattice."""
    none, still = np.zeros(0), np.eye(2)
    empty = np.zeros((0, 2, 2))
    return Truth(np.zeros((0, 2)), none, none, none.astype(int), empty, still, still, state, grid)


def in_band(position: np.ndarray, grid: Grid) -> np.ndarray:
    """Whether frequencies (n, 2) lie where spots are scored."""
    slow = np.hypot(*(position * grid.extent).T) >= FEWEST_PERIODS
    return slow & (np.abs(position * grid.scale).max(axis=1, initial=0) <= HIGHEST_FREQUENCY)


def must_find(truth: Truth) -> np.ndarray:
    """Spots that a finder has to find: in the band, and strong against noise and leakage."""
    strong = truth.snr > MUST_FIND * (1 + truth.leaked)
    return strong & (truth.lattice >= 0) & in_band(truth.position, truth.grid)


def separation(truth: Truth) -> np.ndarray:
    """Distance (n, n) of each two spots, Friedel partners included, over the resolution."""
    both = np.stack([truth.position, -truth.position])
    apart = truth.position[None, :, None, :] - both[:, None, :, :]
    widths = [np.einsum("snkx,nxy,snky->snk", apart, truth.moments, apart)]
    widths.append(np.einsum("snkx,kxy,snky->snk", apart, truth.moments, apart))
    return np.sqrt(np.min(widths, axis=(0, 1)) / RESOLUTION)


@dataclass(frozen=True)
class Verdict:
    """Counts of one answer, and for each true spot the nearest found one (-1: none)."""

    hits: int
    misses: int
    false: int
    partner: np.ndarray


def judge(truth: Truth, found: np.ndarray) -> Verdict:
    """Compare found positions (n, 2) with the truth.

    True spots closer than the resolution count as one, found at least once and at most as often
    as there are spots in it. Spots that need not be found are neither a hit nor a false spot.
    """
    from scipy.sparse.csgraph import connected_components

    found = found[in_band(found, truth.grid)]
    count = len(truth.snr)
    partner = np.full(count, -1)
    if not count:
        return Verdict(0, 0, len(found), partner)
    cluster = connected_components(separation(truth) < 1)[1]
    wanted = np.bincount(cluster, must_find(truth)) > 0
    apart = found[:, None] - np.stack([truth.position, -truth.position])[:, None]
    far = np.einsum("snkx,kxy,snky->snk", apart, truth.moments, apart).min(axis=0) / RESOLUTION
    if not len(found):
        return Verdict(0, int(wanted.sum()), 0, partner)
    nearest, close = far.argmin(axis=1), far.min(axis=1) < 1
    answers = np.bincount(cluster[nearest[close]], minlength=len(wanted))
    surplus = np.maximum(answers - np.bincount(cluster), 0)[wanted].sum()
    best = far.argmin(axis=0)
    partner = np.where(far.min(axis=0) < 1, best, -1)
    hits = int((answers[wanted] > 0).sum())
    return Verdict(hits, int(wanted.sum()) - hits, int((~close).sum() + surplus), partner)


def settled(truth: Truth) -> str | None:
    """State of the region, None where it hangs on spots that may or may not be seen."""
    if truth.state in ("powder", "no lattice seen"):
        return truth.state
    others = truth.lattice[:, None] != truth.lattice[None, :]
    alone = ~((separation(truth) < 1) & others).any(axis=1)
    sure = must_find(truth) & (alone | (truth.state != "several crystals"))
    shown = 0
    for number in np.unique(truth.lattice[sure]):
        g = truth.position[sure & (truth.lattice == number)]
        sines = np.abs(g[0, 0] * g[:, 1] - g[0, 1] * g[:, 0]) / np.hypot(*g.T) / np.hypot(*g[0])
        shown += bool(sines.max() > 0.06) != (truth.state == "fringes")
    return truth.state if shown >= (2 if truth.state == "several crystals" else 1) else None


def expose(plan: Plan, rng: np.random.Generator, name: str, category: str) -> Scene:
    """Image of a plan with all its noise, and the truth of its region."""
    grid, rows = plan.grid, np.linspace(-1, 1, plan.grid.shape[0])
    shift = plan.jitter * rng.normal(size=(grid.shape[0], 2)) * [1, 0]
    shift = (shift + plan.bow * rows[:, None] ** 2 * [0.8, 0.6]) * grid.scale
    texture = np.zeros(grid.shape, np.float32) + plan.texture
    for lattice in plan.lattices:
        if len(lattice.g) and not lattice.satellite:
            texture += lattice.weight * waves(lattice, grid, shift)
    random = np.zeros(grid.shape, np.float32)
    if plan.speckle is not None:
        random = random_field(rng, grid, plan.speckle[0]) * plan.speckle[1]
    limit = min(1.0, 0.95 / max(-float((texture + random).min()), 1e-9))
    lattices = [replace(item, amplitude=item.amplitude * limit) for item in plan.lattices]
    speckle = plan.speckle and (plan.speckle[0], plan.speckle[1] * limit)
    plan = replace(plan, lattices=lattices, speckle=speckle)
    signal = plan.dose * plan.base * (1 + limit * texture)
    lines = plan.row_noise * rng.normal(size=(grid.shape[0], 1)) * plan.dose * plan.base
    mean = np.maximum(signal + plan.dose * plan.base * limit * random, 0)
    image = rng.poisson(mean) + lines + plan.readout * rng.normal(size=grid.shape)
    if plan.blur:
        image = ndimage.gaussian_filter(image, plan.blur, mode="wrap")
    image = image.astype(np.float32)
    mask = np.ones(grid.shape, bool) if plan.mask is None else plan.mask
    truth = truth_of(plan, windowed_region(image, grid, mask), signal, shift)
    return Scene(name, category, image, grid, mask, truth)
