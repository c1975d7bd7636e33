"""Certificates and keys that stand in a kubeconfig itself, for libraries that want them as files.

The Kubernetes client writes them into the directory of temporary files and removes them when Python ends in good order.
A process that is killed would leave an administrator's key there. So they are handed over as files in memory, which no
other process sees by a name and which end with this one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader

from netproof.errors import NetproofError
from netproof.memory_file import MemoryFile

_EMBEDDED = "-data"
_OF = {
    "clusters": ("cluster", ("certificate-authority",)),
    "users": ("user", ("client-certificate", "client-key")),
}
"""For each list of a kubeconfig: what its entries hold, and which fields of that are files, or data with ``-data``."""


def load(kubeconfig: Path, context: str, configuration: client.Configuration) -> list[MemoryFile]:
    """Fill the client's configuration from a kubeconfig.

    Args:
        kubeconfig: the file.
        context: the context in it; empty for the current one.
        configuration: what is filled.

    Returns:
        The files that the configuration names, to be kept as long as it is used.

    Raises:
        NetproofError: the file is broken, or has no such context.
    """
    try:
        content = _read(kubeconfig)
        files = list(_moved_into_memory(content))
        loader = KubeConfigLoader(content, active_context=context or None, config_base_path=str(kubeconfig.parent))
        loader.load_and_set(configuration)
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise NetproofError(
            f"the kubeconfig {kubeconfig} cannot be used: {problem}", "see 'kubectl config view'"
        ) from None
    return files


def _read(kubeconfig: Path) -> dict[str, Any]:
    content = yaml.safe_load(kubeconfig.read_bytes())
    if not isinstance(content, dict):
        message = "it is not a mapping"
        raise TypeError(message)
    return content


def _moved_into_memory(content: dict[str, Any]) -> Iterator[MemoryFile]:
    for listed, (body, fields) in _OF.items():
        for entry in content.get(listed) or ():
            values = entry.get(body) or {}
            for field in fields:
                if data := values.pop(field + _EMBEDDED, None):
                    file = MemoryFile(base64.b64decode(data))
                    values[field] = str(file.path)
                    yield file
