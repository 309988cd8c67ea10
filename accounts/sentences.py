"""What an audit event says to people: each app registers a sentence for each of its actions.

An action without a sentence is shown by its name; a test names those that lack one.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.kit.nav import Text

_sentences: dict[str, Text] = {}


def register(sentences: Mapping[str, Text]) -> None:
    """{action: what was done, as a short sentence in the past}."""
    _sentences.update(sentences)


def of(action: str) -> Text:
    """The sentence of an action."""
    return _sentences.get(action, action)


def known() -> dict[str, Text]:
    """All of them, by action."""
    return dict(sorted(_sentences.items()))
