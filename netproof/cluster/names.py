"""Names of images and things inside an embedded cluster that several of its parts agree on."""

COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:netproof"
AGNHOST_IMAGE = "registry.k8s.io/e2e-test-images/agnhost:netproof"
PAUSE_IMAGE = "registry.k8s.io/pause:netproof"
