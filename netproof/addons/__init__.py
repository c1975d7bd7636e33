"""What netproof installs into a cluster."""
