"""Services in a living cluster, as checks put them under test: their endpoints, the addresses and DNS they publish."""
