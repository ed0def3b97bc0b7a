"""Electronic states near an energy: found one by one, with their residuals."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
