"""What is placed into a message: blocks of HTML and text with their pictures. Not for templates (`filling`)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

MARK = "postkeep-signature"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture inside the mail. `cid` is what the HTML calls it (`src="cid:…"`) and its Content-ID."""

    cid: str
    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A signature, or something added to it, filled in for its person. `name` is for the passport.

    key: the same for the same template and person for ever, so that their later messages of a thread are recognised.
    html: sanitised. text: with LF line ends; may not be empty where html isn't.
    """

    key: str
    name: str
    html: str
    text: str
    pictures: tuple[Picture, ...] = ()

    @property
    def mark(self) -> str:
        """The class by which the block is found again in HTML."""
        return f"ps-{self.key}"


def key_of(*parts: object) -> str:
    """A short name for a template and its person: says nothing to others."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:16]
