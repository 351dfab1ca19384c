"""The live index and its jobs, without HTTP."""
