"""Puts the questions to the systems and records what came back."""
