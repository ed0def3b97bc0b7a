"""Images of atoms: where they are, how they scatter, the probe, the scan and its electrons."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
