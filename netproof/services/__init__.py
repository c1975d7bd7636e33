"""Services in a living cluster, as checks put them under test: endpoints, published addresses and DNS, kube-proxy."""
