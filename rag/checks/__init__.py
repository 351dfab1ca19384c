"""Whether an index is sound, and what changed."""
