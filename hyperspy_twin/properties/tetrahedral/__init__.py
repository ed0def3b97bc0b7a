"""Bonds of atoms that have four in their crystal, in a table of four slots."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
