"""What a server said or what went wrong on the way, and what it means for a recipient. Pure data.

Source: RFC 5321 §4.2, RFC 3463 (codes), RFC 2034 (codes at the beginning of a reply's text).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of SMTP. `enhanced` is the one the server gave, "" without."""

    code: int
    enhanced: str
    text: str

    @classmethod
    def of(cls, code: int, lines: list[str]) -> Reply:
        """From its lines without the code; the enhanced code is taken off each."""
        match = _ENHANCED.match(lines[0]) if lines else None
        enhanced = match[1] if match and match[1][0] == str(code)[0] else ""
        texts = [line.removeprefix(enhanced).strip() if enhanced else line.strip() for line in lines]
        printable = "".join(letter if letter.isprintable() else " " for letter in " ".join(filter(None, texts)))
        return cls(code, enhanced, printable[:LONGEST])

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 400

    @property
    def is_final(self) -> bool:
        """No, and trying again won't help."""
        return self.code >= 500

    def __str__(self) -> str:
        return " ".join(filter(None, [str(self.code), self.enhanced, self.text]))


class End(StrEnum):
    """What a try came to for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    RETURNED = "returned"  # not tried after all: goes back as it was


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try. `status` is RFC 3463's; `text` is the remote's answer, or our own words where none came.

    is_remote: whether the text is the remote's. may_repeat: the remote may have taken it, and we couldn't hear it.
    soon: to be tried again at once (the server took others of the same message first).
    """

    end: End
    status: str
    text: str
    code: int = 0
    is_remote: bool = False
    host: str = ""
    address: str = ""
    port: int = 0
    tls: str = ""
    seconds: float = 0.0
    may_repeat: bool = False
    soon: bool = False
    takes_dsn: bool = field(default=False, compare=False)  # the remote looks after success notices from now on

    @classmethod
    def of_reply(cls, reply: Reply, *, at: Outcome | None = None) -> Outcome:
        """What a reply to RCPT, or to the message, means."""
        end = End.DELIVERED if reply.is_good else End.FAILED if reply.is_final else End.DEFERRED
        status = reply.enhanced or f"{ {End.DELIVERED: 2, End.FAILED: 5}.get(end, 4) }.0.0"
        made = cls(end, status, reply.text, reply.code, is_remote=True)
        return made if at is None else made.from_place(at)

    def from_place(self, at: Outcome) -> Outcome:
        return replace(self, host=at.host, address=at.address, port=at.port, tls=at.tls)

    @property
    def reply(self) -> str:
        """One line for people and for a notice's Diagnostic-Code."""
        return " ".join(filter(None, [str(self.code or ""), self.status if self.is_remote else "", self.text]))

    def as_data(self) -> dict[str, Any]:
        """For a step of the passport."""
        data = {
            "ok": self.end is End.DELIVERED, "host": self.host, "address": self.address, "port": self.port,
            "tls": self.tls, "code": self.code, "status": self.status, "reply": self.text,
            "seconds": round(self.seconds, 3),
        }  # fmt: skip
        return {**data, "possible_duplicate": True} if self.may_repeat else data
