"""The result model and what is made from it."""
