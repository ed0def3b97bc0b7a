from .separation import separate_particles
from .size_distribution import ParticleSizes, fit_size_distribution, measure_particles

__all__ = ["ParticleSizes", "fit_size_distribution", "measure_particles", "separate_particles"]
