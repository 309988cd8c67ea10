"""Quotas of size and count: set at the server, a domain or a mailbox, resolved to what counts, and how full it is.

null inherits, −1 is unlimited. `Mailbox.fill_permille` is kept in step with every quota and usage, set-based, so that
lists can be searched by it. Source: James's quotas (`global`, `domain`, `user`, `computed`, `occupation`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.scopes import SERVER
from config.kit.versions import change
from domains.errors import Invalid, LimitReached
from domains.limits import UNLIMITED, Effective, allows, effective
from domains.models import Broker, Customer, Domain, Mailbox, ServerQuota, Status
from domains.services import broker_limits

LARGEST = 1 << 60
FIELDS = frozenset({"quota_bytes", "quota_messages", "sieve_quota_bytes"})


@dataclass(frozen=True, slots=True)
class Quota:
    """One kind of quota of a mailbox or domain: what each level says, what counts, how much is used."""

    server: int | None
    domain: int | None
    mailbox: int | None
    computed: Effective
    used: int = 0

    @property
    def ratio(self) -> float | None:
        """Used of allowed; None where nothing limits."""
        if self.computed.is_unlimited:
            return None
        return self.used / self.computed.value if self.computed.value else 1.0 if self.used else 0.0


def server_quota() -> ServerQuota:
    """The server's own, made when it is first asked for; not yet saved then."""
    return ServerQuota.objects.filter(pk=1).first() or ServerQuota(pk=1)


def of_mailbox(mailbox: Mailbox) -> dict[str, Quota]:
    """{"size", "count", "sieve"} of a mailbox. The caller asked whether the actor may see it."""
    server, domain = server_quota(), mailbox.domain
    return {
        "size": _quota(
            server.quota_bytes, domain.quota_bytes, mailbox.quota_bytes, mailbox.used_bytes, domain.max_quota_bytes
        ),
        "count": _quota(server.quota_messages, domain.quota_messages, mailbox.quota_messages, mailbox.used_messages),
        "sieve": _quota(
            server.sieve_quota_bytes, domain.sieve_quota_bytes, mailbox.sieve_quota_bytes, mailbox.sieve_used_bytes
        ),
    }


def of_server() -> dict[str, Quota]:
    """{"size", "count", "sieve"} that count where nobody says otherwise."""
    server = server_quota()
    return {
        "size": _quota(server.quota_bytes, None, None, 0),
        "count": _quota(server.quota_messages, None, None, 0),
        "sieve": _quota(server.sieve_quota_bytes, None, None, 0),
    }


def of_domain(domain: Domain) -> dict[str, Quota]:
    """{"size", "count", "sieve"} that a mailbox of this domain gets where it has none of its own."""
    server = server_quota()
    return {
        "size": _quota(server.quota_bytes, domain.quota_bytes, None, 0, domain.max_quota_bytes),
        "count": _quota(server.quota_messages, domain.quota_messages, None, 0),
        "sieve": _quota(server.sieve_quota_bytes, domain.sieve_quota_bytes, None, 0),
    }


def set_server_quota(actor: Actor, values: Mapping[str, int | None], *, expected: int | None = None) -> ServerQuota:
    """Set some of quota_bytes, quota_messages, sieve_quota_bytes for the server. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_QUOTAS, SERVER)
    check_values(values)
    with transaction.atomic():
        row, _made = ServerQuota.objects.get_or_create(pk=1)
        changes = change(row, values, expected=expected)
        if changes:
            audit.record(actor, "quota.set", row, changes=changes)
            refresh_fill()
    return row


def set_domain_quota(
    actor: Actor, domain: Domain, values: Mapping[str, int | None], *, expected: int | None = None
) -> Domain:
    """Set quota_bytes, quota_messages or sieve_quota_bytes for the mailboxes of a domain that have none of their own.

    Raises: Forbidden, Invalid, LimitReached, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_QUOTAS, domain)
    check_values(values, FIELDS)
    with transaction.atomic():
        lock_room(domain)
        changes = change(domain, values, expected=expected)
        if changes:
            check_room(domain)
            audit.record(actor, "domain.set_quota", domain, changes=changes)
            refresh_fill(domain=domain)
    return domain


