import pytest

from netproof.cluster.kubeconfig import kubeconfig_of, require_context
from netproof.errors import NetproofError


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NetproofError, match="there is no kubeconfig at") as refused:
        kubeconfig_of(str(tmp_path / "missing"))

    assert "--kubeconfig" in refused.value.remedy


def test_the_environment_is_asked_where_no_file_is_given(kubeconfig, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", f"{kubeconfig}:/another")

    assert kubeconfig_of(None) == kubeconfig


def test_the_current_context_is_not_enough(kubeconfig):
    with pytest.raises(NetproofError, match="touches no cluster that is not named") as refused:
        require_context(kubeconfig, None, "--cluster existing")

    assert refused.value.remedy == f"name one with --context; the contexts of {kubeconfig} are one"
    assert require_context(kubeconfig, "one", "--cluster existing") == "one"


def test_an_unknown_context_is_told_which_there_are(kubeconfig):
    with pytest.raises(NetproofError, match="there is no context 'two'"):
        require_context(kubeconfig, "two", "--cluster existing")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it lists no contexts"),
        ("not: a kubeconfig\n", "it lists no contexts"),
        ("- a\n", "it lists no contexts"),
        ("[unclosed\n", "expected ',' or ']'"),
    ],
    ids=["empty", "something else", "a list", "no YAML"],
)
def test_a_broken_file_is_told(tmp_path, text, said):
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(NetproofError, match="cannot be used") as refused:
        require_context(path, "one", "--cluster existing")

    assert said in refused.value.message
