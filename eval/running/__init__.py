"""Asks every system the questions, and records the results."""
