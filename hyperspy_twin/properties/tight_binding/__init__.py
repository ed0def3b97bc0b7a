"""The Hamiltonian of electrons in sp3d5s* tight binding."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
