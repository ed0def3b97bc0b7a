"""What indexed crystals tell: orientation maps, epitaxy, and the pixel size of the image."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
