"""
Command line
============

The chain as one command, with a report to read. It takes files of microscopes; here a sample is
saved first.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

import hyperspy_twin as ht

folder = TemporaryDirectory()
image = Path(folder.name) / "well.hspy"
ht.data.sige_quantum_well(shape=(512, 512), well_thickness=8.0).save(image)

# %%
# What is typed is ``hyperspy-twin run well.hspy --phases Si Ge Si1-xGex --thickness 2 --out
# well_twin``:

arguments = "run well.hspy --phases Si Ge Si1-xGex --thickness 2 --out well_twin"
command = [sys.executable, "-m", "hyperspy_twin.cli", *arguments.split()]
finished = subprocess.run(command, cwd=folder.name, capture_output=True, text=True, check=True)
print(finished.stdout)

# %%
# Each step is there as a signal and as a picture, and the model in two formats. The germanium
# well is strained by 2.3 % along y, which the sample was made with.

results = Path(folder.name) / "well_twin"
print(*sorted(path.name for path in results.iterdir()), sep="\n")

figure, axis = plt.subplots(figsize=(8, 8), layout="constrained")
axis.imshow(plt.imread(results / "strain.png"))
axis.set_axis_off()
folder.cleanup()
