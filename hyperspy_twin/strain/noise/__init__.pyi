from .measure import Noise, frequency_errors, is_significant, measure_noise

__all__ = ["Noise", "frequency_errors", "is_significant", "measure_noise"]
