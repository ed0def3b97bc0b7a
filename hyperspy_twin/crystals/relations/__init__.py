"""What indexed crystals tell: maps, epitaxy, pixel size."""
