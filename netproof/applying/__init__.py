"""Applying a submission to a cluster: what goes in, in which order, and what the API said to each object."""
