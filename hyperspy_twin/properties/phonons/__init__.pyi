from .block_rows import ForceConstants, force_constants

__all__ = ["ForceConstants", "force_constants"]
