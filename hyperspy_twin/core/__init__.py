"""The ground that every room stands on: grids, outlines, lattices, crystals, peaks and tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
