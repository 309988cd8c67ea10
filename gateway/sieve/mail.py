"""A message as rules see it: its header, its envelope, its size, its text. Made of what was found out about it once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import getaddresses

from domains.policy.facts import Facts, Where
from domains.policy.mime import decode_words

MOST_VALUES = 200
MOST_TEXT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Mail:
    """sender, recipient: of the envelope. fields: (name in lower case, value as it was written) in order."""

    sender: str = ""
    recipient: str = ""
    size_bytes: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, facts: Facts, *, sender: str, recipient: str, size_bytes: int) -> Mail:
        left, texts = MOST_TEXT, []
        for each in facts.texts:
            if each.where is Where.BODY and left > 0:
                texts.append(each.text[:left])
                left -= len(each.text)
        fields = tuple((name.lower(), value) for name, value in facts.headers)
        return cls(sender, recipient, size_bytes, fields, tuple(texts))

    def raw(self, name: str) -> list[str]:
        """The values of all fields of this name."""
        wanted = name.strip().lower()
        return [value for each, value in self.fields if each == wanted][:MOST_VALUES]

    def values(self, name: str) -> list[str]:
        """The same, decoded, without white space around."""
        return [decode_words(value).strip() for value in self.raw(name)]

    def addresses(self, name: str) -> Iterator[str]:
        """Every address in the fields of this name."""
        for value in self.raw(name):
            try:
                pairs = getaddresses([value[:10_000]])
            except (ValueError, IndexError, TypeError, RecursionError):
                continue
            for _shown, address in pairs[:MOST_VALUES]:
                if address:
                    yield address
