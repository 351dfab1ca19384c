"""Files become documents, sections and passages."""
