"""What the tests of segmentation share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def adjusted_rand():
    """Adjusted Rand index of two images of labels: 1 where they agree, 0 by chance."""

    def index(a, b):
        table = np.zeros((a.max() + 1, b.max() + 1))
        np.add.at(table, (a.ravel(), b.ravel()), 1)
        together = (table * (table - 1)).sum()
        first, second = (n @ (n - 1) for n in (table.sum(axis=1), table.sum(axis=0)))
        expected = first * second / (a.size * (a.size - 1))
        return (together - expected) / ((first + second) / 2 - expected)

    return index
