"""Which cluster a user means: the kubeconfig, and the context in it."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from netproof.errors import NetproofError


def kubeconfig_of(given: str | None) -> Path:
    """The kubeconfig that is meant: the given one, else the first of KUBECONFIG, else the usual one of this user.

    Raises:
        NetproofError: there is no such file.
    """
    named = given or os.environ.get("KUBECONFIG", "").partition(os.pathsep)[0]
    path = Path(named).expanduser() if named else Path.home() / ".kube" / "config"
    if not path.is_file():
        raise NetproofError(f"there is no kubeconfig at {path}", "name one with --kubeconfig")
    return path


def require_context(kubeconfig: Path, given: str | None, asker: str) -> str:
    """The named context: whose cluster it is must be said, for a current context changes behind one's back.

    Raises:
        NetproofError: none is named, or there is no such context, or the file is broken.
    """
    try:
        names = [str(one["name"]) for one in yaml.safe_load(kubeconfig.read_bytes())["contexts"]]
    except (TypeError, KeyError, UnicodeDecodeError):
        said = f"the kubeconfig {kubeconfig} cannot be used: it lists no contexts"
        raise NetproofError(said, "see 'kubectl config view'") from None
    except (yaml.YAMLError, OSError) as problem:
        raise NetproofError(
            f"the kubeconfig {kubeconfig} cannot be used: {problem}", "see 'kubectl config view'"
        ) from None
    listed = f"the contexts of {kubeconfig} are {', '.join(names)}"
    if not given:
        raise NetproofError(f"{asker} touches no cluster that is not named", f"name one with --context; {listed}")
    if given not in names:
        raise NetproofError(f"there is no context {given!r}", listed)
    return given
