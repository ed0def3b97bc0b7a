"""
Segment a nanowire
==================

A nanowire of InSb, grown on InP, stands in vacuum. It is divided where its brightness or its
lattice changes, without a parameter: InSb is region 1, InP region 4, and the vacuum on its left and
right regions 2 and 3.
"""

import numpy as np

import hyperspy_twin as ht

s = ht.data.mismatched_nanowire(shape=(512, 512), wire_width=12.0)
seg = s.segment()
seg.plot()
seg.regions

# %%
# Which region is which in the truth, where 0 is vacuum, 1 InSb and 2 InP:

true_labels = s.truth.labels
for number in seg.regions["region"]:
    inside = true_labels[seg.labels.data == number]
    label = np.bincount(inside).argmax()
    print(f"region {number}: {np.mean(inside == label):.1%} of its pixels are label {label}")
