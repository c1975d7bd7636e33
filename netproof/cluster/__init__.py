"""Clusters: how one comes to be, and what it is made of."""
