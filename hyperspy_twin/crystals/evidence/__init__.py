"""How strongly peaks speak for a crystal in a zone axis, and for any other crystal."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
