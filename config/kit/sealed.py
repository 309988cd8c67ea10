"""Secrets at rest (passwords of relays, SMTP, LDAP; DKIM private keys …): sealed text, and a write-only field for it.

A sealed value is text: `sealed:1:KEY-ID:BASE64`, where the last part is nonce (12 bytes) | ciphertext | tag (16 bytes)
of AES-256-GCM under a key derived for one purpose from a sealing key (`config.kit.sealing_keys`). Version, key id and
purpose are bound as associated data, so a value can't be moved to a field of another purpose. Not for passwords of
people, which are hashed, nor for the content of stores.

    class Relay(models.Model):
        password = SealedTextField(purpose="relay password")

    relay.password = "typed by a person"   # sealed when the row is saved
    relay.password                         # Sealed: prints as ••••••, true when there is one, refuses JSON and pickle
    relay.password.reveal()                # the plain text, for whoever really connects

Source: NIST SP 800-38D §8.2.2 (random nonces), RFC 5869; docs/decisions/0011-sealed-secrets.md.
"""

from __future__ import annotations

import base64
import binascii
import os
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable, Expression
from django.db.models.query_utils import DeferredAttribute

from config.kit import sealing_keys
from config.kit.sealing_keys import MasterKeyChanged, SealedError, SealingKeyUnknown

__all__ = [
    "MASK",
    "Damaged",
    "MasterKeyChanged",
    "Sealed",
    "SealedError",
    "SealedTextField",
    "SealingKeyUnknown",
    "seal",
    "unseal",
    "unseal_bytes",
]

MASK = "••••••"
_PREFIX, _VERSION = "sealed", "1"


class Damaged(SealedError):
    """Not a sealed value, changed since, or sealed for another purpose."""

    def __init__(self) -> None:
        super().__init__("a stored secret is damaged, or was sealed for another purpose")


def seal(plain: str | bytes, *, purpose: str) -> str:
    """The sealed text of a secret; a different one each time. purpose: what it is for, part of the key.

    Touches the database once, in the caller's transaction. Raises: MasterKeyChanged.
    """
    key_id, key = sealing_keys.current()
    nonce = os.urandom(sealing_keys.NONCE_BYTES)
    data = plain.encode() if isinstance(plain, str) else plain
    sealed = nonce + AESGCM(_key_for(key, purpose)).encrypt(nonce, data, _bound(key_id, purpose))
    return ":".join((_PREFIX, _VERSION, key_id, base64.urlsafe_b64encode(sealed).decode()))


def unseal(sealed: str, *, purpose: str) -> str:
    """The plain text. Raises: Damaged, MasterKeyChanged, SealingKeyUnknown."""
    try:
        return unseal_bytes(sealed, purpose=purpose).decode()
    except UnicodeDecodeError as error:
        raise Damaged from error


def unseal_bytes(sealed: str, *, purpose: str) -> bytes:
    """The plain bytes. Raises: Damaged, MasterKeyChanged, SealingKeyUnknown."""
    parts = sealed.split(":")
    if len(parts) != 4 or parts[:2] != [_PREFIX, _VERSION]:
        raise Damaged
    key = _key_for(sealing_keys.get(parts[2]), purpose)
    try:
        data = base64.b64decode(parts[3], altchars=b"-_", validate=True)
        return AESGCM(key).decrypt(
            data[: sealing_keys.NONCE_BYTES], data[sealing_keys.NONCE_BYTES :], _bound(parts[2], purpose)
        )
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise Damaged from error


def _key_for(key: bytes, purpose: str) -> bytes:
    return sealing_keys.derive(key, b"sealed " + purpose.encode())


def _bound(key_id: str, purpose: str) -> bytes:
    return f"{_PREFIX}:{_VERSION}:{key_id}:{purpose}".encode()


def count_sealed_with(key_ids: list[str]) -> dict[str, int]:
    """How many values each field holds that were sealed with one of these keys; fields with none are left out."""
    found: dict[str, int] = {}
    for model in apps.get_models() if key_ids else []:
        for field in model._meta.local_fields:
            if isinstance(field, SealedTextField):
                prefixes = [f"{_PREFIX}:{_VERSION}:{key_id}:" for key_id in key_ids]
                wanted = reduce(or_, (models.Q((f"{field.name}__startswith", prefix)) for prefix in prefixes))
                name = f"{model._meta.verbose_name}: {field.verbose_name}"
                found[name] = model._base_manager.filter(wanted).count()
    return {name: count for name, count in found.items() if count}


