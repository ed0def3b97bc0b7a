"""The signal types, each in a file of its own: state, thin methods, plots, no numerics."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
