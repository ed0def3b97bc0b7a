"""Band-limited fields on a coarse grid, and their way back to the pixels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
