"""The parser's words for broken YAML, said so that its author knows what to change."""

from __future__ import annotations

_EXPLANATIONS = (
    (
        "found character '\\t'",
        "a tab is used here; YAML allows only spaces for indentation",
        "replace the tab with spaces (most editors: 'convert indentation to spaces')",
    ),
    (
        "mapping values are not allowed",
        "a ':' stands where no 'key: value' can begin",
        "compare the indentation with the line above, and quote a value that contains ': '",
    ),
    (
        "could not find expected ':'",
        "this line is no 'key: value', nor a continuation of the line above",
        "add the ':' after the key, or indent the line under the text it belongs to",
    ),
    (
        "expected <block end>",
        "the indentation of this line fits none of the lines above",
        "align it with its siblings; items of one list begin in one column, and so do keys of one mapping",
    ),
    (
        "found unexpected end of stream",
        "a quoted text is still open at the end of the file",
        "close the quote",
    ),
    (
        "expected ',' or",
        "a '[' or '{' is not closed, or a ',' is missing before this place",
        "close the bracket, or add the ','",
    ),
    (
        "that cannot start any token",
        "a value cannot begin with this character",
        "put the value in quotes",
    ),
    (
        "undefined tag handle",
        "a value begins with a '!' tag that is not defined",
        "put the value in quotes if the '!' is part of it",
    ),
)


def explain(parser_message: str) -> tuple[str, str]:
    """The message and the remedy for what the parser said; its own words where nothing better is known."""
    for fragment, message, remedy in _EXPLANATIONS:
        if fragment in parser_message:
            return message, remedy
    return f"broken YAML: {parser_message}", "mend the syntax at this place"
