"""A run directory → one HTML file to look at: `hpo report`."""
