"""The JSON of the command line and of HTTP."""
