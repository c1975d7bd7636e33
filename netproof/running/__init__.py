"""Running checks under pytest: selecting, ordering, judging, recording; also across the workers of pytest-xdist."""
