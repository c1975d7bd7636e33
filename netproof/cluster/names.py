"""Names of images and things inside an embedded cluster that several of its parts agree on."""

from netproof.images.containerd_hosts import OWN_REGISTRY

COREDNS_IMAGE = f"{OWN_REGISTRY}/coredns:1"
AGNHOST_IMAGE = f"{OWN_REGISTRY}/agnhost:1"
BUSYBOX_IMAGE = f"{OWN_REGISTRY}/busybox:1"
WEB_IMAGE = f"{OWN_REGISTRY}/web:1"
PAUSE_IMAGE = f"{OWN_REGISTRY}/pause:1"
METALLB_CONTROLLER_IMAGE = f"{OWN_REGISTRY}/metallb-controller:1"
METALLB_SPEAKER_IMAGE = f"{OWN_REGISTRY}/metallb-speaker:1"
TRAEFIK_IMAGE = f"{OWN_REGISTRY}/traefik:1"
DASHBOARD_IMAGE = f"{OWN_REGISTRY}/dashboard:1"

NAMES_IN_THE_WORLD = {
    AGNHOST_IMAGE: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    BUSYBOX_IMAGE: "registry.k8s.io/e2e-test-images/busybox:1.36.1-1",
}
"""What a cluster that is not netproof's own pulls in the place of these. An embedded one knows them, too."""
