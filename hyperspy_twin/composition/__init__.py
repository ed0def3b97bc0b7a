"""Composition maps from spectrum images, quantified maps, strain, intensity or region."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
