"""
Continue from a file
====================

Each step of the chain is a signal that is saved with all that the next step needs. Strain that
was measured yesterday becomes an atomic model today, the same to the last digit.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import hyperspy.api as hs
import numpy as np

import hyperspy_twin as ht

s = ht.data.sige_quantum_well(shape=(384, 384), well_thickness=6.0)
strain = s.segment().find_peaks().index_phases(["Si1-xGex", "Ge"]).gpa()

with TemporaryDirectory() as folder:
    strain.save(Path(folder) / "strain.hspy")
    loaded = hs.load(Path(folder) / "strain.hspy")
loaded

# %%
# It knows how it was made,

for step in loaded.history:
    print(step["step"], step["parameters"])

# %%
# and goes on where it stopped.

model = loaded.to_atoms(thickness=2.0)
same = np.array_equal(model.positions, strain.to_atoms(thickness=2.0).positions)
print(f"{model.formula}, the same as without the file: {same}")
model.plot(by="region")
