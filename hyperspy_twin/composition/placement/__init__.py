"""Where a map lies on a micrograph: by tags, by its rows, by search, and how well that is known."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
