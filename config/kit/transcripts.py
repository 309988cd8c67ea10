"""What was said in a conversation with another server, written down line by line with secrets masked.

Not for having the conversation: that is whoever connects.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from config.kit.sealed import MASK

SHOWN_CHARACTERS = 500


@dataclass(slots=True)
class Transcript:
    """Lines as a person reads them: `C:` what we said, `S:` what came, `*` what happened."""

    secrets: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)

    def add(self, who: str, text: str) -> None:
        self.lines.append(f"{who} {self.clean(text)}".rstrip())

    def clean(self, text: str) -> str:
        """Without secrets, also where the other side repeats them, and without what a terminal would obey."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        text = "".join(character if character.isprintable() else "�" for character in text)
        return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"


def forms_of(user: str, password: str) -> tuple[str, ...]:
    """All that a server could repeat of a password it was given by AUTH (RFC 4954), the longest first."""
    both = f"\0{user}\0{password}"
    return tuple(form for form in (_base64(both), _base64(password), password) if form)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
