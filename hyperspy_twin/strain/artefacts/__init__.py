"""What a map shows beside strain: traces of filters, of the scan, and of structure factors."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
