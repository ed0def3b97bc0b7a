"""Region outlines, and the kernels on the edges of polygons that they need."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
