"""Removing a deleted domain for good: `plan` says in numbers what goes and what stays, `purge_domain` does it.

One transaction a domain, in statements over sets. What would cascade with the domain or its mailboxes goes, whichever
module keeps it; mailboxes and the domain stay as purged rows, because archived mail hangs on them and never goes. The
names and addresses are free afterwards. Source: CommuniGate's DELETEDOMAIN FORCE; Cleanmail's delayed deletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import CASCADE, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import canonical_domain
from accounts.errors import Forbidden
from accounts.models import Grant, Source, User
from accounts.permissions import Level, Right
from accounts.scopes import ScopeRef
from accounts.services.grants import forget_scope
from accounts.services.leaving import Departure, leave_many, staying
from domains.errors import WrongState
from domains.models import (
    Address,
    AllowedSender,
    Customer,
    Domain,
    DomainName,
    Mailbox,
    MailingList,
    Recipient,
    Status,
    Subscriber,
)
from domains.services import counting
from domains.services.domain_states import may_take_back
from domains.services.lists import subscribing
from domains.services.people import people_of
from jobs import proofs
from jobs.errors import NeedsApproval
from jobs.models import Approval
from jobs.proofs import Approved

SHOWN_NAMES = 20


@dataclass
class Plan:
    """What a purge removes and what it leaves. rest: (name of the model, how many) of everything else of it."""

    domain: Domain
    mailboxes: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    people: int = 0
    staying: list[str] = field(default_factory=list)
    grants: int = 0
    rest: list[tuple[str, int]] = field(default_factory=list)
    outside: int = 0  # recipients, subscribers, allowed senders and catch-alls of other domains
    archived_messages: int = 0
    archived_bytes: int = 0

    def as_details(self) -> dict[str, object]:
        """For the audit event and a command's result."""
        return {
            "mailboxes": self.mailboxes,
            **{f"{kind}s": count for kind, count in self.kinds.items() if kind != Address.Kind.MAILBOX},
            "names": self.names[:SHOWN_NAMES],
            "people": self.people,
            "people_staying": self.staying[:SHOWN_NAMES],
            "grants": self.grants,
            "rest": dict(self.rest),
            "named_elsewhere": self.outside,
        }


def list_due(actor: Actor, *, now: datetime | None = None) -> QuerySet[Domain]:
    """Deleted domains whose date has come, of those the actor may delete."""
    mine = Domain.objects.visible_to(actor, Right.DELETE_DOMAINS)
    return mine.filter(status=Status.DELETED, purge_at__lte=now or timezone.now()).order_by("purge_at", "pk")


def plan(actor: Actor, domain: Domain) -> Plan:
    """What purging this domain would remove now; nothing changes. Raises: Forbidden."""
    actor.require(Right.DELETE_DOMAINS, domain)
    return _plan(domain)


COMMAND = "PurgeDeletedDomains"


def may_purge(actor: Actor, domain: Domain) -> bool:
    """Whether it is this actor's to purge now: before its date only theirs who decide how long domains are kept."""
    early = is_early(domain)
    return actor.has(Right.DELETE_DOMAINS, domain) and (not early or actor.has(Right.MANAGE_SERVER))


def purge_domain(actor: Actor, domain: Domain, *, reason: str = "", approved: Approved | None = None) -> Plan:
    """Purge a deleted domain now; what was removed. Before its date a second person must have approved it,
    and one of both must hold the right to change the server's settings, as DOMAIN_DELETION_DAYS takes it.

    Raises: Forbidden, WrongState, NeedsApproval.
    """
    actor.require(Right.DELETE_DOMAINS, domain)
    with transaction.atomic():
        found = counting.lock(domain)
        if is_early(found):
            _require_approved(actor, found, approved)
        if found.status != Status.DELETED:
            raise WrongState(_("%(domain)s isn't deleted.") % {"domain": found.display_name})
        if not may_purge(actor, found) and not _decided_above(approved):
            raise Forbidden(f"{found} is kept until {found.purge_at}")
        if not may_take_back(actor, found, Right.DELETE_DOMAINS):
            actor.require(Right.DELETE_DOMAINS)  # what somebody with a wider right deleted is theirs to end
        removed = _plan(found)
        left = _purge(found)
        removed.people, removed.staying = left.removed + left.names_only, left.staying
        details: dict[str, Any] = removed.as_details()
        audit.record(actor, "domain.purge", found, reason=reason, **details)
    domain.refresh_from_db()
    return removed


