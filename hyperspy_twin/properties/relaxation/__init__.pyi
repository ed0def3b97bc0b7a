from .relax import Mode, Relaxation, relax_atoms

__all__ = ["Mode", "Relaxation", "relax_atoms"]
