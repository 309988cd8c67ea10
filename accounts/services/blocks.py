"""Shutting networks out and letting them in again, lifting the waits of guessers, and noting who tried in vain."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, blocking, options, throttle
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden
from accounts.models import FailedSignIn, SignInBlock, SignInThrottle, User
from accounts.permissions import Right

ROWS_AN_HOUR = 10_000  # beyond, an hour's attempts in vain are counted together
WIDEST = {4: 8, 6: 16}  # nobody blocks more at once by mistake
LONGEST = timedelta(days=3650)


def block_network(
    actor: Actor, network: str, *, expires_at: datetime | None = None, reason: str = "", own_address: str = ""
) -> SignInBlock:
    """Shut a network (or one address) out at the pages, the API and SMTP AUTH; again: the new end and reason count.

    own_address: where the request came from, which nobody shuts out themselves.
    Raises: Forbidden, BadGrant (no network, too wide, one that is safe, one's own).
    """
    require_managing(actor)
    parsed = parse_network(network)
    own = blocking.parse(own_address or actor.address)
    if own is not None and own.version == parsed.version and own in parsed:
        raise BadGrant(_("You come from this network yourself and would lock yourself out."), field="network")
    if expires_at is not None and not timezone.now() < expires_at <= timezone.now() + LONGEST:
        raise BadGrant(_("The end must lie in the future, within ten years."), field="expires_at")
    return _store(actor, parsed, expires_at, reason)


def unblock_network(actor: Actor, network: str) -> bool:
    """Let a network in again; False where it wasn't blocked. Raises: Forbidden, BadGrant."""
    require_managing(actor)
    parsed = parse_network(network)
    with transaction.atomic():
        deleted, _rows = SignInBlock.objects.filter(network=str(parsed)).delete()
        if deleted:
            audit.record(actor, "signin.unblock", str(parsed))
            blocking.changed()
    return bool(deleted)


def lift_wait(actor: Actor, wait: SignInThrottle) -> None:
    """Who waits because of wrong guesses may try at once. Raises: Forbidden."""
    require_managing(actor)
    with transaction.atomic():
        deleted, _rows = SignInThrottle.objects.filter(pk=wait.pk).delete()
        if deleted:
            audit.record(actor, "signin.lift_wait", wait.key)


def report_failure(actor: Actor, address: str) -> None:
    """Another system saw a sign-in fail from an address: it counts here as one. Raises: Forbidden, BadGrant."""
    require_managing(actor)
    parsed = blocking.parse(address)
    if parsed is None:
        raise BadGrant(_("This is no network address."), field="address")
    counter = throttle.network(str(parsed))
    throttle.count([counter])
    note_failure(str(parsed), "", "reported", None)
    audit.record(actor, "signin.report_failure", str(parsed))


def note_failure(address: str, tried: str, door: str, user: User | None) -> None:
    """Count an attempt in vain, and shut its network out for a while where there were too many (an option says when).

    tried: what was typed as the address. Bounded: an hour has so many rows, then everything counts in one.
    """
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    shown = tried[:254] if "@" in tried and tried.isprintable() else ""
    _count_failure(hour, shown, address[:45], door, user, now)
    _block_after_many(address)


def purge() -> None:
    """Forget attempts older than the option says, and blocks that are over."""
    days = int(options.value("FAILED_SIGN_IN_DAYS"))
    FailedSignIn.objects.filter(hour__lt=timezone.now() - timedelta(days=days)).delete()
    SignInBlock.objects.filter(expires_at__lt=timezone.now()).delete()


def require_managing(actor: Actor) -> None:
    """Raises: Forbidden."""
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no networks are blocked while acting as somebody")
    actor.require(Right.MANAGE_SERVER)


def parse_network(text: str) -> blocking.Network:
    """A network in its one form. Raises: BadGrant."""
    try:
        parsed = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        text = _("Write an address or a network, such as 192.0.2.7 or 192.0.2.0/24.")
        raise BadGrant(text, field="network") from error
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.network_address.ipv4_mapped and parsed.prefixlen >= 96:
        parsed = ipaddress.ip_network((parsed.network_address.ipv4_mapped, parsed.prefixlen - 96), strict=False)
    return parsed


def _store(actor: Actor, parsed: blocking.Network, expires_at: datetime | None, reason: str) -> SignInBlock:
    if parsed.prefixlen < WIDEST[parsed.version]:
        raise BadGrant(_("This is too wide a network to block at once."), field="network")
    if blocking.is_safe(parsed):
        raise BadGrant(_("This network is on the list of those that are never blocked."), field="network")
    values = {"expires_at": expires_at, "reason": reason.replace("\0", "")[:300], "created_by": actor.label[:300]}
    with transaction.atomic():
        row, _made = SignInBlock.objects.update_or_create(network=str(parsed), defaults=values)
        ends = expires_at.isoformat() if expires_at else None
        audit.record(actor, "signin.block", str(parsed), reason=reason, expires_at=ends)
        blocking.changed()
    return row


def _count_failure(hour: datetime, tried: str, address: str, door: str, user: User | None, now: datetime) -> None:
    """One row for the same attempts of an hour; two at once count two."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_failedsignin SET times = times + 1, last_at = %s"
            " WHERE hour = %s AND tried = %s AND address = %s AND door = %s",
            [now, hour, tried, address, door],
        )
        if cursor.rowcount:
            return
        cursor.execute(
            "SELECT 1 FROM accounts_failedsignin WHERE hour = %s OFFSET %s LIMIT 1", [hour, ROWS_AN_HOUR - 1]
        )
        if cursor.fetchone():
            tried, address, user = "", "", None
        cursor.execute(
            "INSERT INTO accounts_failedsignin (hour, tried, address, door, user_id, times, last_at)"
            " VALUES (%s, %s, %s, %s, %s, 1, %s) ON CONFLICT ON CONSTRAINT failed_sign_in_once"
            " DO UPDATE SET times = accounts_failedsignin.times + 1, last_at = EXCLUDED.last_at",
            [hour, tried, address, door, None if user is None else user.pk, now],
        )


def _block_after_many(address: str) -> None:
    parsed = blocking.parse(address)
    if parsed is None or parsed.is_loopback:
        return
    found = options.resolve_some(["SIGN_IN_BLOCK_AFTER", "SIGN_IN_BLOCK_HOURS"])
    most, hours = int(found["SIGN_IN_BLOCK_AFTER"].value), int(found["SIGN_IN_BLOCK_HOURS"].value)
    if not most or throttle.failures_of_late(throttle.network(str(parsed))) < most:
        return
    network = ipaddress.ip_network(throttle.network_of(str(parsed)))
    if blocking.is_safe(network) or SignInBlock.objects.filter(network=str(network)).exists():
        return
    reason = _("Too many wrong guesses: %(count)d") % {"count": most}
    _store(Actor.system(), network, timezone.now() + timedelta(hours=hours), reason)
