"""
Index a grain boundary
======================

Two grains of gold look down [001], one turned against the other by 36.87 degrees about the beam:
a Σ5 boundary. The grains are equally bright, so that only the lattice tells them apart.
"""

import hyperspy.api as hs
import numpy as np
from ase.build import bulk

from hyperspy_twin.simulation import Microscope, Scan, record_image

# %%
# The image is simulated from atoms: two turned blocks that meet in the middle of the field.

scan = Scan(shape=(448, 448), pixel_size=0.03)
middle = 10 * scan.field[0] / 2  # Å
gold = bulk("Au", a=4.078, cubic=True).repeat((54, 54, 12))
grains = []
for side, angle in ((-1, 10.0), (1, 10.0 - 36.87)):
    grain = gold.copy()
    grain.rotate(angle, "z", center="COP")
    positions = grain.positions - [*grain.positions.mean(axis=0)[:2] - middle, 0]
    grains.append(positions[side * (positions[:, 0] - middle) > 0.7])
positions = np.concatenate(grains)
numbers = np.full(len(positions), 79)
image = record_image(positions, numbers, scan=scan, microscope=Microscope())

s = hs.signals.Signal2D(image)
s.metadata.General.title = "Gold bicrystal"
for axis, name in zip(s.axes_manager.signal_axes, "xy", strict=True):
    axis.name, axis.scale, axis.units = name, scan.pixel_size, "nm"
s.set_signal_type("Micrograph")

# %%
# The angle between the grains is the misorientation, with its axis, in the table of relations.

seg = s.segment("texture")
fft = seg.find_peaks().index_phases(["Au"])
seg.plot(phases=fft)
relation = fft.epitaxy()[0]
print(f"{relation['misorientation']:.2f} degrees about {relation['axis']}, true 36.87 about [001]")
