"""Document-grounded retrieval: passages cited to the character, offline, on one CPU."""

__version__ = "0.1.0"
