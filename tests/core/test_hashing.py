"""Hashes of arrays."""

import numpy as np

from hyperspy_twin.core import content_hash


def test_hashes_tell_values_types_and_shapes():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    # Files hold such hashes: they stay the same.
    assert content_hash(array) == "7304badd40057db3d807d7bddc2110c3"
    assert content_hash(np.asfortranarray(array)) == content_hash(array)
    others = [
        (array + 1,),
        (array.astype(float),),
        (array.ravel(),),
        (array, array),
        (array[:1], array[1:]),
        (array[1:], array[:1]),
    ]
    found = {content_hash(array), *(content_hash(*one) for one in others)}
    assert len(found) == 1 + len(others)
