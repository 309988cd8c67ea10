"""Journaling mode: a report of what was sent goes straight into the archives of those it names, before our 250.

    answer = await intake.take_journal(incoming)

Exchange and Microsoft 365 send envelope reports, Postfix plain copies (always_bcc); who is concerned says the report,
or the header of the copy. One content for all, one place in each mailbox's archive; nothing is judged and nothing goes
on. Which addresses take reports, and from which servers, says the router table. Not for what a report looks like
(`archive.mail.journal_reports`), nor for journaling mailboxes that are fetched (`archive.profiles.journaling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

from archive.mail.journal_reports import Report, unpack
from archive.profiles.journaling import Directory
from domains.models import Mailbox
from domains.policy.decision import Action, Category, Decision, Finding, Keeping, Unit
from domains.policy.facts import Direction, Envelope
from domains.policy.reading import read_message
from domains.policy.reasons import Code, reason
from gateway.flow import (
    Answer,
    Asked,
    Client,
    Door,
    Filed,
    Incoming,
    InMemory,
    Inspection,
    Judged,
    Route,
    Sending,
    Ways,
)
from gateway.keys import new_key

MOST_NAMED = 20_000
NOT_FROM_HERE = Answer(550, "5.7.1", "Journal reports are taken only from the servers that are named for them")
NOBODY = Answer(550, "5.1.1", "The report names nobody who has a mailbox here")
TOO_MANY = Answer(552, "5.3.4", f"The report names more than {MOST_NAMED} people")
EMPTY = Answer(554, "5.6.0", "The report is empty")
# Filing takes no notice of how long: what is archived stays as the archive's own retention policies say.
_ARCHIVED = Decision(
    Category.CLEAN,
    Action.DELIVER,
    (Finding(Category.CLEAN, reason(Code.CLEAN), Action.DELIVER, decides=True),),
    archive=Keeping(0, Unit.DAYS),
)


def may_report(client: Client, sources: str) -> bool:
    """Whether the client is in one of these networks, as the router table has them."""
    try:
        address = ip_address(client.address)
    except ValueError:
        return False
    return any(address in ip_network(source, strict=False) for source in sources.split())


def filed_from(incoming: Incoming) -> Filed | Answer:
    """What is archived of a report, and for whom; what to answer where that is nothing. Raises: DatabaseError.

    Reads and takes apart the whole message: for a thread.
    """
    report = unpack(incoming.body.read())
    if not report.message:
        return EMPTY
    if len(report.recipients) + len(report.senders) > MOST_NAMED:
        return TOO_MANY
    judged = tuple(Judged(route, _ARCHIVED) for route in _routes(report, incoming))
    if not judged:
        return NOBODY
    sender = report.senders[0] if report.senders else ""
    asked = tuple(Asked(address) for address in dict.fromkeys(each.route.asked for each in judged))
    made = replace(
        incoming,
        key=new_key(),
        door=Door.JOURNAL,
        sender=Sending(sender),
        recipients=asked,
        body=InMemory(report.message),
    )
    return Filed(made, _inspection(made), judged)


def _routes(report: Report, incoming: Incoming) -> Iterator[Route]:
    """One for each mailbox of ours that sent or got it."""
    directory, seen = Directory(), set[int]()
    takers = {each.address.lower() for each in incoming.recipients}
    for address in _each_once((*report.recipients, *report.senders)):
        if address in takers:  # a copy names the journal itself
            continue
        for mailbox in directory.mailboxes(address):
            if mailbox.pk not in seen:
                seen.add(mailbox.pk)
                yield _route(address, mailbox)


def _route(address: str, mailbox: Mailbox) -> Route:
    return Route(
        asked=address,
        address=mailbox.address,
        ends=Ways.MAILBOX,
        direction=Direction.INCOMING,
        domain_id=mailbox.domain_id,
        customer_id=mailbox.customer_id,
        mailbox_id=mailbox.pk,
        policy_of=mailbox.pk,
        way=(address,) if address == mailbox.address else (address, mailbox.address),
    )


def _each_once(addresses: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(addresses))


def _inspection(made: Incoming) -> Inspection:
    """What a passport says of it; it was judged where it came from."""
    recipients = tuple(each.address for each in made.recipients)
    envelope = Envelope(made.sender.address, recipients, Direction.INCOMING, made.received_at)
    read = read_message(made.body.read(), envelope)
    return Inspection(
        facts=read.facts,
        subject=read.facts.subject,
        message_id=read.parts.head.first("message-id").strip()[:998],
        header_from=read.facts.header_from[0].address if read.facts.header_from else "",
    )
