"""Evaluation: an eval set from the FAQ, measures with intervals, public test sets."""