class Sealed:
    """A secret that shows itself to nobody who doesn't ask by name; true when there is one.

    It holds sealed text from the database, or plain text that the next save will seal.
    """

    __slots__ = ("_plain", "_purpose", "_text")

    def __init__(self, text: str, *, purpose: str, plain: str | None = None) -> None:
        self._text, self._purpose, self._plain = text, purpose, plain

    @classmethod
    def of(cls, plain: str, *, purpose: str) -> Sealed:
        """Plain text on its way to the database."""
        return cls("", purpose=purpose, plain=plain)

    def reveal(self) -> str:
        """The plain text, empty when there is none. Raises: Damaged, MasterKeyChanged, SealingKeyUnknown."""
        if self._plain is not None:
            return self._plain
        return unseal(self._text, purpose=self._purpose) if self._text else ""

    reveal.alters_data = True  # type: ignore[attr-defined]  # a template that names it gets nothing

    def stored(self, purpose: str) -> str:
        """What goes into a field of this purpose: sealed text, or empty. Plain text is sealed anew at each call."""
        if self._plain is not None:
            return seal(self._plain, purpose=purpose) if self._plain else ""
        if self._text and purpose != self._purpose:  # copied from a field of another purpose
            return seal(self.reveal(), purpose=purpose)
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text or self._plain)

    def __str__(self) -> str:
        return MASK if self else ""

    def __repr__(self) -> str:
        return f"<Sealed {self}>" if self else "<Sealed, empty>"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sealed):
            return NotImplemented
        return (self._text, self._plain) == (other._text, other._plain)

    def __hash__(self) -> int:
        return hash((self._text, self._plain))

    def __copy__(self) -> Sealed:
        return self

    def __deepcopy__(self, memo: object) -> Sealed:
        return self

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("a sealed secret is not put into caches, sessions or tasks")


class _SealedAttribute(DeferredAttribute):
    """Keeps the attribute a `Sealed`, whatever is assigned."""

    field: SealedTextField

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


if TYPE_CHECKING:
    _TextField = models.TextField[str | Sealed | Combinable | None, Sealed]
else:
    _TextField = models.TextField


class SealedTextField(_TextField):
    """A text column that holds a sealed secret; empty text means none.

    Never in a model form, a fixture, or a lookup (only `field=""`, whether it is empty). A form that sets it brings a
    password input of its own, and the service assigns what was typed. purpose: stays the same for ever, also when the
    model or the field is renamed; what is sealed for one purpose doesn't open for another.
    """

    descriptor_class = _SealedAttribute

    def __init__(self, *args: Any, purpose: str, **options: Any) -> None:
        self.purpose = purpose
        super().__init__(*args, **{"blank": True, "default": "", "editable": False, **options})

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "purpose": self.purpose}

    def from_db_value(self, value: str | None, expression: Expression, connection: BaseDatabaseWrapper) -> Sealed:
        return Sealed(value or "", purpose=self.purpose)

    def to_python(self, value: object) -> Any:
        if isinstance(value, Sealed) or hasattr(value, "as_sql"):
            return value
        return Sealed.of("" if value is None else str(value), purpose=self.purpose)

    def get_prep_value(self, value: object) -> Any:
        """For lookups; what is saved comes through `get_db_prep_save`."""
        if value == "" or (isinstance(value, Sealed) and not value):
            return ""
        raise FieldError(f"{self.name} is sealed: only whether it is empty can be asked")

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        value = self.to_python(value)
        return value.stored(self.purpose) if isinstance(value, Sealed) else value

    def value_to_string(self, obj: models.Model) -> str:
        """Fixtures (`dumpdata`) carry no secrets."""
        return ""

    def formfield(self, *args: Any, **options: Any) -> None:
        """A model form leaves it out, also when somebody makes it editable."""
        return
