"""Reads of policies and filters: of all domains somebody looks after, of one domain or mailbox, and one's own."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import BadAddress
from accounts.permissions import Right
from domains.models import AttachmentRule, DlpRule, Domain, Mailbox, Policy, SenderRule, UriRule
from domains.policy.rules import RuleKind

MODELS: dict[RuleKind, type[SenderRule | AttachmentRule | UriRule | DlpRule]] = {
    RuleKind.SENDER: SenderRule,
    RuleKind.ATTACHMENT: AttachmentRule,
    RuleKind.URI: UriRule,
    RuleKind.DLP: DlpRule,
}


def list_policies(actor: Actor, *, domain: int | None = None) -> QuerySet[Policy]:
    """The policies the actor may see, of one domain (its id) or all, with how many mailboxes have them.

    Raises: Forbidden.
    """
    actor.require_somewhere(Right.VIEW_POLICIES)
    seen = Policy.objects.visible_to(actor, Right.VIEW_POLICIES)
    if domain is not None:
        seen = seen.filter(domain_id=domain)
    # asked for each row that is shown; joined, they would be counted of all before the first is known
    having = Mailbox.objects.filter(policy=OuterRef("pk")).order_by().values("policy")
    return seen.select_related("domain").annotate(
        used=Coalesce(Subquery(having.annotate(n=Count("pk")).values("n")), 0),
        is_default=Exists(Domain.objects.filter(default_policy=OuterRef("pk"))),
    )


def get_policy(actor: Actor, policy_id: int, *, need: Right = Right.VIEW_POLICIES) -> Policy:
    """Raises: Http404 (of a domain whose policies the actor doesn't see), Forbidden."""
    seen = Policy.objects.visible_to(actor, Right.VIEW_POLICIES).select_related("domain__customer")
    found = seen.filter(pk=policy_id).first()
    if found is None:
        raise Http404("no such policy")
    actor.require(need, found)
    return found


def list_rules(actor: Actor, kind: RuleKind, *, domain: int | None = None, mailbox: int | None = None) -> QuerySet[Any]:
    """The rules of a kind the actor may see: all, a domain's own (its id), or a mailbox's. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_POLICIES)
    seen: QuerySet[Any] = MODELS[kind].objects.visible_to(actor, Right.VIEW_POLICIES)
    if domain is not None:
        seen = seen.filter(domain_id=domain)
        if kind is RuleKind.SENDER:
            seen = seen.filter(mailbox=None)
    if mailbox is not None:
        seen = seen.filter(mailbox_id=mailbox)
    related = (
        ("domain__customer", "mailbox__user", "mailbox__domain") if kind is RuleKind.SENDER else ("domain__customer",)
    )
    return seen.select_related(*related)


def get_rule(actor: Actor, kind: RuleKind, rule_id: int, *, need: Right = Right.VIEW_POLICIES) -> Any:
    """Raises: Http404 (one the actor doesn't see), Forbidden."""
    found = list_rules(actor, kind).filter(pk=rule_id).first() if actor.has_somewhere(Right.VIEW_POLICIES) else None
    if found is None:
        raise Http404("no such rule")
    actor.require(need, found)
    return found


def list_own_rules(actor: Actor) -> QuerySet[SenderRule]:
    """The person's own sender rules."""
    user = None if actor.user is None else actor.user.pk
    rows = SenderRule.objects.filter(mailbox__user_id=user) if user is not None else SenderRule.objects.none()
    return rows.select_related("domain", "mailbox__user", "mailbox__domain")


def get_own_rule(actor: Actor, rule_id: int) -> SenderRule:
    """Raises: Http404."""
    found = list_own_rules(actor).filter(pk=rule_id).first()
    if found is None:
        raise Http404("no such rule")
    return found


def find_mailbox(actor: Actor, text: str) -> Mailbox | None:
    """The mailbox with this address (under any name of its domain) if it is the actor's own or theirs to see."""
    local, _at, domain = text.strip().rpartition("@")
    try:
        name = canonical_domain(domain)
    except BadAddress:
        return None
    named = Q(claim__local=local.lower(), domain__names__name=name)
    rows = Mailbox.objects.filter(named).exclude(status="purged").select_related("domain__customer", "user", "claim")
    found = rows.first()
    if found is None or (found.user is not None and actor.owns(found.user)):
        return found
    return found if Mailbox.objects.visible_to(actor, Right.VIEW_USERS).filter(pk=found.pk).exists() else None
