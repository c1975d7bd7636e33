"""Long commands end by signals, and so do the programs that they run."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, subprocess
from netproof.commands.signals import obey_signals
obey_signals()
os.kill(os.getpid(), signal.SIGINT)
print("program:", subprocess.run(["sh", "-c", "kill -INT $$; exit 7"]).returncode)
try:
    os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    print("ended")
"""


def test_a_command_in_the_background_ignores_sigint_and_its_programs_do_not():
    done = subprocess.run(
        ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["program: -2", "ended"]