def set_mailbox_quota(
    actor: Actor, mailbox: Mailbox, values: Mapping[str, int | None], *, expected: int | None = None
) -> Mailbox:
    """Set some of quota_bytes, quota_messages, sieve_quota_bytes of one mailbox.

    Raises: Forbidden, Invalid, LimitReached, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_QUOTAS, mailbox)
    check_values(values)
    with transaction.atomic():
        lock_room(mailbox.domain)
        changes = change(mailbox, values, expected=expected)
        if changes:
            check_room(mailbox.domain)
            audit.record(actor, "mailbox.set_quota", mailbox, changes=changes)
            refresh_fill(mailbox=mailbox)
    return mailbox


def lock_room(domain: Domain) -> None:
    """Before quotas change: nobody else gives away the same room meanwhile. Locks in the order of counting."""
    broker_limits.hold(domain.customer_id)
    if domain.customer_id is not None:
        Customer.objects.select_for_update().get(pk=domain.customer_id)
    Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)


def check_room(domain: Domain) -> None:
    """Whether the quotas of a domain's mailboxes keep to its limits, after a change under `lock_room`.

    Raises: LimitReached (a mailbox may have more than max_quota_bytes, or all together more than max_bytes).
    """
    fresh = Domain.objects.select_related("customer__broker").get(pk=domain.pk)
    customer = fresh.customer
    broker = None if customer is None else customer.broker
    if fresh.max_quota_bytes is not None or fresh.max_bytes is not None:
        largest, total = _sums("mailbox.domain_id = %s", fresh.pk)
        if not _within(fresh.max_quota_bytes, largest):
            raise LimitReached(_("No mailbox of %(domain)s may have a quota as large as that.") % {"domain": fresh})
        if not _within(fresh.max_bytes, total):
            text = _("The quotas of %(domain)s add up to more than the domain may have.")
            raise LimitReached(text % {"domain": fresh})
    most = None if customer is None else customer.max_bytes
    if customer is not None and most is not None and not _within(most, given(customer=customer)):
        text = _("The quotas of %(customer)s add up to more than the customer may have.")
        raise LimitReached(text % {"customer": customer})
    if broker is not None:
        check_room_of_broker(broker)


def check_room_of_broker(broker: Broker) -> None:
    """The same of all customers of a broker. Raises: LimitReached."""
    if broker.max_bytes is not None and not _within(broker.max_bytes, given(broker=broker)):
        text = _("The quotas of %(broker)s add up to more than the broker may have.")
        raise LimitReached(text % {"broker": broker})


def given(*, domain: Domain | None = None, customer: Customer | None = None, broker: Broker | None = None) -> int:
    """The quotas of a domain's, customer's or broker's mailboxes, added up, in bytes; −1 where one is unlimited."""
    if domain is not None:
        return _sums("mailbox.domain_id = %s", domain.pk)[1]
    if customer is not None:
        return _sums("mailbox.customer_id = %s", customer.pk)[1]
    return _sums(_OF_BROKER, 0 if broker is None else broker.pk)[1]


def occupied(*, domain: Domain | None = None, customer: Customer | None = None) -> tuple[int, int]:
    """What a domain's or a customer's mailboxes hold: (bytes, messages). Reads every mailbox."""
    rows = Mailbox.objects.exclude(status=Status.PURGED)
    rows = rows.filter(domain=domain) if domain is not None else rows.filter(customer_id=customer.pk if customer else 0)
    found = rows.aggregate(size=Sum("used_bytes"), count=Sum("used_messages"))
    return int(found["size"] or 0), int(found["count"] or 0)


def refresh_fill(*, domain: Domain | None = None, mailbox: Mailbox | None = None) -> int:
    """Bring `fill_permille` in step with quotas and usage, of all mailboxes or those named; how many changed."""
    server = server_quota()
    where, values = "true", []
    if mailbox is not None:
        where, values = "mailbox.id = %s", [mailbox.pk]
    elif domain is not None:
        where, values = "mailbox.domain_id = %s", [domain.pk]
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(where=where), [server.quota_bytes, server.quota_messages, *values])
        changed = int(cursor.rowcount)
    if mailbox is not None:
        mailbox.refresh_from_db(fields=["fill_permille"])
    return changed


