import pytest

from netproof.errors import NetproofError
from netproof.submission import bundled_manifests, load, load_mutants, mutate, write_mutated

MUTANTS = load_mutants()


@pytest.fixture(scope="module")
def reference():
    return load(bundled_manifests("reference"))


def differing(before, after):
    """The files of the objects that are changed or gone."""
    left = {(one.source, one.kind, one.name): one.manifest for one in after.objects}
    return [one.source.path for one in before.objects if left.get((one.source, one.kind, one.name)) != one.manifest]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_changes_what_it_names_and_nothing_else(reference, mutant):
    assert differing(reference, mutate(reference, mutant)) == [patch.file for patch in mutant.patches]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_written_to_files_is_the_one_in_memory(reference, mutant, tmp_path):
    written = write_mutated(reference, mutant, tmp_path / "copy")

    assert [o.manifest for o in written.objects] == [o.manifest for o in mutate(reference, mutant).objects]
    assert written.problems == ()
    touched = {patch.file for patch in mutant.patches}
    untouched = next(file.path for file in reference.files if file.path not in touched)
    assert (tmp_path / "copy" / untouched).read_text() == (reference.directory / untouched).read_text()


def write_mutant(root, text, name="m"):
    (root / name).mkdir()
    (root / name / "mutant.yaml").write_text(text)
    return root


GOOD = """\
name: m
changes: The pool is not announced.
caught-by: [lb.reachable-from-lan]
patches:
  - {file: kubernetes-networks/metallb-config.yaml, kind: L2Advertisement, name: default, remove: true}
"""


def test_a_mutant_can_remove_an_object(reference, tmp_path):
    (mutant,) = load_mutants(write_mutant(tmp_path, GOOD))

    written = write_mutated(reference, mutant, tmp_path / "copy")

    assert mutant.caught_by == ("lb.reachable-from-lan",)
    assert written.find("L2Advertisement", "default") is None
    assert written.find("IPAddressPool", "default") is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("name: m", "name: other"), "named 'other' but lies in m"),
        (GOOD.replace(", remove: true", ""), "either 'patch' or 'remove: true'"),
        (GOOD.replace("caught-by", "caught_by"), "caught"),
        (GOOD.replace("changes:", "changes"), "mutant.yaml:3"),
        ("", "mutant.yaml"),
    ],
)
def test_a_mutant_file_that_is_wrong_is_an_error_that_names_it(tmp_path, text, words):
    with pytest.raises(NetproofError, match=r"mutant\.yaml") as caught:
        load_mutants(write_mutant(tmp_path, text))

    assert words in caught.value.message
    assert caught.value.remedy


def test_a_mutant_of_something_that_is_not_there_is_an_error(reference, tmp_path):
    (mutant,) = load_mutants(write_mutant(tmp_path, GOOD.replace("name: default", "name: typo")))

    with pytest.raises(NetproofError, match="L2Advertisement/typo"):
        mutate(reference, mutant)


def test_a_directory_without_a_mutant_file_is_an_error(tmp_path):
    (tmp_path / "m").mkdir()

    with pytest.raises(NetproofError, match=r"has no mutant\.yaml"):
        load_mutants(tmp_path)
