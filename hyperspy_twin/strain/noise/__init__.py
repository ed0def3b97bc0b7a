"""Noise of lattice waves: that of all pixels, and that of scan lines."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
