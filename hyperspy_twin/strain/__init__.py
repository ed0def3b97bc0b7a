"""Strain, rotation and displacement of a lattice by geometric phase analysis."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
