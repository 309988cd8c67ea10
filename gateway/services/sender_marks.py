"""Allowing and blocking the sender of a message: a rule of the mailbox, or of the domain where it has none of ours.

The rule is about the address people see (From), else about the envelope sender. Not for rules in general
(`domains.services.rules`).
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from domains.errors import Taken
from domains.models import Domain, SenderRule
from domains.policy.facts import AuthResult
from domains.policy.rules import RuleKind
from domains.services import rules
from domains.services.rule_values import KINDS, Owner
from gateway.errors import BadRelease
from gateway.models import Message, Recipient
from gateway.services import quarantine
from gateway.services.held import require_handling
from gateway.steps import Kind, step

ALLOW, BLOCK = SenderRule.Type.ALLOW, SenderRule.Type.BLOCK


def sender_of(recipient: Recipient) -> str:
    """The address a rule would be about; "" where the message names none."""
    message = recipient.message
    return next((each.lower() for each in (message.header_from, message.sender) if "@" in each), "")


def release_and_allow(actor: Actor, recipient: Recipient, *, reason: str = "", whole_domain: bool = False) -> Message:
    """Release it, and let what its sender sends pass from now on. Raises: as `quarantine.release`, Invalid,
    LimitReached."""
    with transaction.atomic():
        value = allow_sender(actor, recipient, whole_domain=whole_domain)
        return quarantine.release(actor, recipient, reason=reason, allowed=value)


def allow_sender(actor: Actor, recipient: Recipient, *, whole_domain: bool = False) -> str:
    """The value of the rule. It holds only where SPF passes, if it did for this message: nobody can pretend then.

    Raises: Forbidden, BadRelease, Invalid, LimitReached.
    """
    return _mark(actor, recipient, ALLOW, whole_domain=whole_domain)


def block_sender(actor: Actor, recipient: Recipient, *, whole_domain: bool = False, delete: bool = False) -> str:
    """The value of the rule; with `delete` the message goes too.

    Raises: Forbidden, BadRelease, Invalid, LimitReached.
    """
    with transaction.atomic():
        value = _mark(actor, recipient, BLOCK, whole_domain=whole_domain)
        if delete and recipient.state == Recipient.State.HELD:
            quarantine.delete(actor, recipient)
    return value


def require_marking(actor: Actor, recipient: Recipient) -> Owner:
    """The right to a rule about this message's sender; whose rule it would be. Raises: Forbidden, BadRelease."""
    require_handling(actor, recipient)
    owner = _owner(recipient)
    rules.require_rules(actor, RuleKind.SENDER, owner)
    return owner


def _mark(actor: Actor, recipient: Recipient, kind: SenderRule.Type, *, whole_domain: bool) -> str:
    owner = require_marking(actor, recipient)
    value = sender_of(recipient)
    if not value:
        raise BadRelease(_("This message names no sender."))
    value = value.rpartition("@")[2] if whole_domain else value
    values: dict[str, object] = {"type": kind.value, "value": value}
    if kind is ALLOW:
        values["spf_required"] = recipient.message.facts.get("spf", {}).get("result") == AuthResult.PASS
    with transaction.atomic():
        _forget_opposite(actor, owner, kind, value)
        try:
            with transaction.atomic():
                rules.create_rule(actor, RuleKind.SENDER, owner, values)
        except Taken:
            pass  # it is so already
        done = Kind.ALLOWED if kind is ALLOW else Kind.BLOCKED
        step(done, recipient.message, recipient, actor=actor, data={"sender": value}).save()
    return value


def _owner(recipient: Recipient) -> Owner:
    if recipient.mailbox is not None:
        return recipient.mailbox
    domain = Domain.objects.filter(pk=recipient.domain_id or 0).first()
    if domain is None:
        raise BadRelease(_("Its domain is no longer here."))
    return domain


def _forget_opposite(actor: Actor, owner: Owner, kind: SenderRule.Type, value: str) -> None:
    """A rule of the same owner that says the contrary of the same sender."""
    opposite = BLOCK if kind is ALLOW else ALLOW
    for rule in rules.rows_of(KINDS[RuleKind.SENDER], owner).filter(type=opposite, value=value):
        rules.delete_rule(actor, rule)
