from .separation import find_background, separate_particles
from .size_distribution import (
    ParticleSizes,
    SizeDistribution,
    fit_size_distribution,
    measure_particles,
)

__all__ = [
    "ParticleSizes",
    "SizeDistribution",
    "find_background",
    "fit_size_distribution",
    "measure_particles",
    "separate_particles",
]
