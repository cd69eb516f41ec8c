"""A run directory → one HTML file to look at: `hpo report`."""

REPORT = "report.html"
"""Name of the file inside a run directory, unless told otherwise."""
