"""What an add-on is: images and objects that are put into a cluster, and how it is seen that it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from netproof.addons.condition import condition_of
from netproof.cluster.api import ApiRefused, KubernetesApi, Object
from netproof.errors import NetproofError
from netproof.images.added import add_images
from netproof.own_manifests import names_in_manifest
from netproof.toolchain import Tools
from netproof.toolchain.cache import open_cache
from netproof.toolchain.oci import Image
from netproof.waiting import NotYetError, TimedOutError, Timeouts, Waiter

Values = Mapping[str, str]
"""What an installation decides of an add-on, by name."""

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Addon:
    """Something that netproof can put into a cluster.

    Attributes:
        name: how it is called, in words.
        namespace: its namespace, which it brings along.
        components: the components of the toolchain it is made of.
        images: assembles its images, by the names that its objects call them.
        objects: its objects, in the order to apply them.
        serves: returns where it serves, and raises NotYetError with what it lacks where not.
        manifest: the name of its manifest among netproof's own; empty where it has none there.
        has_secrets: whether its objects carry secrets made anew each time, so that one that serves is left as it is.
    """

    name: str
    namespace: str
    components: tuple[str, ...]
    images: Callable[[Tools], Mapping[str, Image]]
    objects: Callable[[Tools, Values], list[Object]]
    serves: Callable[[KubernetesApi], None]
    has_secrets: bool = False
    manifest: str = ""

    @property
    def object_names(self) -> frozenset[tuple[str, str, str]]:
        """Kind, namespace and name of each object of its manifest."""
        return names_in_manifest(self.manifest) if self.manifest else frozenset()

    def install(self, api: KubernetesApi, tools: Tools, added_images: Path, values: Values, timeouts: Timeouts) -> None:
        """Put it into the cluster and return when it serves; where it is in already, it is brought to this state.

        Args:
            api: the cluster's API.
            tools: the programs of its components.
            added_images: the file that gives the cluster's registry further images.
            values: what this installation decides.
            timeouts: how long it may take to serve.

        Raises:
            NetproofError: the API does not take an object, or it does not get to serve; the message then ends with its
                pods that are not Ready, their events and the ends of their logs.
        """
        if self.has_secrets and self._serves_already(api):
            return
        add_images(added_images, store_images(self.images(tools)))
        waiter = Waiter(interval_seconds=_LOOK_SECONDS)
        for obj in self.objects(tools, values):
            try:
                api.apply(obj)
            except ApiRefused as refused:
                what = f"{obj['kind']} {obj['metadata']['name']}"
                raise NetproofError(
                    f"{self.name} cannot be installed: {what}: {refused.message}",
                    "where something of its name is there already, remove that, or take a cluster of its own",
                ) from None
        try:
            waiter.until(f"{self.name} serves", partial(self.serves, api), timeout_seconds=timeouts.addon_ready)
        except TimedOutError as late:
            raise NetproofError(
                f"{self.name} was installed and does not serve: {late}\n{condition_of(api, self.namespace)}",
                "see its pods above; NETPROOF_TIMEOUT_SCALE=2 gives a slow machine more time",
            ) from None

    def _serves_already(self, api: KubernetesApi) -> bool:
        try:
            self.serves(api)
        except (ApiRefused, NotYetError):
            return False
        return True


def store_images(images: Mapping[str, Image]) -> dict[str, str]:
    """Put images into the cache's blob store, and return the digests of their manifests by name."""
    store = open_cache().images
    return {name: image.store(store).digest for name, image in images.items()}


def require_deployment(api: KubernetesApi, namespace: str, name: str) -> None:
    """Return where a Deployment's pods are all of its newest template and available.

    Raises:
        NotYetError: they are not.
    """
    found = api.get("Deployment", name, namespace, api_version="apps/v1")
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    seen = {count: status.get(count, 0) for count in ("replicas", "updatedReplicas", "availableReplicas")}
    if _is_behind(found) or any(count != wanted for count in seen.values()):
        raise NotYetError(f"Deployment {name} has {seen}, {wanted} wanted")


def require_daemon_set(api: KubernetesApi, namespace: str, name: str) -> None:
    """Return where a DaemonSet has a Ready pod of its newest template on each node of the cluster.

    Raises:
        NotYetError: it has not.
    """
    found = api.get("DaemonSet", name, namespace, api_version="apps/v1")
    status, wanted = found.get("status", {}), len(api.list("Node"))
    seen = {count: status.get(count, 0) for count in ("updatedNumberScheduled", "numberReady")}
    if _is_behind(found) or any(count != wanted for count in seen.values()):
        raise NotYetError(f"DaemonSet {name} has {seen}, {wanted} nodes")


def _is_behind(found: Object) -> bool:
    return bool(found.get("status", {}).get("observedGeneration", 0) < found["metadata"]["generation"])


def components_of(addons: Iterable[Addon]) -> tuple[str, ...]:
    """The components of the toolchain that these add-ons are made of, each once."""
    return tuple(dict.fromkeys(component for addon in addons for component in addon.components))
