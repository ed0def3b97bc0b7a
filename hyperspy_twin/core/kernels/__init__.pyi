from .compilation import COMPILED_BESIDE, inlined, kernel
from .threads import run_in_parts

__all__ = ["COMPILED_BESIDE", "inlined", "kernel", "run_in_parts"]