def _require_approved(actor: Actor, domain: Domain, approved: Approved | None) -> None:
    """Raises: NeedsApproval."""
    if approved is None:
        proofs.require(actor, None, COMMAND, subject=domain.display_name, within=domain, domains=[domain.name])
    elif domain.name not in map(canonical_domain, approved.arguments.get("domains", ())):
        raise NeedsApproval(COMMAND)
    else:
        domains = approved.arguments["domains"]
        proofs.require(actor, approved, COMMAND, subject=domain.display_name, within=domain, domains=domains)


def _decided_above(approved: Approved | None) -> bool:
    """Whether who approved it decides how long domains are kept."""
    row = None if approved is None else Approval.objects.filter(pk=approved.approval_id).first()
    return row is not None and row.decider is not None and Actor.for_user(row.decider).has(Right.MANAGE_SERVER)


def is_early(domain: Domain) -> bool:
    """Whether the date on which it would be purged by itself hasn't come."""
    return domain.purge_at is None or domain.purge_at > timezone.now()


def _plan(domain: Domain) -> Plan:
    scope = ScopeRef(Level.DOMAIN, domain.pk)
    people = people_of(domain)
    stay = sorted(staying(people, scope).values_list("email", flat=True))
    sums = _mailboxes(domain).aggregate(count=Count("pk"), messages=Sum("used_messages"), size=Sum("used_bytes"))
    kinds = Address.objects.filter(domain=domain).order_by().values_list("kind").annotate(count=Count("pk"))
    rest = [(rows.model, rows.count()) for rows in _belonging(domain)]
    rest.append((Source, Source.objects.filter(level=scope.level, object_id=scope.id).count()))
    return Plan(
        domain=domain,
        mailboxes=sums["count"],
        kinds=dict(kinds),
        names=list(
            DomainName.objects.filter(domain=domain).order_by("is_alias", "name").values_list("name", flat=True)
        ),
        people=people.count() - len(stay),
        staying=stay,
        grants=_grants(domain).count(),
        rest=[(model._meta.model_name or "", count) for model, count in rest if count],
        outside=sum(rows.count() for rows in _elsewhere(domain)),
        archived_messages=sums["messages"] or 0,
        archived_bytes=sums["size"] or 0,
    )


def end_empty_domain(domain: Domain) -> None:
    """The row of a domain in which there is nothing (the caller saw to it and holds the row) counts for nothing."""
    _purge(domain)


def _purge(domain: Domain) -> Departure:
    now, scope = timezone.now(), ScopeRef(Level.DOMAIN, domain.pk)
    people = list(people_of(domain).values_list("pk", flat=True))
    _forget_elsewhere(domain)
    for rows in _belonging(domain):
        rows.delete()
    domain.outgoing_providers.clear()
    purged = dict.fromkeys(("claim", "user", "policy", "relay"))
    _mailboxes(domain).update(**purged, status=Status.PURGED, purge_at=now, version=F("version") + 1)
    Address.objects.filter(domain=domain).delete()
    DomainName.objects.filter(domain=domain).delete()
    forget_scope(scope)
    left = leave_many(User.objects.filter(pk__in=people), scope)
    _end(domain, now)
    return left


