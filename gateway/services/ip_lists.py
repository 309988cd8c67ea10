"""Writes of the IP lists: who is ours, who may not connect, who may write to nobody, and for how long.

Source: communigate.md (SETCLIENTIPS and its like, TEMPBLACKLISTIP, SETTEMPBLACKLISTEDIPS).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.errors import Invalid
from gateway.ip_table import BadNetwork, Entry, canonical, parse_address
from gateway.models import IpEntry
from gateway.reception_rows import ip_table

LONGEST_S = 10 * 366 * 86_400
MOST_AT_ONCE = 50_000


def add_ip(actor: Actor, *, list: str, network: str, comment: str = "", expires_at: datetime | None = None) -> IpEntry:
    """Put an address or network on a list; one that is on it gets the new comment and end.

    Raises: Forbidden, Invalid (no list, no network, an end that has passed).
    """
    actor.require(Right.MANAGE_GATEWAY)
    kept, comment = _checked(list, network, expires_at), comment.strip()[:200]
    with transaction.atomic():
        entry, is_new = IpEntry.objects.update_or_create(
            list=list,
            network=kept,
            defaults={"comment": comment, "expires_at": expires_at},
            create_defaults={"comment": comment, "expires_at": expires_at, "created_by": _person(actor)},
        )
        audit.record(actor, "ip.add" if is_new else "ip.edit", entry, list=list, until=_iso(expires_at))
    return entry


def remove_ip(actor: Actor, entry: IpEntry) -> None:
    """Take it off its list. Raises: Forbidden."""
    actor.require(Right.MANAGE_GATEWAY)
    with transaction.atomic():
        audit.record(actor, "ip.remove", entry, list=entry.list)
        entry.delete()


def replace_ips(actor: Actor, *, list: str, networks: Iterable[str]) -> int:
    """Make a list hold exactly these for good; how many there are now. Those that stay keep their comment.

    What is there only for a while stays. Raises: Forbidden, Invalid.
    """
    actor.require(Right.MANAGE_GATEWAY)
    wanted = {_checked(list, each, None) for each in networks if each.strip()}
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid(_("At most %(count)d addresses at once.") % {"count": MOST_AT_ONCE}, field="addresses")
    with transaction.atomic():
        present = IpEntry.objects.select_for_update().filter(list=list, expires_at=None)
        known = set(present.values_list("network", flat=True))
        gone, _kinds = present.exclude(network__in=wanted).delete()
        IpEntry.objects.filter(list=list, network__in=wanted).update(expires_at=None)
        rows = [IpEntry(list=list, network=each, created_by=_person(actor)) for each in sorted(wanted - known)]
        IpEntry.objects.bulk_create(rows, ignore_conflicts=True)
        audit.record(actor, "ip.replace", None, list=list, count=len(wanted), added=len(rows), removed=gone)
    return len(wanted)


def block_ip(actor: Actor, *, address: str, seconds: int | None, comment: str = "") -> IpEntry | None:
    """Block one address for so many seconds (None: for good); 0 takes it off. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_GATEWAY)
    if parse_address(address) is None:
        raise Invalid(_("That is not an IP address."), field="address")
    if seconds is not None and not 0 <= seconds <= LONGEST_S:
        raise Invalid(_("Between 0 seconds and ten years."), field="seconds")
    if seconds == 0:
        found = IpEntry.objects.filter(list=IpEntry.List.BLOCKED, network=canonical(address)).first()
        if found is not None:
            remove_ip(actor, found)
        return None
    until = None if seconds is None else timezone.now() + timedelta(seconds=seconds)
    return add_ip(actor, list=IpEntry.List.BLOCKED, network=address, comment=comment, expires_at=until)


def state_of(actor: Actor, address: str) -> list[Entry]:
    """The lines that an address is on now, the one that counts first. Raises: Forbidden, Invalid."""
    actor.require(Right.MANAGE_GATEWAY)
    if parse_address(address) is None:
        raise Invalid(_("That is not an IP address."), field="address")
    return ip_table().find(address, timezone.now())


def sweep() -> int:
    """Remove lines whose time is over; how many."""
    return IpEntry.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _checked(list: str, network: str, expires_at: datetime | None) -> str:
    if list not in IpEntry.List.values:
        raise Invalid(_("There is no such list."), field="list")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(_("That time has passed."), field="expires_at")
    try:
        return canonical(network)
    except BadNetwork:
        wrong = _("“%(text)s” is no address or network, such as 192.0.2.7 or 2001:db8::/32.")
        raise Invalid(wrong % {"text": network[:60]}, field="network") from None


def _person(actor: Actor) -> User | None:
    return (actor.acting or actor).user


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment is not None else ""
