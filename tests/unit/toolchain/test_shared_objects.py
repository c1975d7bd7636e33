from __future__ import annotations

import pytest

from netproof.errors import NetproofError
from netproof.toolchain.elf import is_static
from netproof.toolchain.shared_objects import find_programs, shared_objects


def test_a_program_comes_with_what_it_loads_and_the_loader():
    programs = find_programs({"ip": "iproute2"})

    objects = shared_objects(programs.values())

    assert any("/libc.so" in name for name in objects)
    assert any("/ld-linux" in name for name in objects)
    assert all(path.is_file() and not path.is_symlink() for path in objects.values())


def test_a_static_program_loads_nothing():
    (busybox,) = find_programs({"busybox": "busybox-static"}).values()
    if not is_static(busybox):
        pytest.skip("there is no static busybox (Debian: busybox-static)")

    assert shared_objects([busybox]) == {}


def test_missing_programs_are_one_error_with_one_command():
    with pytest.raises(NetproofError, match="missing: no-such-dig, no-such-nc") as problem:
        find_programs({"no-such-dig": "dnsutils", "no-such-nc": "netcat", "sh": "dash"})

    assert problem.value.remedy == "apt-get install -y --no-install-recommends dnsutils netcat"
