"""What can be wrong with a typed query, said in plain words and with the place where it is wrong.

Not for: translating. A page does `_(MESSAGES[error.code]) % error.params`; makemessages finds the texts by
gettext_noop.
"""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """Mark a text for the translators without translating it (this package knows no Django)."""
    return text


MESSAGES: dict[str, str] = {
    "too_long": gettext_noop("The query is too long: at most %(limit)d characters can be read."),
    "too_deep": gettext_noop("Parentheses and minus signs are nested more than %(limit)d deep."),
    "too_many_prefixes": gettext_noop("At most %(limit)d words may end in * in one query."),
    "unclosed_quote": gettext_noop("The quotation mark that opens here is never closed."),
    "unclosed_parenthesis": gettext_noop("The parenthesis that opens here is never closed."),
    "unopened_parenthesis": gettext_noop("This parenthesis closes nothing: there is none open."),
    "empty_parenthesis": gettext_noop("There is nothing between these parentheses."),
    "empty_phrase": gettext_noop("There is nothing between these quotation marks."),
    "operator_alone": gettext_noop("“%(operator)s” needs something to search for on both sides."),
    "not_alone": gettext_noop("“NOT” needs something after it to leave out."),
    "minus_alone": gettext_noop("A lone “-” leaves nothing out: write it directly before a word, as in -word."),
    "no_letters": gettext_noop("“%(word)s” has no letter or digit that could be looked for."),
    "word_too_long": gettext_noop("“%(word)s” is longer than %(limit)d bytes; words that long are not in the index."),
    "star_inside": gettext_noop("In “%(word)s” the * is in the wrong place: it can only end a word, as in begin*."),
    "prefix_too_short": gettext_noop("“%(word)s” is too short: give at least %(limit)d letters before the *."),
    "prefix_too_common": gettext_noop("Too many words begin like “%(word)s”: give more letters before the *."),
    "unknown_field": gettext_noop(
        "“%(name)s:” is not known; did you mean “%(suggestion)s:”? To look for the text itself, put it in quotes."
    ),
    "empty_field": gettext_noop("“%(name)s:” needs a value directly after the colon, without a space."),
    "field_inside_field": gettext_noop("“%(name)s:” can't stand inside the parentheses of another field."),
    "bad_date": gettext_noop(
        "“%(value)s” is not a day: write 2004-01-31, 2004-01, 2004, today, yesterday or 7d (also w, m, y)."
    ),
    "bad_size": gettext_noop("“%(value)s” is not a size: write for example 500k, 1M, 2G, or a number of bytes."),
    "bad_has": gettext_noop("“has:%(value)s” is not known; only has:attachment is."),
}


class QueryError(ValueError):
    """A query that can't be read: which rule (code, params) and where (position and length in characters)."""

    def __init__(self, code: str, position: int = 0, length: int = 0, **params: str | int) -> None:
        self.code = code
        self.params = params
        self.position = position
        self.length = length
        super().__init__(MESSAGES[code] % params)
