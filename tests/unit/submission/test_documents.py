import codecs
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netproof.errors import NetproofError
from netproof.submission import ProblemKind, load
from netproof.submission.documents import LARGEST_FILE_BYTES, read_text

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    example.com/a.b: "true"
spec:
  containers:
    - name: web
      image: web:1
      ports:
        - containerPort: 8000
"""


def write(root, name, content):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def only_problem(text):
    (problem,) = read_text("a.yaml", text).problems
    return problem


def test_an_object_knows_where_it_and_its_fields_are():
    (pod,) = read_text("kubernetes-intro/web-pod.yaml", "# a comment\n---\n" + POD).objects

    assert (pod.api_version, pod.kind, pod.name, pod.namespace) == ("v1", "Pod", "web", None)
    assert str(pod.source) == "kubernetes-intro/web-pod.yaml:3"
    assert str(pod.position_of("spec.containers[0].ports[0].containerPort")) == "kubernetes-intro/web-pod.yaml:14"
    assert pod.position_of(("metadata", "annotations", "example.com/a.b")).line == 8
    assert pod.position_of("metadata.annotations[example.com/a.b]").line == 8
    assert pod.position_of(".spec.containers[0].image").column == 7


def test_a_field_that_is_not_written_is_placed_at_its_nearest_ancestor():
    (pod,) = read_text("a.yaml", POD).objects

    assert pod.position_of("spec.containers[0].readinessProbe.httpGet") == pod.position_of("spec.containers[0]")
    assert pod.position_of("status").line == 1


def test_documents_keep_their_own_text_and_empty_ones_are_skipped():
    text = "---\n# nothing\n---\n" + POD + "---\n" + POD.replace("name: web\n  ann", "name: other\n  ann")

    first, second = read_text("a.yaml", text).objects

    assert (first.name, second.name) == ("web", "other")
    assert (first.source.document, second.source.document) == (1, 2)
    assert second.text.startswith("---\napiVersion")
    assert "name: other" not in first.text


def test_a_list_is_flattened():
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n"

    (namespace,) = read_text("a.yaml", text).objects

    assert (namespace.kind, namespace.name, namespace.source.line) == ("Namespace", "a", 4)
    assert not namespace.is_namespaced


@pytest.mark.parametrize(
    "encoded",
    [
        POD.encode(),
        POD.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF8 + POD.encode(),
        codecs.BOM_UTF16_LE + POD.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + POD.replace("\n", "\r\n").encode("utf-16-be"),
    ],
    ids=["LF", "CRLF", "UTF-8 with BOM", "UTF-16 LE", "UTF-16 BE with CRLF"],
)
def test_encodings_and_line_ends_make_no_difference(tmp_path, encoded):
    write(tmp_path, "kubernetes-intro/web-pod.yml", encoded)

    submission = load(tmp_path)

    assert submission.problems == ()
    (pod,) = submission.objects
    assert pod.manifest == read_text("", POD).objects[0].manifest
    assert pod.position_of("spec.containers[0].image").line == 10


@pytest.mark.parametrize(
    ("text", "kind", "line", "column", "words"),
    [
        ("a:\n\tb: 1\n", ProblemKind.SYNTAX, 2, 1, "tab"),
        ("a: b: c\n", ProblemKind.SYNTAX, 1, 5, "':'"),
        ("a:\n  b: 1\n c: 2\n", ProblemKind.SYNTAX, 3, 2, "indentation"),
        ("a: 'x\n", ProblemKind.SYNTAX, 2, 1, "quote"),
        ("a: *x\n", ProblemKind.SYNTAX, 1, 4, "anchor"),
        ("{{ name }}: 1\n", ProblemKind.SYNTAX, 1, 2, "key"),
        ("a: \x00\n", ProblemKind.SYNTAX, 1, 4, "U+0000"),
        ("- hosts: all\n  tasks: []\n", ProblemKind.NOT_KUBERNETES, 1, 1, "not a Kubernetes manifest"),
        ("apiVersion: v1\nmetadata: {name: a}\n", ProblemKind.INCOMPLETE, 1, 1, "kind is missing"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", ProblemKind.INCOMPLETE, 3, 1, "metadata.name"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 8000}\n", ProblemKind.INCOMPLETE, 3, 1, "8000"),
    ],
)
def test_a_problem_has_place_words_and_remedy(text, kind, line, column, words):
    problem = only_problem(text)

    assert (problem.kind, problem.position.line, problem.position.column) == (kind, line, column)
    assert words in problem.message
    assert problem.remedy or kind is ProblemKind.NOT_KUBERNETES
    assert str(problem).startswith(f"a.yaml:{line}:{column}: ")


def test_documents_before_a_syntax_error_are_kept():
    result = read_text("a.yaml", POD + "---\na: b: c\n")

    assert [found.name for found in result.objects] == ["web"]
    assert [problem.position.line for problem in result.problems] == [14]


def test_a_key_written_twice_is_reported_and_the_last_one_counts():
    result = read_text("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  name: b\n")

    assert result.objects[0].name == "b"
    assert (result.problems[0].kind, result.problems[0].position.line) == (ProblemKind.DUPLICATE_KEY, 5)
    assert not result.problems[0].loses
    assert "line 4" in result.problems[0].message


def test_a_broken_file_does_not_stop_the_others(tmp_path):
    write(tmp_path, "broken.yaml", "a: b: c\n")
    write(tmp_path, "latin.yaml", b"a: \xe9t\xe9\n")
    write(tmp_path, "pod.yaml", POD)

    submission = load(tmp_path)

    assert [found.name for found in submission.objects] == ["web"]
    assert {problem.position.file for problem in submission.problems} == {"broken.yaml", "latin.yaml"}


def test_anchors_and_merge_keys_are_expanded_into_data_of_their_own():
    text = "apiVersion: v1\nkind: X\nmetadata: {name: a}\nbase: &b {x: 1, z: [1]}\none: {<<: *b, x: 2}\ntwo: *b\n"

    manifest = read_text("a.yaml", text).objects[0].manifest

    assert manifest["one"] == {"x": 2, "z": [1]}
    manifest["two"]["z"].append(2)
    assert manifest["base"]["z"] == [1]


def test_tabs_between_tokens_are_taken_as_kubectl_takes_them():
    (pod,) = read_text(
        "a.yaml", POD.replace("kind: ", "kind:\t").replace("image: web:1", "image:\tweb:1\t# why")
    ).objects

    assert pod.manifest == read_text("a.yaml", POD).objects[0].manifest


def test_only_the_homework_is_read_of_a_whole_repository(tmp_path):
    write(tmp_path, "kubernetes-networks/pod.yaml", POD)
    write(tmp_path, "kubernetes-security/admin.yaml", POD)
    write(tmp_path, "kubernetes-networks/.hidden/pod.yaml", POD)

    assert [file.path for file in load(tmp_path).files] == ["kubernetes-networks/pod.yaml"]


def test_a_directory_without_the_homeworks_folders_is_read_whole(tmp_path):
    write(tmp_path, "any/pod.yaml", POD)

    assert [file.path for file in load(tmp_path).files] == ["any/pod.yaml"]


@pytest.mark.parametrize("content", [None, "", "text"])
def test_what_is_no_submission_is_an_error_with_a_remedy(tmp_path, content):
    target = tmp_path / "submission"
    if content == "":
        target.mkdir()
    elif content:
        target.write_text(content)

    with pytest.raises(NetproofError) as caught:
        load(target)

    assert caught.value.remedy


def test_files_without_a_manifest_are_an_error_that_says_why(tmp_path):
    write(tmp_path, "playbook.yaml", "- hosts: all\n")

    with pytest.raises(NetproofError, match=r"playbook\.yaml:1:1"):
        load(tmp_path)


def test_links_out_of_the_submission_are_not_followed(tmp_path):
    outside = write(tmp_path, "outside/secret.yaml", POD)
    root = tmp_path / "in"
    write(root, "pod.yaml", POD)
    (root / "file.yaml").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    (root / "loop.yaml").symlink_to(root / "loop.yaml")
    os.mkfifo(root / "pipe.yaml")

    submission = load(root)

    assert [file.path for file in submission.files] == ["pod.yaml"]
    refused = {problem.position.file for problem in submission.problems if problem.kind is ProblemKind.REFUSED}
    assert refused == {"file.yaml", "folder", "loop.yaml", "pipe.yaml"}


def test_a_homework_folder_that_is_a_link_outside_is_not_followed(tmp_path):
    outside = write(tmp_path, "outside/secret.yaml", POD)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "kubernetes-networks").symlink_to(outside.parent)

    with pytest.raises(NetproofError, match="leads out of the submission"):
        load(tmp_path / "in")


def bomb():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "apiVersion: v1\nkind: Bomb\nmetadata: {name: a}\n" + "\n".join(levels) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        bomb(),
        "a: " + "[" * 5000,
        "a: " + "{a: " * 5000,
        "a: &a [*a]\n",
        "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60 + "\n",
    ],
    ids=["alias bomb", "deep list", "deep mapping", "anchor in itself", "deep by alias"],
)
def test_hostile_yaml_is_refused(text):
    assert only_problem(text).kind is ProblemKind.REFUSED


def test_a_file_beyond_the_size_limit_is_refused(tmp_path):
    write(tmp_path, "big.yaml", "#" * (LARGEST_FILE_BYTES + 1))
    write(tmp_path, "pod.yaml", POD)

    (problem,) = load(tmp_path).problems

    assert (problem.kind, problem.position.file) == (ProblemKind.REFUSED, "big.yaml")


KEYS = st.from_regex(r"[a-z][a-zA-Z]{0,8}", fullmatch=True).filter(
    lambda key: key not in {"y", "n", "on", "no", "off", "yes"}
)
TREES = st.recursive(
    st.integers(-5, 5) | st.booleans(),
    lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=4) | st.lists(inner, min_size=1, max_size=4),
    max_leaves=20,
)


def block_yaml(tree, indent=0):
    """The tree in block style, and the line (from 0) of every path in it."""
    lines, places = [], {}
    items = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    for step, value in items:
        head = " " * indent + (f"{step}:" if isinstance(tree, dict) else "-")
        places[(step,)] = len(lines)
        if isinstance(value, dict | list):
            lines.append(head)
            inner, inner_places = block_yaml(value, indent + 2)
            places |= {(step, *path): len(lines) + line for path, line in inner_places.items()}
            # An item's place is its first key or nested item, which begins a line below the dash.
            places[(step,)] += not isinstance(tree, dict)
            lines += inner
        else:
            lines.append(f"{head} {str(value).lower()}")
    return lines, places


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_every_field_is_found_on_the_line_it_was_written_on(tree, line_end):
    lines, places = block_yaml({"spec": tree})
    text = line_end.join(["apiVersion: v1", "kind: X", "metadata: {name: x}", *lines, ""])

    (found,) = read_text("a.yaml", text).objects

    assert found.manifest["spec"] == tree
    assert {path: found.position_of(path).line for path in places} == {path: 4 + line for path, line in places.items()}


@given(st.text(alphabet=st.sampled_from("ab: -\n\t'\"[]{}&*!|>#%@,?~<\r\x00é0"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_whatever_breaks_the_loader(text):
    result = read_text("a.yaml", text)

    assert not result.objects
