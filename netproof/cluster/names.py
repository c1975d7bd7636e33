"""Names of images and things inside an embedded cluster that several of its parts agree on."""

from netproof.images.containerd_hosts import OWN_REGISTRY

COREDNS_IMAGE = f"{OWN_REGISTRY}/coredns:1"
AGNHOST_IMAGE = f"{OWN_REGISTRY}/agnhost:1"
BUSYBOX_IMAGE = f"{OWN_REGISTRY}/busybox:1"
PAUSE_IMAGE = f"{OWN_REGISTRY}/pause:1"
METALLB_CONTROLLER_IMAGE = f"{OWN_REGISTRY}/metallb-controller:1"
METALLB_SPEAKER_IMAGE = f"{OWN_REGISTRY}/metallb-speaker:1"
TRAEFIK_IMAGE = f"{OWN_REGISTRY}/traefik:1"
DASHBOARD_IMAGE = f"{OWN_REGISTRY}/dashboard:1"
