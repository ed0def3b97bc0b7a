from .compilation import COMPILED_BESIDE, kernel
from .threads import run_in_parts

__all__ = ["COMPILED_BESIDE", "kernel", "run_in_parts"]
