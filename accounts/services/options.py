"""Writes of options: setting a value on a scope, and going back to the inherited one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, options, places
from accounts.actors import Actor
from accounts.errors import BadOption, Forbidden
from accounts.models import OptionValue, User
from accounts.options import Option
from accounts.optiontypes import OptionType
from accounts.permissions import EndUserRight, Right
from accounts.scopes import SERVER
from config.kit import known_settings
from config.kit.sealed import MASK


def set_option(actor: Actor, obj: object, name: str, value: object, *, even_looser: bool = False) -> None:
    """Set an option on a scope's object (a person, domain, customer, broker or SERVER).

    An empty password keeps the one that is set. even_looser: also what doesn't count, since a level above is stricter.
    Raises: UnknownOption, BadOption (the value, or an option without this level), Forbidden.
    """
    option = options.get(name)
    _require(actor, obj, option)
    scope = places.scope_of(obj)
    if scope.level not in option.levels:
        raise BadOption(_("This option can't be set here."))
    read = option.parse(value)
    if not even_looser:
        _require_strict(obj, option, read)
    if option.guard is not None:
        option.guard(actor, read)
    write_option(actor, obj, option, read)


def _require_strict(obj: object, option: Option, read: Any) -> None:
    """Raises: BadOption where it would be looser than what holds above: nobody would be held to it."""
    scope = places.scope_of(obj)
    if option.strict is None or scope == SERVER:
        return
    above = options.resolve(option.name, obj).inherited
    if not option.may_follow(above, read):
        said = known_settings.in_words(above, option.values)
        raise BadOption(_("Above this it is “%(value)s”; here it can only be stricter.") % {"value": said})


def write_option(actor: Actor, obj: object, option: Option, read: Any) -> None:
    """Keep a value that was parsed and for which every right and guard was asked."""
    scope, name = places.scope_of(obj), option.name
    with transaction.atomic():
        row = OptionValue.objects.select_for_update().filter(level=scope.level, object_id=scope.id, name=name).first()
        old = None if row is None else _shown(option, options.stored_value(row))
        plain, secret = _parts(option, read, row)
        OptionValue.objects.update_or_create(
            level=scope.level,
            object_id=scope.id,
            name=name,
            defaults={"value": plain, "secret": secret, "updated_at": timezone.now()},
        )
        new = _shown(option, read)
        if old != new or secret:
            audit.record(actor, "option.set", obj, changes={name: (old, new)})


def reset_option(actor: Actor, obj: object, name: str) -> bool:
    """Let an option be inherited again; false when it was already. Raises: UnknownOption, Forbidden."""
    option = options.get(name)
    _require(actor, obj, option)
    if option.guard is not None:
        option.guard(actor, options.resolve(name, obj).inherited)
    return drop_option(actor, obj, option)


def drop_option(actor: Actor, obj: object, option: Option) -> bool:
    """Forget a value where every right and guard was asked; false when there was none."""
    scope, name = places.scope_of(obj), option.name
    with transaction.atomic():
        row = OptionValue.objects.select_for_update().filter(level=scope.level, object_id=scope.id, name=name).first()
        if row is None:
            return False
        old = _shown(option, options.stored_value(row))
        row.delete()
        audit.record(actor, "option.reset", obj, changes={name: (old, None)})
        return True


def forget_options(scope_object: object) -> None:
    """Drop all values set on an object that goes away; its own event says that it went."""
    scope = places.scope_of(scope_object)
    OptionValue.objects.filter(level=scope.level, object_id=scope.id).delete()


def _require(actor: Actor, obj: object, option: Option) -> None:
    """Who may set this here: restricted ones whoever may change the server, personal ones the person too."""
    actor.require_writing()
    if option.restricted:
        actor.require(Right.MANAGE_SERVER)
    if isinstance(obj, User):
        if option.personal and not option.restricted and actor.owns(obj) and actor.may(EndUserRight.EDIT_PROFILE):
            return
        actor.require_over(Right.MANAGE_OPTIONS, obj)
    else:
        actor.require(Right.MANAGE_OPTIONS, obj)
    if option.is_secret and actor.acting is not None:
        raise Forbidden("no passwords while acting as somebody")


def _parts(option: Option, read: Any, row: OptionValue | None) -> tuple[Any, Any]:
    """What is kept in plain and what is kept sealed."""
    if option.type == OptionType.PASSWORD:
        if not read and row is None:
            raise BadOption(_("Give a password."))
        return True, read or (row.secret if row else "")
    if option.type == OptionType.CREDENTIALS:
        kept = row.secret if row is not None and row.value.get("username") == read["username"] else ""
        return {"username": read["username"]}, read["password"] or kept
    return read, ""


def _shown(option: Option, value: Any) -> Any:
    """A value as the audit trail keeps it."""
    if option.type == OptionType.PASSWORD:
        return MASK
    return value.get("username", "") if option.type == OptionType.CREDENTIALS else value
