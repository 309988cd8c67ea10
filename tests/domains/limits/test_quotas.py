"""Quotas at three levels, what counts, how full it is, and what the limits of a domain and customer allow."""

from __future__ import annotations

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from config.kit.versions import ChangedMeanwhile
from domains import usage
from domains.errors import Invalid, LimitReached
from domains.limits import UNLIMITED
from domains.models import Domain, Mailbox
from domains.services import quotas
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()
MIB = 1 << 20


def test_the_most_specific_that_is_set_counts(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    assert quotas.of_mailbox(mailbox)["size"].computed.is_unlimited
    quotas.set_server_quota(SYSTEM, {"quota_bytes": 300, "quota_messages": 7})
    found = quotas.of_mailbox(mailbox)["size"].computed
    assert (found.value, found.source) == (300, "server")
    quotas.set_domain_quota(SYSTEM, mailbox.domain, {"quota_bytes": 200})
    quotas.set_mailbox_quota(SYSTEM, mailbox, {"quota_messages": UNLIMITED})
    mailbox = Mailbox.objects.get(pk=mailbox.pk)
    size, count = quotas.of_mailbox(mailbox)["size"], quotas.of_mailbox(mailbox)["count"]
    assert (size.server, size.domain, size.mailbox, size.computed.value) == (300, 200, None, 200)
    assert count.computed.is_unlimited and count.computed.source == "mailbox"


def fill(domain: Domain) -> dict[int, int]:
    return dict(Mailbox.objects.filter(domain=domain).values_list("pk", "fill_permille"))


def test_usage_is_written_only_where_it_differs(db: None) -> None:
    domain = make_domain()
    mailboxes = [make_mailbox_in(domain, quota_bytes=1000) for _ in range(4)]
    told = {mailbox.pk: 100 for mailbox in mailboxes}

    def source() -> list[tuple[int, int, int]]:
        return [(pk, 1, size) for pk, size in told.items()]

    def places() -> dict[int, str]:
        """Where each row lies: a row that is written anew lies elsewhere."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, ctid::text FROM domains_mailbox")
            return dict(cursor.fetchall())

    usage._sources.append(source)
    try:
        assert usage.refresh() == 4
        before = places()
        told[mailboxes[1].pk] = 500
        assert usage.refresh() == 1
        moved = {pk for pk, place in places().items() if before[pk] != place}
        assert moved == {mailboxes[1].pk} and fill(domain)[mailboxes[1].pk] == 500
        before = places()
        assert usage.refresh() == 0 and places() == before
    finally:
        usage._sources.remove(source)


def test_fill_follows_every_quota_and_usage(db: None) -> None:
    domain = make_domain()
    full, own, empty = (make_mailbox_in(domain) for _ in range(3))

    def source() -> list[tuple[int, int, int]]:
        return [(full.pk, 90, 800), (own.pk, 1, 500), (full.pk, 0, 100)]

    usage._sources.append(source)
    try:
        assert usage.refresh() == 2 and usage.refresh() == 0
    finally:
        usage._sources.remove(source)
    assert fill(domain) == {full.pk: 0, own.pk: 0, empty.pk: 0}
    quotas.set_server_quota(SYSTEM, {"quota_bytes": 1000, "quota_messages": 100})
    assert fill(domain) == {full.pk: 900, own.pk: 500, empty.pk: 0}
    quotas.set_domain_quota(SYSTEM, domain, {"quota_bytes": 500})
    assert fill(domain) == {full.pk: 1800, own.pk: 1000, empty.pk: 0}
    quotas.set_mailbox_quota(SYSTEM, own, {"quota_bytes": UNLIMITED, "quota_messages": 0})
    assert fill(domain) == {full.pk: 1800, own.pk: 1000, empty.pk: 0}
    assert quotas.of_mailbox(Mailbox.objects.get(pk=full.pk))["size"].ratio == 1.8


def test_what_is_no_quota_is_refused_by_name(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    bad = {"quota_bytes": -2, "quota_messages": 1 << 61, "quota_pigeons": 1}
    for field, value in bad.items():
        with pytest.raises(Invalid) as caught:
            quotas.set_mailbox_quota(SYSTEM, mailbox, {field: value})
        assert caught.value.field == field


def test_a_domain_gives_no_more_than_it_has(db: None) -> None:
    domain = make_domain(max_quota_bytes=10 * MIB, max_bytes=15 * MIB, quota_bytes=5 * MIB)
    first, _second = make_mailbox_in(domain), make_mailbox_in(domain)
    quotas.set_mailbox_quota(SYSTEM, first, {"quota_bytes": 10 * MIB})
    for too_much in (11 * MIB, UNLIMITED):
        with pytest.raises(LimitReached):
            quotas.set_mailbox_quota(SYSTEM, first, {"quota_bytes": too_much})
    with pytest.raises(LimitReached):
        quotas.set_domain_quota(SYSTEM, domain, {"quota_bytes": 6 * MIB})
    assert Mailbox.objects.get(pk=first.pk).quota_bytes == 10 * MIB


def test_a_customer_gives_no_more_than_it_has(db: None) -> None:
    customer = make_customer(max_bytes=10 * MIB)
    first, second = (make_domain(customer=customer, quota_bytes=MIB) for _ in range(2))
    boxes = [make_mailbox_in(domain) for domain in (first, second)]
    quotas.set_mailbox_quota(SYSTEM, boxes[0], {"quota_bytes": 9 * MIB})
    with pytest.raises(LimitReached):
        quotas.set_mailbox_quota(SYSTEM, boxes[1], {"quota_bytes": 2 * MIB})


def test_a_delegate_sets_quotas_of_their_domain_and_of_no_other(db: None) -> None:
    own, other = make_mailbox_in(make_domain()), make_mailbox_in(make_domain())
    actor = Actor.for_user(make_delegate(own.domain))
    quotas.set_mailbox_quota(actor, own, {"quota_bytes": 5})
    for refused in (
        lambda: quotas.set_mailbox_quota(actor, other, {"quota_bytes": 5}),
        lambda: quotas.set_domain_quota(actor, other.domain, {"quota_bytes": 5}),
        lambda: quotas.set_server_quota(actor, {"quota_bytes": 5}),
        lambda: quotas.set_mailbox_quota(Actor.for_user(make_delegate(own.domain, role="help_desk")), own, {}),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert AuditEvent.objects.get(action="mailbox.set_quota").changes == {"quota_bytes": [None, 5]}


def test_the_second_of_two_administrators_is_told(db: None) -> None:
    domain = make_domain()
    seen = domain.version
    quotas.set_domain_quota(SYSTEM, domain, {"quota_bytes": 5}, expected=seen)
    with pytest.raises(ChangedMeanwhile):
        quotas.set_domain_quota(SYSTEM, domain, {"quota_bytes": 6}, expected=seen)


def test_what_is_inherited_is_cut_to_the_largest_quota_of_the_domain(db: None) -> None:
    domain = make_domain(max_quota_bytes=10 * MIB)
    mailbox = make_mailbox_in(domain)
    assert quotas.of_mailbox(mailbox)["size"].computed.value == 10 * MIB
    Mailbox.objects.filter(pk=mailbox.pk).update(used_bytes=5 * MIB)
    quotas.refresh_fill()
    assert fill(domain) == {mailbox.pk: 500}
    quotas.set_server_quota(SYSTEM, {"quota_bytes": MIB})
    assert quotas.of_mailbox(mailbox)["size"].computed.value == MIB
