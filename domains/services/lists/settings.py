"""Mailing lists as address objects: made, changed, and whose they are.

Deleting and switching off are `services.objects`, renaming is `services.readdressing`, as for every address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import versions
from domains.errors import Invalid
from domains.models import Address, Domain, Mailbox, MailingList, Status
from domains.services import claims, objects
from domains.services.mailboxes import require_serving

CHOICES = {
    "subscribing": MailingList.Subscribing,
    "posting": MailingList.Posting,
    "reply_to": MailingList.ReplyTo,
}
_NUMBERS = {"first_moderated": 1000, "bounces_allowed": 1000, "confirm_hours": 24 * 30, "max_message_bytes": 1 << 40}
_TEXTS = {"subject_prefix": 60, "header": 4000, "footer": 4000}
WORDS = ("name", "description")


def create_list(actor: Actor, domain: Domain, *, email: str, owner: Mailbox, **values: Any) -> MailingList:
    """A new, empty list. `owner` is a mailbox of the same domain; values: name, description, and the list's fields.

    Raises: Forbidden, BadAddress, Taken, LimitReached, Invalid, WrongState.
    """
    actor.require(Right.MANAGE_LISTS, domain)
    require_serving(domain)
    local = claims.parse_local(email, domain)
    _check_owner(domain, owner)
    words = objects.checked({name: str(values.pop(name, "")).strip() for name in WORDS})
    fields = _checked(values)
    with transaction.atomic():
        address = claims.claim(actor, domain, local, Address.Kind.LIST, **words)
        made = MailingList.objects.create(address=address, owner=owner, **fields)
        audit.record(actor, "list.create", address, owner=owner.address)
    return made


def update_list(
    actor: Actor, found: MailingList, values: Mapping[str, Any], *, expected: int | None = None
) -> MailingList:
    """Change some fields: name, description, owner (a mailbox of the domain) and the list's own.

    Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    require_managing(actor, found)
    given = dict(values)
    words = {name: str(given.pop(name)).strip() for name in WORDS if name in given}
    owner = given.pop("owner", None)
    fields = _checked(given)
    if owner is not None:
        _check_owner(found.address.domain, owner)
        fields["owner_id"] = owner.pk
    with transaction.atomic():
        changes = versions.change(found, fields, expected=expected)
        if changes:
            audit.record(actor, "list.edit", found.address, changes=changes)
        if words:
            objects.change_fields(actor, found.address, words)
    return found


def require_managing(actor: Actor, found: MailingList) -> None:
    """Who may manage a list: who holds the right there, and its owner. Raises: Forbidden."""
    if not is_owner(actor, found):
        actor.require(Right.MANAGE_LISTS, found)


def is_owner(actor: Actor, found: MailingList) -> bool:
    """Whether this is the person whose mailbox owns the list."""
    return actor.user is not None and found.owner.user_id == actor.user.pk and actor.acting is None


def _check_owner(domain: Domain, owner: Mailbox) -> None:
    if owner.domain_id != domain.pk or owner.status in (Status.DELETED, Status.PURGED):
        raise Invalid(_("The owner is a mailbox of the same domain."), field="owner")


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The list's own fields. Raises: Invalid naming the field."""
    for name, value in values.items():
        if name in CHOICES:
            if value not in CHOICES[name].values:
                raise Invalid(_("One of: %(allowed)s.") % {"allowed": ", ".join(CHOICES[name].values)}, field=name)
        elif name in _NUMBERS:
            least = 1 if name == "confirm_hours" else 0
            if not (value is None and name == "max_message_bytes") and not _fits(value, least, _NUMBERS[name]):
                raise Invalid(_("From %(least)d to %(most)d.") % {"least": least, "most": _NUMBERS[name]}, field=name)
        elif name in _TEXTS:
            if not isinstance(value, str) or len(value) > _TEXTS[name] or "\0" in value:
                raise Invalid(_("At most %(limit)s characters.") % {"limit": _TEXTS[name]}, field=name)
            if name == "subject_prefix" and value and not value.isprintable():
                raise Invalid(_("Only visible characters and spaces."), field=name)
        else:
            raise Invalid(_("A list has no such setting."), field=name)
    return dict(values)


def _fits(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
