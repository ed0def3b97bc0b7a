"""From peaks to phase, zone axis and orientation."""
