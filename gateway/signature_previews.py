"""How a signature looks: a document for a sandboxed frame, in light or dark, and what somebody's message would get.

Pictures become data: URLs (the frame has no cookies), everything from elsewhere stays unloaded. Writes nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import gettext as _

from domains.models import Mailbox
from gateway.models import SignaturePicture
from gateway.resolving import resolve
from gateway.services import signature_html
from gateway.signature_books import block_for, read_person
from gateway.signatures.block import Block
from gateway.signatures.choosing import Chosen, Writing, choose
from gateway.signatures.filling import NAMES, fill_html, fill_text
from gateway.signatures.plain import text_of

_REMOTE = re.compile(r"(<img\b[^>]*\bsrc=\")https?://[^\"]*(\")", re.I)
_STYLE = """
:root{color-scheme:light}body{margin:16px;font:15px/1.45 Calibri,Carlito,Arial,sans-serif;color:#111;background:#fff;
overflow-wrap:anywhere}img{max-width:100%;height:auto}a{color:#0a58ca}
hr.gap{border:0;border-top:1px solid #ccc;margin:16px 0}
pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;margin:0}.soft{color:#666}
.dark{color-scheme:dark;background:#1b1d21;color:#e6e6e6}.dark a{color:#8ab4ff}.dark .soft{color:#a5a5a5}
.dark hr.gap{border-color:#444}
"""
EXAMPLE = {
    "name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org",
    "title": "Chief Engineer", "department": "Engines", "company": "Example Ltd", "phone": "+44 20 7946 0001",
    "mobile": "+44 7700 900001", "fax": "+44 20 7946 0002", "address": "12 St James’s Square, London",
    "street": "12 St James’s Square", "postcode": "SW1Y 4JH", "city": "London", "country": "United Kingdom",
    "location": "London", "website": "https://example.org", "pronouns": "she/her", "domain": "example.org",
}  # fmt: skip
assert set(EXAMPLE) == set(NAMES)


@dataclass(frozen=True, slots=True)
class Effective:
    """What a message would get. `is_inside`: the recipient is of the same customer."""

    blocks: Sequence[Block]
    chosen: Chosen
    is_inside: bool

    @property
    def html(self) -> str:
        return "".join(block.html for block in self.blocks)

    @property
    def text(self) -> str:
        return "\n\n".join(block.text for block in self.blocks)


def effective_for(mailbox: Mailbox, recipient: str = "", *, is_reply: bool = False) -> Effective:
    """What this person's message to a recipient would get now. Rights are the caller's."""
    person = read_person(mailbox.pk)
    if person is None:
        return Effective((), Chosen(), False)
    inside = is_inside(mailbox, recipient)
    writing = Writing(recipient or "*", is_inside=inside, is_reply=is_reply, day=timezone.localdate())
    chosen = choose(person.book, writing)
    return Effective([block_for(person, each) for each in chosen.templates], chosen, inside)


def is_inside(mailbox: Mailbox, recipient: str) -> bool:
    if "@" not in recipient:
        return False
    found = resolve(recipient, mailbox.address)
    if not found.is_ours or found.domain_id is None:
        return False
    same_customer = found.customer_id is not None and found.customer_id == mailbox.customer_id
    return found.domain_id == mailbox.domain_id or same_customer


def tried(html: str, text: str, *, mailbox: Mailbox | None, fills: bool) -> tuple[str, str]:
    """HTML and text as they would be sent, of what stands in a form: for this person, or for an example."""
    values = EXAMPLE
    if mailbox is not None:
        person = read_person(mailbox.pk)
        values = dict(person.values) if person is not None else {}
    if fills and html.count("{{") <= signature_html.MOST_PLACEHOLDERS:
        html, text = fill_html(signature_html.clean(html), values), fill_text(text, values)
    cleaned = signature_html.clean(signature_html.OURS.sub(r"\1cid:picture-\2", html))
    return cleaned, text.strip() or text_of(cleaned)


def document(html: str, text: str, *, is_dark: bool, pictures: Sequence[SignaturePicture] = ()) -> str:
    """A whole page for the frame. html: cleaned; references only to `pictures` or to Content-IDs replaced before."""
    shown = signature_html.with_sources(
        html, {each.pk: data_url(bytes(each.content.data), each.content.content_type) for each in pictures}
    )
    shown = _REMOTE.sub(r"\1\2", shown)
    body = shown or f'<p class="soft">{escape(_("Nothing is added."))}</p>'
    words = f'<hr class="gap"><p class="soft">{escape(_("As text"))}</p><pre>{escape(text)}</pre>' if text else ""
    shade = ' class="dark"' if is_dark else ""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_STYLE}</style></head>'
        f"<body{shade}>{body}{words}</body></html>"
    )


def document_of(found: Effective, *, is_dark: bool) -> str:
    """The same of what a message would get."""
    html = found.html
    for block in found.blocks:
        for picture in block.pictures:
            html = html.replace(f"cid:{picture.cid}", data_url(picture.data, picture.content_type))
    return document(html, found.text, is_dark=is_dark)


def data_url(data: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"
