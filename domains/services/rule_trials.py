"""The tester: what would happen to this message, or to mail with this sender, attachment, link or text, and why?

Nothing is stored and nothing leaves. What only a gateway finds out (SPF, DKIM, DMARC, score, viruses) is assumed as the
person says. Bounded: messages up to MOST_BYTES, read as far as `domains.policy.reading` does.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from domains.errors import Invalid
from domains.models import Address, Domain, Mailbox, Policy
from domains.policy import facts as known
from domains.policy import policy as pure
from domains.policy.canonical import fold_address
from domains.policy.decision import Decision, Keeping, Unit
from domains.policy.evaluate import evaluate
from domains.policy.facts import AuthResult, Direction, Envelope, Facts, SenderVerify, Where
from domains.policy.reading import MAX_URI, facts_from_message, host_of
from domains.policy.rules import RuleId, RuleKind
from domains.services import policies
from domains.services.rule_books import book_for, policy_for, recipient_for, recipient_in
from domains.services.rule_values import KINDS

MOST_BYTES = 10 * 1024 * 1024
MOST_TEXT = 100_000


@dataclass(frozen=True)
class Question:
    """What is asked. With `raw` the message says the rest; else the four single things do.

    dkim_domain: who signed, where `dkim` isn't none; empty: the sender's domain.
    """

    direction: Direction = Direction.INCOMING
    sender: str = ""
    recipient: str = ""
    raw: bytes = b""
    attachment: str = ""
    link: str = ""
    text: str = ""
    spf: AuthResult = AuthResult.NONE
    dkim: AuthResult = AuthResult.NONE
    dkim_domain: str = ""
    dmarc: AuthResult = AuthResult.NONE
    spam_score: float | None = None
    virus: str = ""
    sender_verify: SenderVerify = SenderVerify.NOT_DONE


@dataclass(frozen=True)
class Trial:
    """The answer. mailbox: whose policy and rules counted beside the domain's; rules: the rows that spoke."""

    decision: Decision
    facts: Facts
    mailbox: Mailbox | None
    policy: Policy | None
    rules: Mapping[tuple[RuleKind, RuleId], Any]
    sender_was_taken: bool

    def until(self, keeping: Keeping | None) -> dt.datetime | None:
        """Until when something is kept from now on."""
        return None if keeping is None else end_of(keeping, self.facts.received_at)


def try_rules(actor: Actor, domain: Domain, question: Question) -> Trial:
    """Decide as the gateway would, for one recipient in the domain (outgoing: for the sender in it).

    An address without a mailbox is judged by what the domain says. Raises: Forbidden, Invalid (too big; not in the
    domain).
    """
    actor.require(Right.VIEW_POLICIES, domain)
    if len(question.raw) > MOST_BYTES:
        raise Invalid(_("The message is larger than %(size)d MiB.") % {"size": MOST_BYTES // 1024**2}, field="file")
    is_incoming = question.direction is Direction.INCOMING
    facts = _facts(question)
    taken = not facts.envelope_sender and bool(facts.header_from) and not question.sender
    if taken:
        facts = replace(facts, envelope_sender=facts.header_from[0].address)
    facts = _authenticated(facts, question)
    served = question.recipient if is_incoming else facts.envelope_sender
    mailbox = _mailbox_in(domain, served, field="recipient" if is_incoming else "sender")
    recipient = recipient_in(domain, served or f"anybody@{domain.name}") if mailbox is None else recipient_for(mailbox)
    decision = evaluate(facts, _policy(domain, mailbox), book_for(domain, mailbox), recipient)
    row = domain.default_policy if mailbox is None else policies.policy_of(mailbox)
    return Trial(decision, facts, mailbox, row, _rows(decision), taken)


def end_of(keeping: Keeping, start: dt.datetime) -> dt.datetime:
    """When keeping something from this moment on is over; a month ends on its last day at most."""
    if keeping.unit is Unit.DAYS:
        return start + dt.timedelta(days=keeping.amount)
    months = start.month - 1 + keeping.amount
    year, month = start.year + months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def _facts(question: Question) -> Facts:
    envelope = Envelope(
        sender=question.sender.strip(),
        recipients=(question.recipient.strip(),) if question.recipient.strip() else (),
        direction=question.direction,
        received_at=timezone.now(),
        spam_score=question.spam_score,
        virus_names=(question.virus.strip(),) if question.virus.strip() else (),
        sender_verify=question.sender_verify,
    )
    if question.raw:
        return facts_from_message(question.raw, envelope)
    link, text, name = question.link.strip()[:MAX_URI], question.text[:MOST_TEXT], question.attachment.strip()[:1000]
    sender = (known.Mailbox("", envelope.sender),) if envelope.sender else ()
    return Facts(
        direction=envelope.direction,
        received_at=envelope.received_at,
        envelope_sender=envelope.sender,
        recipients=envelope.recipients,
        header_from=sender,
        spam_score=envelope.spam_score,
        virus_names=envelope.virus_names,
        sender_verify=envelope.sender_verify,
        attachments=(known.Attachment(names=(name,)),) if name else (),
        uris=(known.Uri(host_of(link), link),) if link else (),
        texts=(known.Text(Where.BODY, text),) if text else (),
    )


def _authenticated(facts: Facts, question: Question) -> Facts:
    """What is assumed of SPF, DKIM and DMARC, for the sender's own domain where none is named."""
    domain = fold_address(facts.envelope_sender).domain
    signed = question.dkim is not AuthResult.NONE
    signatures = (known.Signature(question.dkim_domain.strip() or domain, question.dkim),) if signed else ()
    found = known.Authentication(spf=question.spf, spf_domain=domain, dkim=signatures, dmarc=question.dmarc)
    return replace(facts, authentication=found)


def _policy(domain: Domain, mailbox: Mailbox | None) -> pure.Policy:
    if mailbox is not None:
        return policy_for(mailbox)
    return pure.merge([("domain", policies.values_of(domain.default_policy))]).policy


def _mailbox_in(domain: Domain, text: str, *, field: str) -> Mailbox | None:
    """The mailbox that this address of the domain leads to, by itself or as its alias. Raises: Invalid."""
    if not text.strip():
        return None
    address = fold_address(text)
    if not domain.names.filter(name=address.domain).exists():
        raise Invalid(_("This is no address of %(domain)s.") % {"domain": domain.display_name}, field=field)
    claims = Address.objects.filter(domain=domain, local=address.local)
    claim = claims.filter(kind__in=(Address.Kind.MAILBOX, Address.Kind.ALIAS)).first()
    if claim is None:
        return None
    own = Mailbox.objects.select_related("domain__customer", "domain__default_policy", "policy", "user")
    if claim.kind == Address.Kind.MAILBOX:
        return own.filter(claim=claim).first()
    return own.filter(claim__reached_by__address=claim).first()


def _rows(decision: Decision) -> dict[tuple[RuleKind, RuleId], Any]:
    """The rows of the rules that spoke, a query for each kind."""
    keys: dict[RuleKind, set[int]] = {}
    for finding in decision.findings:
        if finding.match is not None and isinstance(finding.match.rule_id, int):
            keys.setdefault(finding.match.kind, set()).add(finding.match.rule_id)
    return {(kind, row.pk): row for kind, ids in keys.items() for row in KINDS[kind].rows().filter(pk__in=ids)}