def refresh_fill_of(keys: str) -> None:
    """The same of the mailboxes whose keys a query gives. It is written in the code, never given."""
    server = server_quota()
    with connection.cursor() as cursor:
        statement = _FILL.format(where=f"mailbox.id IN ({keys})")
        cursor.execute(statement, [server.quota_bytes, server.quota_messages])


_FILL = """
UPDATE domains_mailbox SET fill_permille = found.fill
FROM (
    SELECT mailbox.id, LEAST(2000000, GREATEST(
        CASE WHEN level.size < 0 THEN 0 WHEN level.size = 0 THEN 1000 ELSE mailbox.used_bytes * 1000 / level.size END,
        CASE WHEN level.count < 0 THEN 0 WHEN level.count = 0 THEN 1000
             ELSE mailbox.used_messages * 1000 / level.count END))::int AS fill
    FROM domains_mailbox AS mailbox
    JOIN domains_domain AS domain ON domain.id = mailbox.domain_id
    CROSS JOIN LATERAL (SELECT COALESCE(mailbox.quota_bytes, domain.quota_bytes, %s, -1) AS inherited) AS said
    CROSS JOIN LATERAL (SELECT CASE WHEN mailbox.quota_bytes IS NULL AND domain.max_quota_bytes >= 0
                                         AND (said.inherited < 0 OR said.inherited > domain.max_quota_bytes)
                                    THEN domain.max_quota_bytes ELSE said.inherited END AS size,
                               COALESCE(mailbox.quota_messages, domain.quota_messages, %s, -1) AS count) AS level
    WHERE {where}
) AS found
WHERE domains_mailbox.id = found.id AND domains_mailbox.fill_permille <> found.fill
"""


_OF_BROKER = "mailbox.customer_id IN (SELECT id FROM domains_customer WHERE broker_id = %s)"


def _sums(where: str, key: int) -> tuple[int, int]:
    """(largest, sum) of the quotas that count, −1 where one is unlimited; where: of which mailboxes, written here."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT COALESCE(max(quota), 0), COALESCE(sum(quota), 0), COALESCE(bool_or(quota < 0), false)
            FROM (SELECT CASE WHEN mailbox.quota_bytes IS NULL AND domain.max_quota_bytes >= 0
                                   AND (said.inherited < 0 OR said.inherited > domain.max_quota_bytes)
                              THEN domain.max_quota_bytes ELSE said.inherited END AS quota
                  FROM domains_mailbox AS mailbox JOIN domains_domain AS domain ON domain.id = mailbox.domain_id
                  CROSS JOIN LATERAL (
                      SELECT COALESCE(mailbox.quota_bytes, domain.quota_bytes, %s, -1) AS inherited) AS said
                  WHERE {where} AND mailbox.status <> 'purged') AS found
            """,  # noqa: S608
            [server_quota().quota_bytes, key],
        )
        largest, total, unlimited = cursor.fetchone()
    return (UNLIMITED, UNLIMITED) if unlimited else (int(largest), int(total))


def _within(limit: int | None, value: int) -> bool:
    if limit is None or limit == UNLIMITED:
        return True
    return value != UNLIMITED and allows(limit, value)


def _quota(server: int | None, domain: int | None, mailbox: int | None, used: int, largest: int | None = None) -> Quota:
    """largest: what a mailbox of the domain may have at most; what it inherits is cut to that."""
    computed = effective(("mailbox", mailbox), ("domain", domain), ("server", server))
    if mailbox is None and largest is not None and largest != UNLIMITED and not 0 <= computed.value <= largest:
        computed = Effective(largest, "domain")
    return Quota(server, domain, mailbox, computed, used)


def check_values(values: Mapping[str, int | None], known: Collection[str] = FIELDS) -> None:
    """Whether quotas may have these values at all. Raises: Invalid."""
    for name, value in values.items():
        if name not in known:
            raise Invalid(_("There is no quota of this name here."), field=name)
        if value is not None and not -1 <= value <= LARGEST:
            raise Invalid(_("A quota is a number from 0 up, −1 for unlimited, or empty to inherit."), field=name)
