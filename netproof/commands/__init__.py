"""The commands of ``netproof``, a module for each group; :mod:`netproof.cli` puts them together."""
