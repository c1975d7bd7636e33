from __future__ import annotations

import sys

from netproof.upstream.ginkgo import Progress, Selection, run_to_its_end

OUTPUT = """\
Running Suite: Kubernetes e2e suite - /
[SynchronizedBeforeSuite] PASSED [0.051 seconds]
------------------------------
• [2.035 seconds]
[sig-network] Services should answer [Conformance]
------------------------------
S [SKIPPED] [0.010 seconds]
[sig-network] Services should refuse
------------------------------
• [FAILED] [12.5 seconds]
[sig-network] Services [It] should be left
"""


def test_progress_counts_specs_and_failures():
    told = []
    progress = Progress(3, told.append)

    for line in OUTPUT.splitlines():
        progress.see(line)

    assert told == ["1 of 3 specs", "2 of 3 specs", "3 of 3 specs, 1 failed"]


def test_a_run_is_logged_and_its_exit_code_told(tmp_path):
    script = f"print({OUTPUT!r}); raise SystemExit(1)"

    ended = run_to_its_end([sys.executable, "-c", script], tmp_path / "log", 3, lambda _: None, scratch=tmp_path)

    assert ended == (1, False)
    assert (tmp_path / "log").read_text().strip() == OUTPUT.strip()


def test_a_run_knows_neither_proxies_nor_the_users_cluster(tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "http_proxy", "KUBECONFIG"):
        monkeypatch.setenv(name, "theirs")
    script = "import os; print([name for name, value in os.environ.items() if value == 'theirs'])"

    run_to_its_end([sys.executable, "-c", script], tmp_path / "log", 0, lambda _: None, scratch=tmp_path)

    assert (tmp_path / "log").read_text() == "[]\n"


def test_expressions_become_flags():
    selection = Selection((r"\[sig-network\]", "DNS"), ("slow",))
    assert selection.flags() == [r"--focus=\[sig-network\]", "--focus=DNS", "--skip=slow"]
    assert selection.flags("--ginkgo.")[0] == r"--ginkgo.focus=\[sig-network\]"


def test_an_interruption_lets_specs_clean_up(tmp_path):
    script = """
import signal
def end(*_):
    print("cleaned up")
    raise SystemExit(1)
signal.signal(signal.SIGTERM, end)
print("\u2022 [1.0 seconds]", flush=True)
signal.pause()
"""
    told = []

    def tell(text):
        told.append(text)
        if len(told) == 1:
            raise KeyboardInterrupt

    ended = run_to_its_end([sys.executable, "-c", script], tmp_path / "log", 3, tell, scratch=tmp_path)

    assert ended == (1, True)
    assert told == ["1 of 3 specs", "ending"]
    assert (tmp_path / "log").read_text().endswith("cleaned up\n")
