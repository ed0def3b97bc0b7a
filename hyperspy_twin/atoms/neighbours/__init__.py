"""Which atoms are near which: neighbour lists, bonds and coordination."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
