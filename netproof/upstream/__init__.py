"""Kubernetes' own end-to-end tests, run on an embedded cluster: ``netproof upstream``."""