def _end(domain: Domain, now: datetime) -> None:
    """The row stays, purged, and counts for nothing any more."""
    if domain.customer_id is not None:
        Customer.objects.filter(pk=domain.customer_id).update(
            domain_count=F("domain_count") - 1, mailbox_count=F("mailbox_count") - domain.mailbox_count
        )
    counts = dict.fromkeys(("mailbox_count", "active_count", "alias_count", "group_count", "forward_count"), 0)
    Domain.objects.filter(pk=domain.pk).update(
        **counts, list_count=0, status=Status.PURGED, purge_at=now, catch_all="", default_policy=None,
        version=F("version") + 1,
    )  # fmt: skip


def _mailboxes(domain: Domain) -> QuerySet[Mailbox]:
    return Mailbox.objects.filter(domain=domain).exclude(status=Status.PURGED)


def _grants(domain: Domain) -> QuerySet[Grant]:
    return Grant.objects.filter(level=Level.DOMAIN, object_id=domain.pk)


def _recipients_elsewhere(domain: Domain) -> QuerySet[Recipient]:
    """Members of other domains' groups and forwards that lead into this one."""
    return Recipient.objects.filter(target__domain=domain).exclude(address__domain=domain)


def _subscriptions_elsewhere(domain: Domain) -> QuerySet[Subscriber]:
    """Who of this domain is on mailing lists of others."""
    return Subscriber.objects.filter(target__domain=domain).exclude(list__address__domain=domain)


def _senders_elsewhere(domain: Domain) -> QuerySet[AllowedSender]:
    """Senders that other domains' groups let in because they are of this one."""
    own = Address.objects.filter(domain=domain)
    names = DomainName.objects.filter(domain=domain)
    named = Q(value__in=own.values("text")) | Q(value__in=names.annotate(at=Concat(Value("@"), "name")).values("at"))
    return AllowedSender.objects.filter(named).exclude(address__domain=domain)


def _catch_alls_elsewhere(domain: Domain) -> QuerySet[Domain]:
    own = Address.objects.filter(domain=domain)
    return Domain.objects.filter(catch_all__in=own.values("text")).exclude(Q(pk=domain.pk) | Q(catch_all=""))


def _elsewhere(domain: Domain) -> list[QuerySet[Any]]:
    return [
        _recipients_elsewhere(domain),
        _subscriptions_elsewhere(domain),
        _senders_elsewhere(domain),
        _catch_alls_elsewhere(domain),
    ]


def _forget_elsewhere(domain: Domain) -> None:
    """What stayed would belong to whoever has the name next."""
    recipients = _recipients_elsewhere(domain)
    naming = list(recipients.values_list("address_id", flat=True).distinct())
    recipients.delete()
    _senders_elsewhere(domain).delete()
    _catch_alls_elsewhere(domain).update(catch_all="", version=F("version") + 1)
    subscriptions = _subscriptions_elsewhere(domain)
    lists = list(subscriptions.values_list("list_id", flat=True).distinct())
    subscriptions.delete()
    for each in MailingList.objects.filter(pk__in=lists):
        subscribing.recount(each)
    left = Recipient.objects.filter(address=OuterRef("pk")).order_by().values("address").annotate(n=Count("*"))
    Address.objects.filter(pk__in=naming).update(recipient_count=Coalesce(Subquery(left.values("n")), 0))


def _belonging(domain: Domain) -> Iterator[QuerySet[Any]]:
    """Everything else that cascades with the domain or with a mailbox of it, whichever module made the model."""
    apart: tuple[type[models.Model], ...] = (Address, AllowedSender, DomainName, Mailbox, Recipient)
    for model in apps.get_app_config("domains").get_models():
        if model in apart:
            continue
        for fk in model._meta.concrete_fields:
            if getattr(fk.remote_field, "on_delete", None) is CASCADE and fk.related_model is Domain:
                yield model._base_manager.filter(**{fk.name: domain})
            elif getattr(fk.remote_field, "on_delete", None) is CASCADE and fk.related_model is Mailbox:
                rows = model._base_manager.filter(**{f"{fk.name}__domain": domain})
                of_domain = [each.name for each in model._meta.concrete_fields if each.related_model is Domain]
                yield rows.exclude(**{of_domain[0]: domain}) if of_domain else rows
