"""
Strain of a quantum well
========================

A germanium well between barriers of Si0.3Ge0.7. It takes their lattice in the plane, and
stretches along the growth direction: e_xx is zero everywhere, e_yy is not.
"""

import matplotlib.pyplot as plt
import numpy as np

import hyperspy_twin as ht

s = ht.data.sige_quantum_well(shape=(512, 512), well_thickness=8.0)
strain = s.segment().find_peaks().index_phases(["Si1-xGex", "Ge"]).gpa()
strain.plot()
strain.regions

# %%
# Across the well, against the strain that the atoms of the sample were given. Each region is
# analysed by itself, so that the step is sharp. The waves are jitter of the scan, which displaces
# whole lines.

y = strain.axes_manager["y"].axis
measured = np.nanmean(strain.e_yy.data, axis=1)
figure, axis = plt.subplots()
axis.plot(y, 100 * measured, label="measured, mean of each row")
axis.plot(y, 100 * s.truth.strain["e_yy"].mean(axis=1), "k--", label="true")
axis.set(xlabel="y (nm)", ylabel="e_yy (%)")
axis.legend()

well = s.truth.labels == 2
print(
    f"e_yy in the well {100 * np.nanmean(strain.e_yy.data[well]):.2f} %, "
    f"true {100 * s.truth.strain['e_yy'][well].mean():.2f} %"
)
