"""Benchmarks: what building, opening, encoding and asking cost; `python -m eval.speed`."""
