"""What a teacher is told of a class: a CSV for a spreadsheet, a summary in Markdown, and one page that has all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markdown_it import MarkdownIt

from netproof.grading.feedback import feedback, title_of
from netproof.grading.grade import Grade, State
from netproof.grading.language import Language
from netproof.grading.rubric import Rubric
from netproof.grading.score import Outcome
from netproof.grading.texts import Texts, texts
from netproof.report import spreadsheet
from netproof.report.markdown import cell, code, number, table, words
from netproof.report.page import Markup, page
from netproof.report.spreadsheet import harmless

_MOST_FAILED = 10


def to_csv(rubric: Rubric, grades: Sequence[Grade]) -> str:
    """A row a work: names of columns are the same in every language, for programs read them, too.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    columns = ["student", "state", "total", "of", "stars", "of_stars"]
    columns += [*(section.id for section in rubric.section), "commit", "seconds", "said"]
    return spreadsheet.to_csv(columns, (_row_of(rubric, one) for one in grades))


def _row_of(rubric: Rubric, one: Grade) -> list[str]:
    score = one.score
    points = [score.earned, score.possible, score.stars, score.possible_stars] if score else []
    sections = [section.earned for section in score.sections] if score else []
    if one.state is State.EMPTY:
        points = [0.0, rubric.possible(star=False), 0.0, rubric.possible(star=True)]
        sections = [0.0] * len(rubric.section)
    return [
        harmless(one.work.name),
        one.state.value,
        *([number(value) for value in points] or [""] * 4),
        *([number(value) for value in sections] or [""] * len(rubric.section)),
        one.work.commit,
        number(one.seconds),
        harmless(one.said.partition("\n")[0]),
    ]


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
    works = Markup("\n").join(
        Markup("<details><summary>{}</summary>\n{}</details>").format(
            words_of(one, said), Markup(markdown.render(feedback(rubric, one, language)))
        )
        for one in grades
    )
    summary = Markup(markdown.render(to_markdown(rubric, grades, language)))
    return page(said.say("summary-title"), summary + works, language=language.value)


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
