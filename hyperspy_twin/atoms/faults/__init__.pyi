from .insertion import FaultedImage, PlanarFault, insert_faults

__all__ = ["FaultedImage", "PlanarFault", "insert_faults"]
