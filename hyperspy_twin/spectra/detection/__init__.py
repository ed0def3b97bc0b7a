"""Detectors of Bragg peaks, and their consensus."""
