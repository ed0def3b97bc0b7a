"""From the peaks of regions to their phases, with one pixel size for an image."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
