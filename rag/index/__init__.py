"""What is searched, in memory and as files."""
