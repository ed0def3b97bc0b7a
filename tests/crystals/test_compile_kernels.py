"""The program that compiles the kernels of indexing leaves none for the first image."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import numpy as np
from numba.core.dispatcher import Dispatcher
from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.indexing import compile_kernels
from hyperspy_twin.crystals.indexing.region_indexing import index_regions

def signatures():
    modules = [vars(one) for name, one in sys.modules.items() if name.startswith("hyperspy_twin.")]
    kernels = {one for names in modules for one in names.values() if isinstance(one, Dispatcher)}
    return {(one.__module__, one.__name__): len(one.signatures) for one in kernels}

compile_kernels.main()
before = signatures()
assert before["hyperspy_twin.crystals.evidence.zone_evidence", "explain"] == 1
assert before["hyperspy_twin.crystals.evidence.thin_crystals", "projected_gain"] == 1
assert before["hyperspy_twin.crystals.evidence.twins", "evaluate_twin"] == 1
rng = np.random.default_rng(0)
regions = []
shapes = [[3, 0], [0, 3], [3, 3], [3, -3], [6, 0]], [[2, 1], [1, -3], [4, 2]]
for number, shape in enumerate(shapes):
    position = shape + rng.normal(0, 0.01, np.shape(shape))
    intensity = rng.uniform(1, 9, len(shape))
    regions.append(Peaks(position, np.full(position.shape, 0.02), intensity, region=number + 1))
index_regions(regions, ["Si", "Au", "TiO2"])
assert signatures() == before, signatures()
"""


def test_nothing_is_left_to_compile():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
