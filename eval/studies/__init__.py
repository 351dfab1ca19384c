"""How the constants that ship were chosen: each study one file, one command, run by hand."""
