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


def test_on_v2_only_every_group_on_the_way_hands_its_controllers_down(mounted, monkeypatch):
    (top,) = mounted("cgroup2")
    make = type(top).mkdir

    def mkdir(path, *arguments, **options):
        make(path, *arguments, **options)
        (path / "cgroup.controllers").write_text(CONTROLLERS)

    monkeypatch.setattr(type(top), "mkdir", mkdir)
    cgroups.create("/netproof/demo/n1")

    for group in (top, top / "netproof", top / "netproof" / "demo", top / "netproof" / "demo" / "n1"):
        assert (group / "cgroup.subtree_control").read_text() == "+pids", group  # the last of those that were written


def test_processes_are_found_and_groups_removed_in_either(mounted):
    for top in mounted("cgroup", "cgroup2"):
        group = top / "netproof" / "demo" / "n1"
        group.mkdir(parents=True)

    (group / "cgroup.procs").write_text("12\n")

    assert cgroups.children("/netproof") == ["demo"]
    assert cgroups.children("/netproof/demo") == ["n1"]
