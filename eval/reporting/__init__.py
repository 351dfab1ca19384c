"""Says what came out: report page, plots, terminal, comparison."""
