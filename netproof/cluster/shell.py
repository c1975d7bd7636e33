"""An interactive shell in a cluster: bash with a prompt that says where one is, kubectl and its completion."""

from __future__ import annotations

import shutil
from pathlib import Path

from netproof.cluster.local import LocalCluster

# The user's own settings come first and may set anything, so what the cluster needs comes last. kubectl's completion
# wants a function of the package bash-completion; without that package a plain one does, for words without = and :.
_STARTUP = r"""
search_path=$PATH kubeconfig=$KUBECONFIG
[ -r ~/.bashrc ] && . ~/.bashrc
[ -r /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
PATH=$search_path KUBECONFIG=$kubeconfig
PS1='[{cluster} {place}] \w\$ '
if ! declare -F _get_comp_words_by_ref >/dev/null; then
    COMP_WORDBREAKS=${{COMP_WORDBREAKS//[=:]/}}
    _get_comp_words_by_ref() {{
        words=("${{COMP_WORDS[@]}}") cword=$COMP_CWORD
        cur=${{words[cword]}} prev=${{words[cword-1]}}
    }}
    __ltrim_colon_completions() {{ :; }}
fi
. <(kubectl completion bash)
alias k=kubectl
complete -o default -F __start_kubectl k
"""


def shell_command(cluster: LocalCluster, place: str) -> list[str]:
    """The command line of a shell for a person in a place of the cluster; without bash it is the plain ``sh``.

    A virtual machine has bash, and neither kubectl nor the user's settings.
    """
    if place in {node.name for node in cluster.spec.nodes if node.is_virtual}:
        return ["env", f"PS1=[{cluster.name} {place}] \\w\\$ ", "bash", "--norc", "-i"]
    if shutil.which("bash") is None:
        return ["sh", "-i"]
    startup = Path(cluster.kubeconfig.parent) / f"shell-{place}.bash"
    startup.write_text(_STARTUP.format(cluster=cluster.name, place=place), encoding="utf-8")
    return ["bash", "--rcfile", str(startup), "-i"]
