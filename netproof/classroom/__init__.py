"""Grading many works: each in a process and on a cluster of its own, several at once, and none twice."""
