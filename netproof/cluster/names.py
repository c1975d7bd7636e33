"""Names of images and things inside an embedded cluster that several of its parts agree on."""

COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:netproof"
AGNHOST_IMAGE = "registry.k8s.io/e2e-test-images/agnhost:netproof"
BUSYBOX_IMAGE = "registry.k8s.io/e2e-test-images/busybox:netproof"
PAUSE_IMAGE = "registry.k8s.io/pause:netproof"
METALLB_CONTROLLER_IMAGE = "quay.io/metallb/controller:netproof"
METALLB_SPEAKER_IMAGE = "quay.io/metallb/speaker:netproof"
TRAEFIK_IMAGE = "docker.io/library/traefik:netproof"
