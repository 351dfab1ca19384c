"""The index folder: atomic, verified, versioned."""
