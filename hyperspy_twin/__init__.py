"""From an electron micrograph to a digital twin of the device: a HyperSpy extension."""

import lazy_loader

try:
    from hyperspy_twin._version import __version__
except ModuleNotFoundError:  # a source tree that was never built
    __version__ = "0.1.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
