"""Ingresses as their requests meet them: what their rules and annotations ask of a controller."""
