"""netproof proves by traffic, kernel state and watched events that a Kubernetes network does what it should."""
