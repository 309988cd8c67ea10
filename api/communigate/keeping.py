"""Settings that scripts give and that mean nothing here: kept for each object, and given back as they came.

The caller asks the right first, as for the settings that do mean something. Not for those.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.scopes import SERVER
from api.communigate.format import Value, read_value, write_value
from api.communigate.models import KeptSettings
from api.communigate.refusing import Refused
from domains.models import Address, Domain

Dictionary = dict[str, Value]
MOST_CHARACTERS = 1_000_000
SETTINGS = "settings"
DEFAULT = "default"


def is_default(value: Value) -> bool:
    """Whether a setting is to go back to what is inherited: the word in any case, or the null object."""
    return value is None or (isinstance(value, str) and value.lower() == DEFAULT)


def kept(what: str, of: Domain | Address | None = None) -> Dictionary:
    """What was kept of an object; {} where nothing was."""
    row = KeptSettings.objects.filter(what=what, **_place(of)).first()
    return {} if row is None else cast("Dictionary", read_value(row.text.reveal()))


def without(values: Dictionary, keys: Collection[str]) -> Dictionary:
    return {key: value for key, value in values.items() if key not in keys}


def keep(actor: Actor, what: str, of: Domain | Address | None, values: Dictionary, *, replace: bool) -> bool:
    """Merge or replace; a value of `default` (or the null object) removes its key. Whether anything changed.

    The event names the keys, not the values: nobody knows what is in them. Raises: Refused.
    """
    with transaction.atomic():
        row, _made = KeptSettings.objects.get_or_create(what=what, **_place(of), defaults={"text": "{}"})
        row = KeptSettings.objects.select_for_update().get(pk=row.pk)
        before = {} if replace else cast("Dictionary", read_value(row.text.reveal()))
        merged = {**before, **values}
        text = write_value({key: value for key, value in merged.items() if not is_default(value)})
        if len(text) > MOST_CHARACTERS:
            raise Refused(501, "too many settings")
        if text == row.text.reveal():
            return False
        changed = sorted(key for key in {*values, *before} if before.get(key) != merged.get(key))
        audit.record(actor, "communigate.keep", of or SERVER, what=what, keys=changed[:100])
        if text == "{}":
            row.delete()
        else:
            row.text = text
            row.save(update_fields=["text"])
    return True


def forget(domain: Domain) -> None:
    """All that was kept of a domain itself, of every kind; not of what is in it."""
    KeptSettings.objects.filter(domain_id=domain.pk).delete()


def _place(of: Domain | Address | None) -> dict[str, object]:
    return {
        "domain_id": of.pk if isinstance(of, Domain) else None,
        "address_id": of.pk if isinstance(of, Address) else None,
    }
