"""The cgroups of a cluster in both versions, on directories in the place of mounted hierarchies."""

import pytest

from netproof.node import cgroups

CONTROLLERS = "cpuset cpu io memory hugetlb pids rdma misc\n"


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Says which hierarchies this machine has: by version, each a directory."""

    def mount(*kinds):
        found = tuple((tmp_path / f"{number}", kind) for number, kind in enumerate(kinds))
        for point, kind in found:
            point.mkdir()
            if kind == "cgroup2":
                (point / "cgroup.controllers").write_text(CONTROLLERS)
        monkeypatch.setattr(cgroups, "hierarchies", lambda: found)
        return [point for point, _ in found]

    return mount


@pytest.mark.parametrize(
    ("kinds", "version"),
    [(("cgroup2",), "v2"), (("cgroup", "cgroup"), "v1"), (("cgroup", "cgroup2"), "v1"), ((), "none")],
    ids=["v2 only", "v1 only", "both", "none"],
)
def test_the_version_is_that_of_the_hierarchies_with_controllers(mounted, kinds, version):
    mounted(*kinds)

    assert cgroups.version() == version


def test_on_v1_an_empty_cpuset_takes_the_values_of_its_parent(mounted, monkeypatch):
    (top,) = mounted("cgroup")
    (top / "cpuset.cpus").write_text("0-3\n")
    (top / "cpuset.mems").write_text("0\n")
    make = type(top).mkdir

    def mkdir(path, *arguments, **options):
        make(path, *arguments, **options)
        (path / "cpuset.cpus").write_text("\n")
        (path / "cpuset.mems").write_text("\n")

    monkeypatch.setattr(type(top), "mkdir", mkdir)
    cgroups.create("/netproof/demo/n1")

    assert (top / "netproof" / "demo" / "n1" / "cpuset.cpus").read_text() == "0-3\n"


@pytest.fixture
def top(mounted, monkeypatch):
    """The root of cgroup v2, in which each cgroup has controllers once it is made."""
    (top,) = mounted("cgroup2")
    make = type(top).mkdir

    def mkdir(path, *arguments, **options):
        make(path, *arguments, **options)
        (path / "cgroup.controllers").write_text(CONTROLLERS)

    monkeypatch.setattr(type(top), "mkdir", mkdir)
    return top


def test_on_v2_only_every_group_on_the_way_hands_its_controllers_down(top):
    cgroups.create("/netproof/demo/n1")

    for group in (top, top / "netproof", top / "netproof" / "demo", top / "netproof" / "demo" / "n1"):
        assert (group / "cgroup.subtree_control").read_text() == "+pids", group  # the last of those that were written


def test_on_v2_what_will_hold_processes_hands_nothing_down(top):
    cgroups.create("/netproof/demo/system", for_processes=True)

    assert (top / "netproof" / "demo" / "cgroup.subtree_control").exists()
    assert not (top / "netproof" / "demo" / "system" / "cgroup.subtree_control").exists()


def test_a_process_enters_every_hierarchy_that_takes_it(mounted):
    has_it, has_it_not = mounted("cgroup", "cgroup")
    (has_it / "netproof").mkdir()

    cgroups.enter("/netproof", 42)

    assert (has_it / "netproof" / "cgroup.procs").read_text() == "42"
    assert not (has_it_not / "netproof").exists()


def with_settings(group, *names):
    """A cgroup whose directory has some settings, as the kernel makes them."""
    group.mkdir(parents=True, exist_ok=True)
    for name in names:
        (group / name).write_text("max\n")
    return group


def settings_of(group):
    return {path.name: path.read_text() for path in group.iterdir() if path.is_file()}


def test_on_v1_each_limit_is_set_in_the_hierarchy_that_has_it(mounted):
    memory, pids, cpu = (top / "netproof" / "demo" / "n1" for top in mounted("cgroup", "cgroup", "cgroup"))
    with_settings(memory, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    with_settings(pids, "pids.max")
    with_settings(cpu, "cpu.shares")

    cgroups.limit("/netproof/demo/n1", memory_bytes=1 << 30, processes=500, cpu_weight=50)

    assert settings_of(memory) == {"memory.limit_in_bytes": "1073741824", "memory.memsw.limit_in_bytes": "1073741824"}
    assert settings_of(pids) == {"pids.max": "500"}
    assert settings_of(cpu) == {"cpu.shares": "512"}


def test_on_v2_all_limits_are_set_in_the_one_hierarchy(mounted):
    (top,) = mounted("cgroup2")
    group = with_settings(
        top / "netproof" / "demo" / "n1", "memory.max", "memory.swap.max", "pids.max", "cpu.weight", "io.max"
    )

    cgroups.limit("/netproof/demo/n1", memory_bytes=1 << 30, processes=500, cpu_weight=50)

    assert settings_of(group) == {
        "memory.max": "1073741824",
        "memory.swap.max": "0",
        "pids.max": "500",
        "cpu.weight": "50",
        "io.max": "max\n",
    }


def test_a_kernel_that_counts_no_swap_is_given_the_limits_that_it_has(mounted):
    (top,) = mounted("cgroup2")
    group = with_settings(top / "netproof" / "demo" / "n1", "memory.max")

    cgroups.limit("/netproof/demo/n1", memory_bytes=1 << 30, processes=500, cpu_weight=50)

    assert settings_of(group) == {"memory.max": "1073741824"}


def test_a_limit_that_the_kernel_does_not_take_is_told(mounted):
    (top,) = mounted("cgroup2")
    (top / "netproof" / "demo" / "n1" / "pids.max").mkdir(parents=True)

    with pytest.raises(OSError, match=r"pids\.max"):
        cgroups.limit("/netproof/demo/n1", memory_bytes=1 << 30, processes=500, cpu_weight=50)


def test_processes_are_found_and_groups_removed_in_either(mounted):
    for top in mounted("cgroup", "cgroup2"):
        group = top / "netproof" / "demo" / "n1"
        group.mkdir(parents=True)

    (group / "cgroup.procs").write_text("12\n")

    assert cgroups.children("/netproof") == ["demo"]
    assert cgroups.children("/netproof/demo") == ["n1"]
