"""Grading a submission: a rubric and the results of a run make a score, and that makes feedback and tables."""
