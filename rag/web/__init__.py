"""Everything that is HTTP, and the page."""
