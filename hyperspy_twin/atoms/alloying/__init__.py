"""Alloys: which elements share the sites of a model, how much of each, and which atom is which."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
