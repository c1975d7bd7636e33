"""Workloads in a living cluster, as checks put them under test: Deployments, their pods, their probes and rollouts."""
