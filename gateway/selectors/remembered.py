"""Conditions for what people remember of a message, as the indexes of passports serve them; for pages and the API.

Not for words of subjects (`gateway.models.subject_words`).
"""

from __future__ import annotations

from django.db.models import Q

from config.kit.lookups import like_escaped


def address_is(path: str, text: str, *, whole: bool) -> Q:
    """An address, whole or from its beginning. Kept as it was written, so its small-letter form is asked too."""
    lookup, found = "exact" if whole else "startswith", Q()
    for form in sorted({text, text.lower()}):
        found |= Q(**{f"{path}__{lookup}": form})
    return found


def message_id_is(path: str, text: str) -> Q:
    """A Message-ID, with or without its angle brackets."""
    return Q(**{f"{path}__in": sorted({text, f"<{text.strip('<>')}>"})})


# --- of what is kept: parts of texts, in any case ---


def subject_has(text: str) -> Q:
    """A part of the subject; `*` stands for anything, and then the rest is where it says."""
    return Q(message__subject__ilike=_pattern(text))


def sender_has(text: str) -> Q:
    """A part of From or of the envelope's sender, with `*` as above; "" finds what has no From."""
    like = _pattern(text)
    return Q(message__header_from__ilike=like) | Q(message__sender__ilike=like) if text else Q(message__header_from="")


def recipient_has(text: str) -> Q:
    """A part of the recipient's address, or of the one that was written to, with `*` as above."""
    like = _pattern(text)
    return Q(address__ilike=like) | Q(asked__ilike=like)


def held_has(text: str) -> Q:
    """A part of all that is looked through of what lies in quarantine, by an index of that alone."""
    return Q(held_text__ilike=f"%{like_escaped(text.lower())}%")


def narrowed(text: str, found: Q) -> Q:
    """The same of what lies in quarantine: its index says of which rows the messages are looked at."""
    return Q(*(held_has(each) for each in text.split("*") if each), found)


def _pattern(text: str) -> str:
    return like_escaped(text).replace("*", "%") if "*" in text else f"%{like_escaped(text)}%"
