"""What the scorer looks at: a message that was read, prepared once for all signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domains.policy.facts import Facts
from domains.policy.mime import Head
from domains.policy.reading import BodyText, Read
from gateway.judging.authentication.checking import Authenticated
from gateway.judging.scoring.phrases import tricks_of

MOST_CHARACTERS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sight:
    """`text`: what can be read, tags taken out, at most 64 K characters; `flat`: the same in lower case with single
    blanks. client_name, helo: of who brought it (None: nobody did). `forged_results`: how many claim to be ours.
    `takes_mail`: the sender's domain does, or nobody asked.
    `html`: the first source, `tricks`: what it does."""

    facts: Facts
    head: Head
    bodies: Sequence[BodyText]
    parts: int
    text: str
    flat: str
    subject: str
    signed_by: Authenticated
    client_name: str | None
    helo: str
    received_at: datetime
    forged_results: int = 0
    takes_mail: bool = True
    html: str = ""
    tricks: frozenset[str] = frozenset()


def sight_of(
    read: Read,
    signed_by: Authenticated,
    *,
    client_name: str | None = None,
    helo: str = "",
    forged_results: int = 0,
    takes_mail: bool = True,
) -> Sight:
    plain = [body for body in read.bodies if not body.is_html] or list(read.bodies)
    text = "\n".join(body.plain[:MOST_CHARACTERS] for body in plain)[:MOST_CHARACTERS]
    if len(text) < 200:  # an empty text beside the HTML hides what it says
        text = "\n".join(body.plain[:MOST_CHARACTERS] for body in read.bodies)[:MOST_CHARACTERS]
    subject = " ".join(read.facts.subject.split())
    html = next((body.text[:MOST_CHARACTERS] for body in read.bodies if body.is_html), "")
    return Sight(
        facts=read.facts,
        head=read.parts.head,
        bodies=read.bodies,
        parts=len(read.parts.leaves),
        text=text,
        flat=" ".join(text.split()).lower(),
        subject=subject,
        signed_by=signed_by,
        client_name=client_name,
        helo=helo,
        received_at=read.facts.received_at,
        forged_results=forged_results,
        takes_mail=takes_mail,
        html=html,
        tricks=frozenset(tricks_of(html)) if html else frozenset(),
    )
