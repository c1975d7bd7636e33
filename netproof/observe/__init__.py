"""Observation: what is seen from a place in the network, in a packet filter and in a cluster's watch events.

Import from the modules: this file stays empty so that the agent, which many places start, loads only what it needs.
"""
