"""
Stack of images
===============

A series in which a catalyst loses particles. The whole stack is segmented by one call, image by
image; slicing with ``inav`` gives the regions of one image.
"""

import hyperspy.api as hs
import matplotlib.pyplot as plt

import hyperspy_twin as ht

true_numbers = [6, 5, 3, 2]
frames = [
    ht.data.nanoparticles(number=number, diameter=3.5, shape=(384, 384), seed=seed)
    for seed, number in enumerate(true_numbers)
]
stack = hs.stack(frames)
seg = stack.segment()
seg

# %%
# Particles of each image, and how many there should be:

counted = [seg.inav[index].separate_particles() for index in range(len(frames))]
x, y = (axis.axis for axis in stack.axes_manager.signal_axes)
figure, axes = plt.subplots(1, 4, figsize=(12, 3.6), sharey=True, layout="constrained")
axes[0].set_ylabel("y (nm)")
for axis, particles, true in zip(axes, counted, true_numbers, strict=True):
    axis.imshow(particles.data, cmap="gray", vmax=40, extent=(x[0], x[-1], y[-1], y[0]))
    axis.contour(x, y, particles.labels.data > 0, levels=[0.5], colors="tab:orange")
    axis.set(title=f"{len(particles.particles)} particles, true {true}", xlabel="x (nm)")
