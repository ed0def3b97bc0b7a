"""
Tell SrTiO3 from PbTiO3
=======================

A film of PbTiO3 on SrTiO3, in the plane alike within 0.03 %. What differs to the lattice is the
tetragonal axis, 4.152 Å against 3.905 Å: one scale for both regions decides which is which.
"""

import hyperspy.api as hs
import numpy as np
from ase.data import atomic_numbers
from scipy.ndimage import gaussian_filter

import hyperspy_twin as ht

# %%
# The image is made of cells of the catalogue, the film with its c axis upwards. Columns are spots
# of 0.1 nm, as bright as Z to the power of 1.7 (dark field at high angles), and pixels count
# electrons.

SIZE, PIXEL, FINE = 448, 0.03, 4  # pixels, nm, samples per pixel
interface = SIZE * PIXEL / 2


def fill(name, rows):
    """Columns of rows of cells: x, y in nm (a to the right, c upwards), and brightness."""
    cell = ht.phases.get(name)
    a, _, c = np.array(cell.lattice[:3]) / 10
    u, _, w = np.transpose(cell.fractional)
    across, up = np.meshgrid(np.arange(-1, 36), rows)
    x = (across[..., None] + u) * a
    y = interface - (up[..., None] + w) * c
    brightness = np.array([atomic_numbers[symbol] for symbol in cell.symbols]) ** 1.7
    return np.stack([y, x, np.broadcast_to(brightness, x.shape)]).reshape(3, -1)


columns = np.hstack([fill("PbTiO3", np.arange(18)), fill("SrTiO3", np.arange(-19, 0))])
edges = np.linspace(0, SIZE * PIXEL, SIZE * FINE + 1)
sharp, _, _ = np.histogram2d(*columns[:2], bins=edges, weights=columns[2])
spots = gaussian_filter(sharp, 0.1 / 2.355 / PIXEL * FINE)
pixels = spots.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3))
electrons = np.random.default_rng(0).poisson(200 * pixels / pixels.max()).astype(np.float32)

s = hs.signals.Signal2D(electrons)
s.metadata.General.title = "PbTiO3 on SrTiO3"
for axis, name in zip(s.axes_manager.signal_axes, "xy", strict=True):
    axis.name, axis.scale, axis.units = name, PIXEL, "nm"
s.set_signal_type("Micrograph")

# %%
# Region 1 is the film, seen along [010], which is the same as [100] by its symmetry:

seg = s.segment()
fft = seg.find_peaks().index_phases(["SrTiO3", "PbTiO3"])
seg.plot(phases=fft)
fft.phases

# %%
# The planes that tell them apart lie along the interface. Their spacings, and what was put there:

for record, name in zip(fft.phases, ("PbTiO3", "SrTiO3"), strict=True):
    peaks = fft.peaks(record.region)
    upright = np.abs(peaks["x"]) < 0.1
    g = np.abs(peaks["y"][upright]).min()
    true = ht.phases.get(name).lattice[2]
    print(f"{record.phase}: {10 / g:.3f} Å; true: {name}, {true:.3f} Å")
