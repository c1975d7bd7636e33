"""The programs netproof runs: which they are, how they get onto the machine, and the images made of them."""

from netproof.toolchain.acquire import Tools, cached, ensure
from netproof.toolchain.catalog import resolve_kubernetes_version
from netproof.toolchain.progress import ConsoleProgress, Progress, SilentProgress

__all__ = ["ConsoleProgress", "Progress", "SilentProgress", "Tools", "cached", "ensure", "resolve_kubernetes_version"]
