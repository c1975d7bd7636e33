import pytest
from hypothesis import given
from hypothesis import strategies as st

from netproof.submission.documents import read_text
from netproof.submission.scalars import read_plain_scalar
from netproof.submission.write_yaml import to_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("on", True),
        ("n", False),
        ("Off", False),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("8000", 8000),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("08", 8),
        ("1.0", 1),
        ("1.50", 1.5),
        ("-1e3", -1000),
        ("12:30:45", "12:30:45"),
        ("2019-06-01", "2019-06-01"),
        ("100%", "100%"),
        ("1.31.1", "1.31.1"),
        ("172.17.255.1-172.17.255.255", "172.17.255.1-172.17.255.255"),
        ("-", "-"),
        ("9" * 500, "9" * 500),
    ],
)
def test_plain_scalars_mean_what_kubectl_sends(text, value):
    read = read_plain_scalar(text)

    assert read == value
    assert type(read) is type(value)


def manifest(body):
    return read_text("a.yaml", f"apiVersion: v1\nkind: X\nmetadata: {{name: x}}\n{body}\n").objects[0].manifest


def test_quoted_and_tagged_scalars():
    assert manifest('a: "true"')["a"] == "true"
    assert manifest("a: 'yes'")["a"] == "yes"
    assert manifest("a: !!str 8000")["a"] == "8000"
    assert manifest("a: !!int '8000'")["a"] == 8000
    assert manifest("a: !vault secret")["a"] == "secret"


def test_keys_become_text():
    assert manifest("data: {8000: a, on: b, 'x': c}")["data"] == {"8000": "a", "true": "b", "x": "c"}


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc", "Zl", "Zp")))
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | PRINTABLE
    | st.sampled_from(["yes", "0644", "<<", "a\nb\n"])
)


@given(st.dictionaries(PRINTABLE, VALUES | st.lists(VALUES, max_size=3), max_size=4))
def test_what_is_written_is_read_back_the_same(data):
    document = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "data": data}

    (found,) = read_text("a.yaml", to_yaml([document])).objects

    assert found.manifest == document
