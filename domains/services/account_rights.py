"""Rights of others on a mailbox, in the letters of RFC 4314 (l lookup, r read, s seen … a administer).

A list is set whole, as clients do. The person owns their mailbox and needs no letters.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from domains.errors import Invalid
from domains.models import AccountRight, Mailbox, Status
from domains.services.forwards import require_over_mailbox

LETTERS = "lrswipkxtea"  # RFC 4314 §2.1
ANYONE = "anyone"
MOST = 200


def rights_of(mailbox: Mailbox) -> dict[str, str]:
    """{address or "anyone": letters}. The caller asked whether the actor may see it."""
    rows = _of(mailbox).select_related("grantee")
    return {row.grantee.address if row.grantee is not None else ANYONE: row.letters for row in rows}


def effective_rights(mailbox: Mailbox, grantee: Mailbox) -> str:
    """The letters that somebody has on a mailbox: their own and everybody's; all on their own."""
    if mailbox.pk == grantee.pk:
        return LETTERS
    rows = _of(mailbox).filter(Q(grantee=grantee) | Q(grantee=None))
    held = set("".join(rows.values_list("letters", flat=True)))
    return "".join(letter for letter in LETTERS if letter in held)


def find_grantee(mailbox: Mailbox, address: str) -> Mailbox | None:
    """A mailbox of the same domain or customer, which could have rights on this one."""
    return _near(mailbox, [address.strip().lower()]).get(address.strip().lower())


def set_rights(actor: Actor, mailbox: Mailbox, rights: Mapping[str, str]) -> dict[str, str]:
    """Replace the list: {address of the same customer or domain, or "anyone": letters}; empty letters remove.

    Raises: Forbidden, Invalid naming the entry.
    """
    require_over_mailbox(actor, mailbox, EndUserRight.EDIT_PROFILE, Right.MANAGE_USERS)
    if len(rights) > MOST:
        raise Invalid(_("At most %(most)d entries.") % {"most": MOST}, field="rights")
    wanted = {name.strip().lower(): _letters(name, letters) for name, letters in rights.items()}
    wanted = {name: letters for name, letters in wanted.items() if letters}
    found = _grantees(mailbox, [name for name in wanted if name != ANYONE])
    with transaction.atomic():
        before = rights_of(mailbox)
        _of(mailbox).delete()
        AccountRight.objects.bulk_create(
            AccountRight(mailbox=mailbox, grantee=found.get(name), letters=letters) for name, letters in wanted.items()
        )
        if before != wanted:
            audit.record(actor, "mailbox.set_rights", mailbox, changes={"rights": (before, wanted)})
    return wanted


def _of(mailbox: Mailbox) -> QuerySet[AccountRight]:
    return AccountRight.objects.filter(mailbox=mailbox)


def _letters(name: str, letters: str) -> str:
    wrong = set(letters) - set(LETTERS)
    if wrong:
        text = _("“%(letter)s” is no right; the letters are %(known)s.")
        raise Invalid(text % {"letter": sorted(wrong)[0], "known": LETTERS}, field=f"rights.{name}")
    return "".join(letter for letter in LETTERS if letter in letters)


def _near(mailbox: Mailbox, names: list[str]) -> dict[str, Mailbox]:
    """Those of these addresses that are mailboxes of the same domain or customer."""
    rows = Mailbox.objects.filter(address__in=names).exclude(status__in=(Status.DELETED, Status.PURGED))
    return {
        row.address: row
        for row in rows
        if row.domain_id == mailbox.domain_id
        or (mailbox.customer_id is not None and row.customer_id == mailbox.customer_id)
    }


def _grantees(mailbox: Mailbox, names: list[str]) -> dict[str, Mailbox]:
    """The same; one elsewhere is refused like one that isn't there. Raises: Invalid."""
    near = _near(mailbox, names)
    for name in names:
        if name not in near:
            raise Invalid(_("There is no such mailbox here: %(name)s.") % {"name": name}, field=f"rights.{name}")
    return near
