"""Regions of an image: four methods behind one call, their confidence and statistics, and edits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
