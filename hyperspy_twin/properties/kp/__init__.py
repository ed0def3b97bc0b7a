"""Theory of k.p: holes of strained wells, and their band edges."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
