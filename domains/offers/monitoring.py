"""The directory's figures for programs that watch."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count

from config.kit import monitoring
from config.kit.monitoring import Element, Value
from domains.models import Address, Domain, HealthCheck, Mailbox, Status


def register() -> None:
    for element in (
        Element("directory.domains", "Domains by state", _domains, label="state"),
        Element("directory.mailboxes", "Mailboxes by state", _mailboxes, label="state"),
        Element("directory.addresses", "Addresses by kind", _addresses, label="kind"),
        Element("directory.checks", "Newest checks of domains and relays, by result", _checks, label="severity"),
    ):
        monitoring.register(element)


def _domains() -> Mapping[str, Value]:
    rows = Domain.objects.exclude(status=Status.PURGED).values_list("status").annotate(Count("pk")).order_by()
    return dict(rows)


def _mailboxes() -> Mapping[str, Value]:
    rows = Mailbox.objects.exclude(status=Status.PURGED).values_list("status").annotate(Count("pk")).order_by()
    return dict(rows)


def _addresses() -> Mapping[str, Value]:
    return dict(Address.objects.values_list("kind").annotate(Count("pk")).order_by())


def _checks() -> Mapping[str, Value]:
    rows = HealthCheck.objects.filter(is_latest=True).exclude(domain__status__in=(Status.DELETED, Status.PURGED))
    return dict(rows.values_list("severity").annotate(Count("pk")).order_by())
