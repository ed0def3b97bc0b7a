from .measure import Noise, is_significant, measure_noise

__all__ = ["Noise", "is_significant", "measure_noise"]
