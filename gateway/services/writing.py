"""A mail that somebody writes here goes the way of every other outgoing mail: asked, throttled, judged, signed, queued.

Not for mail that the system writes itself (`bounces.sending`, `request_mails`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from email.utils import formataddr, getaddresses

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from archive.mail.markup import text_of_html
from domains.errors import Invalid, LimitReached
from domains.models import Mailbox, Status
from domains.selectors.identities import Identity, identity_of
from gateway import content, intake
from gateway.flow import Answer, Asked, Client, Door, Incoming, InMemory, Sending
from gateway.keys import new_key
from gateway.models import Attachment, Message
from gateway.outgoing.letters import BadLetter, File, Letter, Person, as_bytes, needs_utf8
from gateway.reception import throttles
from gateway.reception_rows import routed
from gateway.resolving import sender_of
from gateway.services import attachments
from gateway.services.origins import Origin

MOST_RECIPIENTS = 200
LONGEST_SUBJECT, LONGEST_TEXT = 500, 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wrote. to, cc, bcc: as typed, with commas between. author: an address of theirs ("": their own).

    html: instead of the text, which is made of it.
    """

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    author: str = ""
    files: tuple[Attachment, ...] = ()
    origin: Origin | None = None
    wants_receipt: bool = False
    is_important: bool = False


def typed(person: Person) -> str:
    """Somebody as a field of the form takes them."""
    return formataddr((person.name, person.address), charset="utf-8") if person.name.isascii() else person.address


def box_of(actor: Actor) -> Mailbox:
    """The mailbox of who writes. Raises: Forbidden, Invalid (they have none that is in use)."""
    user = attachments.writer(actor)
    box = Mailbox.objects.select_related("domain", "user").filter(user=user, status=Status.ENABLED).first()
    if box is None:
        raise Invalid(_("You have no mailbox to write from."))
    return box


def send_mail(actor: Actor, draft: Draft) -> Message:
    """Send it; its passport says what became of it (a policy may hold or refuse it). Files go with it.

    Raises: Forbidden, Invalid (field to, cc, bcc, author, subject, text or files), LimitReached.
    """
    box = box_of(actor)
    people = {name: _people(getattr(draft, name), name) for name in ("to", "cc", "bcc")}
    recipients = list(dict.fromkeys(each.address for group in people.values() for each in group))
    if not recipients:
        raise Invalid(_("Say who gets it."), field="to")
    if len(recipients) > MOST_RECIPIENTS:
        raise Invalid(_("A mail has at most %(most)d recipients.") % {"most": MOST_RECIPIENTS}, field="to")
    if sum(row.size_bytes for row in draft.files) > attachments.MOST_BYTES:
        raise Invalid(
            _("The files have more than %(most)d MB together.") % {"most": attachments.MOST_BYTES // 1024 // 1024},
            field="files",
        )
    key = new_key()
    with transaction.atomic():
        attachments.require_there(draft.files)
        incoming = _asked(_incoming(actor, box, _letter(box, draft, people), key, recipients), people)
        answer, message = intake.take_now(incoming)
        if message is None:
            raise Invalid(_not_taken(answer))
        attachments.remove_sent(draft.files)
        audit.record(
            actor, "mail.send", box, recipients=len(recipients), message=key, files=len(draft.files)
        )  # fmt: skip
    return message


def _people(typed: str, field: str) -> tuple[Person, ...]:
    """Raises: Invalid."""
    found = []
    pieces = typed.replace(";", ",").replace("\r", " ").replace("\n", " ").strip(" ,")
    for name, address in getaddresses([pieces]) if pieces else []:
        try:
            parsed = parse_address(address)
        except BadAddress as error:
            text = _("“%(text)s” is not an address.") % {"text": (address or name or pieces)[:100]}
            raise Invalid(text, field=field) from error
        found.append(Person(str(parsed), name))
    return tuple({each.address: each for each in found}.values())


def _letter(box: Mailbox, draft: Draft, people: dict[str, tuple[Person, ...]]) -> Letter:
    """Raises: Invalid."""
    author = draft.author or box.address
    if identity_of(box, author) is Identity.NONE:
        raise Invalid(_("You may not write as %(address)s.") % {"address": author[:100]}, field="author")
    if len(draft.subject) > LONGEST_SUBJECT:
        raise Invalid(_("The subject is too long."), field="subject")
    if max(len(draft.text), len(draft.html)) > LONGEST_TEXT:
        raise Invalid(_("The text is too long."), field="text")
    origin = draft.origin
    return Letter(
        author=Person(author, "" if box.user is None else box.user.name),
        to=people["to"],
        cc=people["cc"],
        subject=draft.subject,
        text=draft.text or text_of_html(draft.html),
        html=draft.html,
        files=tuple(File(row.name, row.content_type, b"".join(content.chunks_of(row.content))) for row in draft.files),
        answers=origin.message_id if origin is not None else "",
        thread=origin.thread if origin is not None else (),
        wants_receipt=draft.wants_receipt,
        is_important=draft.is_important,
    )


def _incoming(actor: Actor, box: Mailbox, letter: Letter, key: str, recipients: Sequence[str]) -> Incoming:
    """The message as a door has it. Raises: Invalid."""
    now = timezone.now()
    try:
        raw = as_bytes(letter, message_id=f"<{key}@{letter.author.address.rpartition('@')[2]}>", at=now)
    except BadLetter as error:
        raise Invalid(_("This can't be sent as a mail: %(why)s") % {"why": str(error)[:200]}) from error
    is_wide = needs_utf8(letter) or not all(each.isascii() for each in recipients)
    parameters = [("BODY", "8BITMIME")] if not raw.isascii() else []
    if is_wide:
        parameters.append(("SMTPUTF8", ""))
    return Incoming(
        key=key,
        door=Door.CONSOLE,
        client=Client(actor.address, user_id=box.user_id, user_name=actor.label, door=Door.CONSOLE),
        sender=Sending(letter.author.address, tuple(parameters)),
        recipients=tuple(Asked(each) for each in recipients),
        body=InMemory(raw),
        received_at=now,
    )


def _asked(incoming: Incoming, people: dict[str, tuple[Person, ...]]) -> Incoming:
    """With the recipients that the router table leads to, asked as the reception asks.

    Raises: Invalid, LimitReached.
    """
    fields = {each.address: name for name, group in reversed(people.items()) for each in group}
    led = dict(_led(incoming, fields))
    if not led:
        raise Invalid(_("Nobody gets what is sent to these addresses."), field="to")
    size, sender = incoming.body.size_bytes, incoming.sender
    counts = throttles.counts_of(led, sender, sender_of(incoming.client, sender.address), size)
    reached, _added = throttles.ask(counts, add=True)
    if reached is not None:
        raise LimitReached(_not_taken(reached))
    return replace(incoming, recipients=tuple(led.values()))


def _led(incoming: Incoming, fields: dict[str, str]) -> Iterator[tuple[str, Asked]]:
    for asked in incoming.recipients:
        found = routed(asked.address)
        if found.ends == "discard":
            continue
        address = found.address if found.lines else asked.address
        refusal = Answer(550, "5.7.1", found.text) if found.ends else None
        answer = refusal or intake.may_go(incoming.client, incoming.sender.address, address)
        if not answer.is_ok:
            text = _("%(address)s doesn't get it: %(answer)s") % {"address": asked.address, "answer": answer.text}
            raise Invalid(text, field=fields[asked.address])
        yield address, replace(asked, address=address)


def _not_taken(answer: Answer) -> str:
    return _("The mail was not taken: %(answer)s") % {"answer": answer.text}
