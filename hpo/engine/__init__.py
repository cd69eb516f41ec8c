"""A sweep run on a Ray cluster: Tune's objects decide, one long-lived actor a slot runs."""
