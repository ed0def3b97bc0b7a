"""
Count particles
===============

Gold and palladium particles on a carbon film. Each is outlined where its thickness begins, and
measured; those that the border of the image cuts would be left out of the distribution.
"""

import numpy as np

import hyperspy_twin as ht

s = ht.data.nanoparticles(number=8, diameter=4.0, shape=(512, 512))
particles = s.segment().separate_particles()
particles.plot()
particles.particles

# %%
# Their sizes as a distribution:

particles.plot_particles()

# %%
# The truth: how many there are, and the mean diameter of the circles of equal area.

labels, areas = np.unique(s.truth.labels[s.truth.labels <= 8], return_counts=True)
true_diameter = 2 * np.sqrt(areas / np.pi) * s.axes_manager["x"].scale
measured = particles.particles["equivalent_diameter"]
print(f"counted {len(measured)}, true {len(labels)}")
print(f"mean diameter {measured.mean():.2f} nm, true {true_diameter.mean():.2f} nm")
