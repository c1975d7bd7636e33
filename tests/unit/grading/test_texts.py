"""The texts: both languages say the same of everything that can be told."""

from __future__ import annotations

import re
import string
import tomllib

import pytest

from netproof.grading.language import Language
from netproof.grading.rubric import STANDARD, read_rubric
from netproof.grading.texts import reading, texts
from netproof.hygiene.rules import RULES

LANGUAGES = list(Language)


def told():
    """All that feedback can tell of: the checks of the rubric, and the rules of hygiene."""
    named = [name for one in tomllib.loads(STANDARD.read_text(encoding="utf-8"))["section"] for name in one["points"]]
    return {*read_rubric(STANDARD, named).checks, *(rule.id for rule in RULES)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_a_text_about_each_check_and_each_rule_and_no_other(language):
    assert set(texts(language).about) == told()


def test_there_is_a_document_to_read_about_each():
    assert set(reading()) == told()
    assert all(one.read.startswith("https://") for one in reading().values())
    assert {name for one in reading().values() for name in one.explains} <= told()


def test_the_phrases_are_the_same_and_take_the_same_values():
    taken = [
        {
            name: {field for _, field, _, _ in string.Formatter().parse(phrase) if field}
            for name, phrase in texts(language).phrases.items()
        }
        for language in LANGUAGES
    ]

    assert taken[0] == taken[1]


def test_russian_sentences_are_russian_but_for_code_and_names():
    for name, about in texts(Language.RUSSIAN).about.items():
        for text in (about.why, about.hint):
            plain = re.sub(r"`[^`]*`", "", text)
            letters = re.findall(r"[а-яё]", plain, re.IGNORECASE)
            assert len(letters) > 0.5 * len(re.findall(r"[a-zа-яё]", plain, re.IGNORECASE)), name


def test_english_sentences_have_no_russian_letters():
    said = texts(Language.ENGLISH)

    assert not re.search(r"[а-яё]", " ".join(said.phrases.values()), re.IGNORECASE)
    assert not [name for name, about in said.about.items() if re.search(r"[а-яё]", str(about), re.IGNORECASE)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hint_gives_no_value_away(language):
    for name, about in texts(language).about.items():
        assert not re.search(r"\b(8000|172\.17\.|nginx\"|kube-dns)\b", about.hint), name
