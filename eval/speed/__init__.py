"""Benchmarks: what encoding and asking cost."""
