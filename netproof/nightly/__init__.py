"""Nights: the suite on each Kubernetes version and proxy mode, and what changed since the night before."""
