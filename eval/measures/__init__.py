"""Measures of a run, and how sure they are."""
