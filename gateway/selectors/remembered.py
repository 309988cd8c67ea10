"""Conditions for what people remember of a message, as the indexes of passports serve them; for pages and the API.

Not for words of subjects (`gateway.models.subject_words`).
"""

from __future__ import annotations

from django.db.models import Q


def address_is(path: str, text: str, *, whole: bool) -> Q:
    """An address, whole or from its beginning. Kept as it was written, so its small-letter form is asked too."""
    lookup, found = "exact" if whole else "startswith", Q()
    for form in sorted({text, text.lower()}):
        found |= Q(**{f"{path}__{lookup}": form})
    return found


def message_id_is(path: str, text: str) -> Q:
    """A Message-ID, with or without its angle brackets."""
    return Q(**{f"{path}__in": sorted({text, f"<{text.strip('<>')}>"})})
