"""What a teacher is told of a class: a CSV for a spreadsheet, a summary in Markdown, and one page that has all."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Sequence

from markdown_it import MarkdownIt

from netproof.grading.feedback import feedback, title_of
from netproof.grading.grade import Grade, State
from netproof.grading.language import Language
from netproof.grading.markdown import cell, code, number, table, words
from netproof.grading.rubric import Rubric
from netproof.grading.score import Outcome
from netproof.grading.texts import Texts, texts

_MOST_FAILED = 10
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #bbb; padding: .2rem .6rem; }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; white-space: pre-wrap; }
summary { cursor: pointer; padding: .3rem 0; }
details { border-top: 1px solid #ddd; }
"""


def to_csv(rubric: Rubric, grades: Sequence[Grade]) -> str:
    """A row a work: names of columns are the same in every language, for programs read them, too.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    columns = ["student", "state", "total", "of", "stars", "of_stars"]
    rows.writerow([*columns, *(section.id for section in rubric.section), "commit", "seconds", "said"])
    for one in grades:
        score = one.score
        points = [score.earned, score.possible, score.stars, score.possible_stars] if score else []
        sections = [section.earned for section in score.sections] if score else []
        if one.state is State.EMPTY:
            points, sections = (
                [0.0, rubric.possible(star=False), 0.0, rubric.possible(star=True)],
                [0.0] * len(rubric.section),
            )
        numbers = [number(value) for value in points] or [""] * 4
        of_sections = [number(value) for value in sections] or [""] * len(rubric.section)
        said = one.said.partition("\n")[0]
        rows.writerow(
            [
                _harmless(one.work.name),
                one.state.value,
                *numbers,
                *of_sections,
                one.work.commit,
                number(one.seconds),
                _harmless(said),
            ]
        )
    return written.getvalue()


def to_markdown(rubric: Rubric, grades: Sequence[Grade], language: Language) -> str:
    """The summary: all works by name, and what most often does not work."""
    said = texts(language)
    left = [one.work.name for one in grades if one.state is State.NOT_GRADED]
    graded = len(grades) - len(left)
    parts = [
        f"# {said.say('summary-title')}",
        said.say("summary-graded", graded=str(graded), all=str(len(grades))),
    ]
    if left:
        parts.append(said.say("summary-none", names=", ".join(code(name) for name in left)))
    parts.append(_of_works(rubric, grades, said, language))
    if failures := _most_failed(grades, said):
        parts += [f"## {said.say('most-failed')}", failures]
    return "\n\n".join(parts) + "\n"


def to_html(rubric: Rubric, grades: Sequence[Grade], language: Language) -> str:
    """One page without scripts, or anything from elsewhere: the summary, and the feedback on each work to unfold."""
    said = texts(language)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    works = "\n".join(
        f"<details><summary>{html.escape(words_of(one, said))}</summary>\n"
        f"{markdown.render(feedback(rubric, one, language))}</details>"
        for one in grades
    )
    title = html.escape(said.say("summary-title"))
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    body = f"{markdown.render(to_markdown(rubric, grades, language))}\n{works}"
    return f'<!DOCTYPE html>\n<html lang="{language.value}"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def words_of(grade: Grade, said: Texts) -> str:
    """The name and the total of a work, in a line."""
    name = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in grade.work.name
    )
    return f"{name}: {_total(grade, said)}"


def _total(grade: Grade, said: Texts) -> str:
    if grade.score is None:
        return said.say(f"state-{grade.state.value}")
    stars = f" + ⭐ {number(grade.score.stars)}" if grade.score.stars else ""
    return f"{number(grade.score.earned)} / {number(grade.score.possible)}{stars}"


def _of_works(rubric: Rubric, grades: Sequence[Grade], said: Texts, language: Language) -> str:
    head = [said.say("column-student"), said.say("column-total")]
    head += [cell(title_of(section, language)) for section in rubric.section]
    rows = []
    for one in grades:
        points = [number(section.earned) for section in one.score.sections] if one.score else [""] * len(rubric.section)
        rows.append((cell(words(one.work.name)), _total(one, said), *points))
    return table(head, rows)


def _most_failed(grades: Sequence[Grade], said: Texts) -> str:
    checks = [check for one in grades if one.score for check in one.score.checks]
    failed = Counter(check.id for check in checks if check.outcome is Outcome.FAILED)
    blocked = Counter(check.id for check in checks if check.outcome is Outcome.BLOCKED)
    if not failed:
        return ""
    head = [said.say("column-check"), said.say("column-failed"), said.say("column-blocked")]
    most = failed.most_common(_MOST_FAILED)
    return table(head, ((cell(said.title(name)), str(times), str(blocked[name])) for name, times in most))


def _harmless(text: str) -> str:
    plain = "".join(character if character.isprintable() else " " for character in text)
    return f"'{plain}" if text.lstrip(" ").startswith(_FORMULA) else plain
