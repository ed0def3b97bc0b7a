"""
Build and export a model
========================

Atoms are filled into the outlines of a germanium well and its SiGe barriers, moved as the strain
says, and written for simulation programs. Elements of the alloy are drawn at the composition that
the spacing tells.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import ase.io
import hyperspy.api as hs
import numpy as np

import hyperspy_twin as ht

s = ht.data.sige_quantum_well(shape=(512, 512), well_thickness=8.0)
strain = s.segment().find_peaks().index_phases(["Si1-xGex", "Ge"]).gpa()
model = strain.to_atoms(thickness=5.0)
print(model.formula)

# %%
# A part of it, with one atom for each column so that none hides another:

thinnest = strain.to_atoms(thickness=0.4)
thinnest.plot(roi=hs.roi.RectangularROI(left=6, top=2, right=12, bottom=8))

# %%
# Extended XYZ keeps the region of each atom; POSCAR, CIF and LAMMPS data are written by their
# suffix.

with TemporaryDirectory() as folder:
    path = model.write(Path(folder) / "well.xyz")
    atoms = ase.io.read(path)
print(atoms)

# %%
# The atoms that are really in the field of view, in as many layers along the beam:

truth = s.truth
width, height = (10 * axis.size * axis.scale for axis in s.axes_manager.signal_axes)
x, y, z = truth.positions.T
inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
for name, number in (("Si", 14), ("Ge", 32)):
    true = (truth.numbers[inside] == number).sum()
    print(f"{name}: {(model.numbers == number).sum()} in the model, {true} in the sample")
print(
    f"layers: {len(np.unique(model.positions[:, 2].round(1)))} in the model, "
    f"{len(np.unique(z.round(1)))} in the sample"
)
