"""
Load and calibrate
==================

The scale in a file is often wrong by a few per cent. Here gold particles are saved with pixels 3
% too large, as a TIFF file, and loaded again. The lattice of gold is known to a part in ten
thousand, so that the particles tell the true pixel size.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import hyperspy_twin as ht

sample = ht.data.nanoparticles(number=3, metals=("Au",), shape=(512, 512))
true_size = sample.axes_manager["x"].scale
for axis in sample.axes_manager.signal_axes:
    axis.scale = 1.03 * true_size

with TemporaryDirectory() as folder:
    sample.save(Path(folder) / "gold.tif")
    s = ht.load(Path(folder) / "gold.tif")

# %%
# What the file says, and where it says so:

s.calibration

# %%
# The scale of the fringes, once they are known to be those of gold:

fft = s.segment().find_peaks().index_phases(["Au"])
fft.calibration

# %%
# The anisotropy is within its error of zero, so that one value serves for both directions. Now
# the scale bar is right:

s.calibrate(np.mean(fft.calibration.pixel_size))
s.plot()
print(
    f"in the file {1.03 * true_size:.5f} nm, by the crystals "
    f"{s.axes_manager['x'].scale:.5f} nm, true {true_size:.5f} nm"
)
