"""What an address delivers to, as sets: members of a group, targets of a forward. Ten thousand lines are one paste.

A recipient of ours is kept under its domain's own name with `target` set, by whatever name, case or alphabet it was
typed; one elsewhere is kept as text. Rights and events are the callers', which know what the recipients mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress as BadAccountAddress
from domains.errors import BadLines, Invalid
from domains.models import Address, DomainName, Recipient, Status

AT_MOST = 100_000  # recipients of one address
SHOWN_LINES = 5
PER_EVENT = 1_000
_BATCH = 5_000
_BRACKETED = re.compile(r"<([^<>]+)>\s*$")  # Name <name@example.org>


@dataclass(frozen=True, slots=True)
class Named:
    """A recipient somebody named: canonical, and the claim it leads to where it is ours."""

    email: str
    target_id: int | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of recipients came to."""

    added: list[str]
    removed: list[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def split_paste(text: str) -> Iterator[tuple[int, str]]:
    """The entries of a text that somebody pasted, with their line numbers: one a line, or set apart by , or ;."""
    for number, line in enumerate(text.splitlines(), start=1):
        for part in re.split(r"[,;]", line):
            if part.strip():
                yield number, part.strip()


def parse_all(texts: Iterable[str | tuple[int, str]], *, field: str = "recipients") -> list[str]:
    """The addresses, canonical, each once, in order; a display name before <…> is left out. Raises: BadLines."""
    found: dict[str, None] = {}
    wrong: list[tuple[int, str, str]] = []
    for number, entry in enumerate(texts, start=1):
        line, text = entry if isinstance(entry, tuple) else (number, entry)
        bracketed = _BRACKETED.search(text)
        try:
            found[str(parse_address(bracketed.group(1) if bracketed else text))] = None
        except BadAccountAddress as error:
            wrong.append((line, text[:254], str(error)))
    if wrong:
        raise BadLines(_wrong_text(wrong), wrong, field=field)
    if len(found) > AT_MOST:
        raise Invalid(_("At most %(count)s addresses fit here.") % {"count": AT_MOST}, field=field)
    return list(found)


def resolve(emails: Iterable[str]) -> list[Named]:
    """Canonical addresses as they are kept: three queries however many; two names of one claim are one."""
    parts = [email.rpartition("@") for email in emails]
    names = DomainName.objects.filter(name__in={domain for _local, _at, domain in parts})
    ours = dict(names.exclude(domain__status=Status.PURGED).values_list("name", "domain__name"))
    texts = list(dict.fromkeys(f"{local}@{ours.get(domain, domain)}" for local, _at, domain in parts))
    claims: dict[str, int] = {}
    for start in range(0, len(texts), _BATCH):
        claims.update(Address.objects.filter(text__in=texts[start : start + _BATCH]).values_list("text", "pk"))
    return [Named(text, claims.get(text)) for text in texts]


def change(
    address: Address,
    *,
    add: Iterable[Named] = (),
    remove: Iterable[str] = (),
    replace: Iterable[Named] | None = None,
    field: str = "recipients",
) -> Changed:
    """Add, remove, or replace all recipients of an address; what is there already is no change.

    Locks the address until the transaction ends. Raises: Invalid (it would deliver to itself).
    """
    locked = Address.objects.select_for_update().get(pk=address.pk)
    kept = set(Recipient.objects.filter(address=locked).values_list("email", flat=True))
    wanted = {each.email: each for each in (add if replace is None else replace)}
    if locked.text in wanted or any(each.target_id == locked.pk for each in wanted.values()):
        itself = _("%(address)s can't deliver to itself.") % {"address": locked.text}
        raise Invalid(itself, field=field)
    gone = kept - set(wanted) if replace is not None else kept & set(remove)
    fresh = [each for email, each in wanted.items() if email not in kept]
    if len(kept) - len(gone) + len(fresh) > AT_MOST:
        raise Invalid(_("At most %(count)s addresses fit here.") % {"count": AT_MOST}, field=field)
    Recipient.objects.filter(address=locked, email__in=gone).delete()
    rows = [Recipient(address=locked, email=each.email, target_id=each.target_id) for each in fresh]
    Recipient.objects.bulk_create(rows, batch_size=_BATCH)
    address.recipient_count = len(kept) - len(gone) + len(fresh)
    if fresh or gone:
        address.version = locked.version + 1
        Address.objects.filter(pk=locked.pk).update(recipient_count=address.recipient_count, version=address.version)
    return Changed([each.email for each in fresh], sorted(gone))


def record(actor: Actor, address: Address, changed: Changed, *, what: str) -> None:
    """The events of a change, each naming at most a thousand addresses: `group.add_members`, `group.remove_members`."""
    events = [
        audit.build(actor, f"{address.kind}.{verb}_{what}", address, count=len(part), emails=part)
        for verb, emails in (("add", changed.added), ("remove", changed.removed))
        for part in (emails[start : start + PER_EVENT] for start in range(0, len(emails), PER_EVENT))
    ]
    audit.record_many(events)


def _wrong_text(wrong: list[tuple[int, str, str]]) -> str:
    shown = "; ".join(
        _("line %(line)s “%(text)s”: %(why)s") % {"line": line, "text": text[:60], "why": why}
        for line, text, why in wrong[:SHOWN_LINES]
    )
    count = len(wrong)
    text = ngettext("%(count)s entry is no address: ", "%(count)s entries are no addresses: ", count)
    more = _(" and more") if count > SHOWN_LINES else ""
    return text % {"count": count} + shown + more
