"""One reader for each kind of text."""
