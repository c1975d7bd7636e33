"""Feedback: what a student is told of a work, in Markdown.

Of each cause: where it is, what was expected and seen, why it matters, and where to look; never the solution. What
netproof and the API said is quoted as they said it, whatever the language, as kubectl's own messages would be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from netproof.grading.causes import Cause, causes, next_causes, other_remarks
from netproof.grading.grade import Grade, State
from netproof.grading.language import Language
from netproof.grading.manifests import Remark
from netproof.grading.rubric import Rubric, Section
from netproof.grading.score import CheckScore, Outcome, SectionScore
from netproof.grading.texts import Texts, reading, texts
from netproof.report.markdown import block, cell, code, number, table, words
from netproof.submission import Danger

_MOST_PLACES, _MOST_OBJECTS, _MOST_REMARKS, _MOST_WITHHELD = 5, 3, 3, 8


def feedback(rubric: Rubric, grade: Grade, language: Language) -> str:
    """The feedback on a work."""
    said = texts(language)
    told = causes(rubric, grade)
    parts = [f"# {said.say('title', student=words(grade.work.name))}"]
    match grade.state:
        case State.NOT_GRADED:
            parts += [said.say("not-graded"), said.say("said-by-netproof"), block(grade.said)]
        case State.EMPTY:
            possible = number(rubric.possible(star=False))
            parts += [said.say("empty", possible=possible), said.say("said-by-netproof"), block(grade.said)]
        case State.GRADED:
            parts += _graded(rubric, grade, told, said, language)
    return "\n\n".join(parts) + "\n"


def _graded(rubric: Rubric, grade: Grade, told: tuple[Cause, ...], said: Texts, language: Language) -> Iterator[str]:
    score = grade.score
    if score is None:
        return
    yield said.say(
        "total",
        earned=number(score.earned),
        possible=number(score.possible),
        stars=number(score.stars),
        possible_stars=number(score.possible_stars),
    )
    sections = list(zip(rubric.section, score.sections, strict=True))
    yield _table(sections, said, language)
    if told:
        yield f"## {said.say('causes')}"
        shown: set[CheckScore] = set()
        for index, cause in enumerate(told, 1):
            yield from _cause(index, cause, shown, said, language)
            shown.update(cause.checks)
    elif all(check.outcome is Outcome.PASSED for check in score.checks):
        yield said.say("all-well")
    following = next_causes(rubric, grade, told)
    yield from _remarks(following, [f"## {said.say('next')}", said.say("next-why")], said)
    yield from _withheld(grade, said)
    yield f"## {said.say('sections')}"
    for section, scored in sections:
        yield from _section(section, scored, grade, told, said, language)
    used = [*(remark for cause in told for remark in cause.remarks), *following]
    yield from _remarks(other_remarks(grade, used), [f"## {said.say('remarks')}"], said)
    yield from _adapted(grade, said)
    yield said.say("again")


def title_of(section: Section, language: Language) -> str:
    """What a section is called, with a star where it has one."""
    return f"⭐ {section.title[language]}" if section.star else section.title[language]


def _table(sections: Sequence[tuple[Section, SectionScore]], said: Texts, language: Language) -> str:
    head = [said.say("column-section"), said.say("column-points"), said.say("column-possible")]
    rows = (
        (cell(title_of(section, language)), number(scored.earned), number(scored.possible))
        for section, scored in sections
    )
    return table(head, rows)


def _cause(index: int, cause: Cause, shown: Collection[CheckScore], said: Texts, language: Language) -> Iterator[str]:
    """One thing to mend; what a check saw is not told again where an earlier cause has shown it."""
    if cause.missing:
        title = said.say("missing-title", expected=code(cause.missing.expected))
        yield f"### {index}. {title}"
        yield said.say("missing-why", section=cause.section.title[language])
        yield f"**{said.say('hint')}** {said.say('missing-hint')}"
        return
    title = said.title(cause.about)
    yield f"### {index}. {title if cause.remarks else said.say('does-not-hold', title=title)}"
    if cause.remarks:
        places = [code(f"{one.file}:{one.line}") for one in cause.remarks[:_MOST_PLACES]]
        yield f"{said.say('place')} {', '.join(places)}"
        lines = dict.fromkeys(one.said for one in cause.remarks)
        yield f"{said.say('quoted')}\n\n{block(chr(10).join(list(lines)[:_MOST_PLACES]))}"
        names = "\n".join(f"- {said.title(check.id)}" for check in cause.checks)
        yield from _advice(cause.about, said)
        yield f"{said.say('explains')}\n\n{names}"
    else:
        objects = dict.fromkeys(one for check in cause.checks for one in check.objects)
        named = [file for file in cause.files if not any(file in one for one in objects)]
        if places := [*named[:_MOST_PLACES], *list(objects)[:_MOST_OBJECTS]]:
            yield f"{said.say('place')} {', '.join(map(code, places))}"
        yield from _advice(cause.about, said)
    seen = dict.fromkeys(
        f"expected: {check.expected}" + (f"\nseen: {check.observed}" if check.observed else "")
        for check in cause.checks
        if check not in shown
    )
    if seen:
        yield f"{said.say('observed')}\n\n{block(chr(10).join(seen))}"


def _advice(about: str, said: Texts) -> Iterator[str]:
    if found := said.about.get(about):
        yield f"**{said.say('why')}** {found.why}"
        yield f"**{said.say('hint')}** {found.hint}"
    if known := reading().get(about):
        yield f"{said.say('read')} <{known.read}>"


def _section(
    section: Section, scored: SectionScore, grade: Grade, told: tuple[Cause, ...], said: Texts, language: Language
) -> Iterator[str]:
    yield f"### {title_of(section, language)}: {number(scored.earned)} / {number(scored.possible)}"
    missing = grade.manifests.missing(section)
    if section.star and missing and scored.earned == 0:
        yield said.say("star-missing", expected=missing[0].expected)
        return
    lines: list[str] = []
    waiting: dict[str, list[CheckScore]] = {}
    for check in scored.checks:
        values = {"title": said.title(check.id), "points": number(check.points)}
        match check.outcome:
            case Outcome.PASSED:
                lines.append(said.say("passed", **values))
            case Outcome.FAILED:
                numbers = [str(index) for index, cause in enumerate(told, 1) if check in cause.checks]
                phrase = "failed-see" if numbers else "failed"
                lines.append(said.say(phrase, **values, numbers=", ".join(numbers)))
            case Outcome.LEFT_OUT:
                lines.append(said.say("left-out", **values))
            case Outcome.BLOCKED:
                if check.waits_for:
                    head = said.say("blocked", title=said.title(check.waits_for))
                elif grade.manifests.withheld_from(section):
                    head = said.say("blocked-withheld", chapter=said.say("withheld"))
                else:
                    head = said.say("blocked-object", reason=code(check.reason.partition("\n")[0]))
                waiting.setdefault(head, []).append(check)
    for head, checks in waiting.items():
        lines.append(head)
        lines += [
            "  - " + said.say("blocked-one", title=said.title(check.id), points=number(check.points))
            for check in checks
        ]
    yield "\n".join(line if line.startswith("  ") else f"- {line}" for line in lines)


def _withheld(grade: Grade, said: Texts) -> Iterator[str]:
    by_danger: dict[Danger, list[str]] = {}
    for one in grade.manifests.withheld:
        by_danger.setdefault(one.danger, []).append(f"{one.file}:{one.line}: {one.object}: {one.message}")
    if not by_danger:
        return
    yield f"## {said.say('withheld')}"
    yield said.say("withheld-why")
    for danger, lines in by_danger.items():
        yield said.say(f"danger-{danger.value}")
        yield _some(lines, _MOST_WITHHELD)


def _remarks(remarks: Iterable[Remark], head: Sequence[str], said: Texts) -> Iterator[str]:
    by_rule: dict[str, list[str]] = {}
    for one in remarks:
        by_rule.setdefault(one.rule, []).append(f"{one.place}: {one.said}")
    if by_rule:
        yield from head
    for rule, lines in by_rule.items():
        about = said.about.get(rule)
        yield f"**{said.title(rule)}.** {about.why if about else ''}"
        yield _some(lines, _MOST_REMARKS)


def _some(lines: Sequence[str], most: int) -> str:
    """A block with the first of some lines, and how many there are beside them."""
    return block("\n".join([*lines[:most], *([f"... (+{len(lines) - most})"] if len(lines) > most else [])]))


def _adapted(grade: Grade, said: Texts) -> Iterator[str]:
    if not grade.adapted:
        return
    yield f"## {said.say('adapted')}"
    yield said.say("adapted-why")
    yield block("\n".join(grade.adapted))
