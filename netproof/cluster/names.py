"""Names of images and things inside an embedded cluster that several of its parts agree on."""

COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:netproof"
# Names that exist in the world, for a cluster that is not netproof's own pulls them; an embedded one is given images
# that are made of the programs in the cache.
AGNHOST_IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"
BUSYBOX_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.36.1-1"
PAUSE_IMAGE = "registry.k8s.io/pause:netproof"
METALLB_CONTROLLER_IMAGE = "quay.io/metallb/controller:netproof"
METALLB_SPEAKER_IMAGE = "quay.io/metallb/speaker:netproof"
TRAEFIK_IMAGE = "docker.io/library/traefik:netproof"
