"""Adaptations: documented changes, which keep the meaning, so that an old submission runs on a new cluster.

Each rule is a module of its own. What an author got wrong stays wrong: a rule changes what worked where it was written.
"""

from netproof.submission.adaptations.adapt import RULES, Adapted, adapt
from netproof.submission.adaptations.rule import TRAEFIK, Change, Group, Rule, Target

__all__ = ["RULES", "TRAEFIK", "Adapted", "Change", "Group", "Rule", "Target", "adapt"]
