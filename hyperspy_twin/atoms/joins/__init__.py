"""Where two crystals of a model meet: planes that twins share, and atoms that are too close."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
