"""A corpus becomes a published snapshot."""
