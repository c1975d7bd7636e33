"""A student's repository from outside: which are graded, what they hold, and nothing of them is run or followed."""

from __future__ import annotations

import os

import pytest

from netproof.classroom.repository import commit_of, digest_of, directories_to_grade, work_in
from netproof.errors import NetproofError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def repository(directory, text="kind: Pod"):
    (directory / "kubernetes-networks").mkdir(parents=True)
    (directory / "kubernetes-networks" / "web.yaml").write_text(text)
    return directory


def test_the_works_of_a_class_are_its_directories_by_name(tmp_path):
    for name in ("bob", "Alice", ".git"):
        repository(tmp_path / name)
    (tmp_path / "list.txt").touch()

    assert [one.name for one in directories_to_grade([], tmp_path)] == ["Alice", "bob"]


def test_a_class_that_is_taken_for_a_work_is_told(tmp_path):
    repository(tmp_path / "bob")

    with pytest.raises(NetproofError, match="holds repositories") as caught:
        directories_to_grade([tmp_path], None)
    assert f"--all={tmp_path}" in caught.value.remedy


@pytest.mark.parametrize(("names", "said"), [([], "nothing to grade"), (["none"], "is no directory")])
def test_nothing_to_grade_is_told(tmp_path, names, said):
    with pytest.raises(NetproofError, match=said):
        directories_to_grade([tmp_path / name for name in names], None)


def test_two_works_of_one_name_are_told(tmp_path):
    with pytest.raises(NetproofError, match="have the same name"):
        directories_to_grade([repository(tmp_path / "a" / "x"), repository(tmp_path / "b" / "x")], None)


def test_the_digest_is_of_paths_and_content_of_manifests_alone(tmp_path):
    first, second = repository(tmp_path / "a"), repository(tmp_path / "b")
    (second / "README.md").write_text("hello")
    assert digest_of(first) == digest_of(second)

    (second / "kubernetes-networks" / "web.yaml").write_text("kind: Service")
    assert digest_of(first) != digest_of(second)


def test_nothing_outside_is_read_and_no_pipe_waited_for(tmp_path):
    work = repository(tmp_path / "a")
    outside = tmp_path / "secret.yaml"
    outside.write_text("one")
    (work / "kubernetes-networks" / "link.yaml").symlink_to(outside)
    (work / "kubernetes-networks" / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(work / "kubernetes-networks" / "pipe.yaml")
    before = digest_of(work)

    outside.write_text("two")

    assert digest_of(work) == before


def test_the_commit_is_read_without_git(tmp_path):
    work = repository(tmp_path / "a")
    assert commit_of(work) == ""
    git = work / ".git"
    (git / "refs" / "heads").mkdir(parents=True)

    (git / "HEAD").write_text(f"{COMMIT}\n")
    assert commit_of(work) == COMMIT
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert work_in(work).commit == COMMIT
    (git / "refs" / "heads" / "main").write_text(COMMIT.replace("0", "a"))
    assert commit_of(work) == COMMIT.replace("0", "a")


@pytest.mark.parametrize("head", ["ref: refs/../../secret", "ref: /etc/passwd", "x" * 40, ""])
def test_a_head_that_leads_elsewhere_is_no_commit(tmp_path, head):
    work = repository(tmp_path / "a")
    (work / ".git").mkdir()
    (work / ".git" / "HEAD").write_text(head)

    assert commit_of(work) == ""
