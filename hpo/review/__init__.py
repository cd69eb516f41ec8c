"""Looking at results: the run's record → tables, live progress."""
