"""The command lines of ``e2e.test`` and ginkgo, and following a run of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netproof.errors import NetproofError
from netproof.memory_file import MemoryFile
from netproof.toolchain import Tools
from netproof.upstream.specs import Spec, selected_specs

DEFAULT_FOCUS = r"\[sig-network\].*\[Conformance\]"
"""What runs where nothing is asked for: the conformance specs of SIG Network."""

REPORT = "ginkgo.json"
LOG = "ginkgo.log"

_SUITE_TIMEOUT = "4h"  # ginkgo's own default of 1h is short for a wide focus on a small machine
_ANSWER_SECONDS = 120.0
_TAIL_LINES = 15
_END_OF_SPEC = re.compile(r"^(?P<mark>[•SP])( \[(?P<what>[A-Z]+)[^\]]*\])* \[[0-9.]+ seconds\]")
_BAD = frozenset({"FAILED", "PANICKED", "TIMEDOUT", "INTERRUPTED", "ABORTED"})

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which specs are wanted.

    Attributes:
        focus: regular expressions (Go's), any of which a spec's name has to match.
        skip: regular expressions, none of which it may match.
    """

    focus: tuple[str, ...]
    skip: tuple[str, ...] = ()

    def flags(self, prefix: str = "--") -> list[str]:
        """The selection as flags of ginkgo."""
        return [
            *(f"{prefix}focus={expression}" for expression in self.focus),
            *(f"{prefix}skip={expression}" for expression in self.skip),
        ]


def list_specs(tools: Tools, selection: Selection) -> list[Spec]:
    """The specs that are selected, by name; no cluster is needed for that.

    Raises:
        NetproofError: an expression is none, or the tests cannot be asked.
    """
    report = MemoryFile()
    flags = ["--ginkgo.dry-run", "--ginkgo.silence-skips", f"--ginkgo.json-report={report.path}"]
    _ask(tools, [*flags, *selection.flags("--ginkgo."), "--provider=skeleton"], pass_fds=(report.fileno(),))
    return selected_specs(report.path)


def wanted_images(tools: Tools) -> list[str]:
    """The images that the tests of this version know."""
    return sorted(set(_ask(tools, ["--list-images"]).split()))


def ginkgo_command(tools: Tools, selection: Selection, *, processes: int, directory: Path) -> list[str]:
    """Ginkgo's part of the command line of a run: how it runs and reports.

    Args:
        tools: must have the tests.
        selection: which specs.
        processes: how many at a time.
        directory: where the reports go.
    """
    return [
        str(tools.path("ginkgo")),
        "run",
        f"--procs={processes}",
        f"--timeout={_SUITE_TIMEOUT}",
        "--no-color",
        "-v",
        "--silence-skips",
        f"--output-dir={directory.absolute()}",
        f"--json-report={REPORT}",
        *selection.flags(),
        str(tools.path("e2e.test")),
    ]


def cluster_flags(tools: Tools, *, kubeconfig: Path, nodes: int, dns_domain: str, scratch: Path) -> list[str]:
    """The tests' part of the command line: which cluster, and what is known of it."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--kubectl-path={tools.path('kubectl')}",
        "--provider=skeleton",
        f"--num-nodes={nodes}",
        f"--dns-domain={dns_domain}",
        f"--e2e-output-dir={scratch}",
        "--disable-log-dump",
    ]


def run_to_its_end(argv: Sequence[str], log: Path, total: int, tell: Tell, *, scratch: Path) -> tuple[int, bool]:
    """Run ginkgo; returns its exit code and whether it was interrupted.

    Ctrl-C ends it in good order: specs that run clean up. A second one is raised.

    Args:
        argv: the whole command line.
        log: where its output goes.
        total: how many specs are selected.
        tell: told how far it is.
        scratch: a directory for what the tests write on their way.
    """
    interrupted = False
    with (
        tempfile.TemporaryDirectory(prefix="upstream-", dir=scratch) as home,
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment({"HOME": home, "TMPDIR": home}),
            start_new_session=True,  # so that it is for us alone to say when it is interrupted
        ) as process,
    ):
        progress = Progress(total, tell)
        try:
            for line in process.stdout or ():
                file.write(line)
                progress.see(line)
        except KeyboardInterrupt:
            interrupted = True
            tell("ending")
            os.killpg(process.pid, signal.SIGTERM)  # all of them: ginkgo does not pass it on to the tests
            file.writelines(process.stdout or ())  # it ends once all specs have cleaned up
        return process.wait(), interrupted


def last_lines(log: Path) -> str:
    """The end of a log, for a message."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:])


class Progress:
    """Counts the specs that ended, from the lines of ginkgo's verbose output.

    Args:
        total: how many specs are selected.
        tell: told after each.
    """

    def __init__(self, total: int, tell: Tell) -> None:
        self._total = total
        self._tell = tell
        self.done = 0
        self.failed = 0

    def see(self, line: str) -> None:
        """Take a line into account."""
        end = _END_OF_SPEC.match(line)
        if end is None or end["what"] in {"SynchronizedBeforeSuite", "ReportAfterSuite"}:
            return
        self.done = min(self.done + 1, self._total)
        self.failed += end["what"] in _BAD
        self._tell(f"{self.done} of {self._total} specs" + (f", {self.failed} failed" if self.failed else ""))


def _ask(tools: Tools, arguments: Sequence[str], pass_fds: Sequence[int] = ()) -> str:
    # Even when only asked, the tests write files where temporary ones go, and leave them.
    with tempfile.TemporaryDirectory(prefix="netproof-upstream-") as scratch:
        told = subprocess.run(
            [tools.path("e2e.test"), *arguments],
            capture_output=True,
            text=True,
            cwd=scratch,
            env=_environment({"HOME": scratch, "TMPDIR": scratch}),
            pass_fds=pass_fds,
            check=False,
            timeout=_ANSWER_SECONDS,
        )
    if told.returncode:
        said = (told.stderr.strip() or told.stdout.strip()).splitlines()
        raise NetproofError(
            f"e2e.test {' '.join(arguments[:1])} failed: {' '.join(said[-3:])}",
            "--focus and --skip are regular expressions of Go; write brackets as \\[ and \\]",
        )
    return told.stdout


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Without a proxy, which would be asked for the cluster's addresses, and without the user's own cluster."""
    unwanted = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "kubeconfig"}
    return {name: value for name, value in os.environ.items() if name.lower() not in unwanted} | dict(more)
