"""DKIM keys of a domain: made or brought along, published, put to work, rotated, retired.

A new key waits until its record is published (the domain's health sees it); putting it to work retires the one before
of the same algorithm (RSA and Ed25519 may sign side by side), whose record should stay for a week, until mail signed
with it has arrived. Private halves are sealed and read by nothing but the part that signs.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.versions import change
from domains import dkim_keys
from domains.dkim_keys import KeyKind
from domains.errors import Invalid, Taken, WrongState
from domains.models import DkimKey, Domain

State = DkimKey.State
MOST_KEYS = 20


@dataclass(frozen=True, slots=True)
class Record:
    """A TXT record to publish: its name, its text, and the same cut into strings for a zone file."""

    name: str
    text: str
    zone: str


def create_key(
    actor: Actor,
    domain: Domain,
    *,
    selector: str = "",
    kind: str = KeyKind.RSA_2048,
    private_key: str = "",
    activate: bool = False,
) -> DkimKey:
    """A new key under a selector (made up from the date where none is given); `private_key` brings one along.

    Raises: Forbidden, Invalid (field selector, kind or privateKey), Taken.
    """
    actor.require(Right.MANAGE_DKIM, domain)
    made = _made(kind, private_key)
    algorithm = DkimKey.Algorithm.OTHER if private_key else DkimKey.Algorithm(kind)
    with transaction.atomic():
        Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
        if domain.dkim_keys.count() >= MOST_KEYS:
            raise Invalid(_("A domain has at most %(most)d keys; remove retired ones.") % {"most": MOST_KEYS})
        chosen = _selector(domain, selector)
        key = _insert(domain, chosen, algorithm, made)
        audit.record(actor, "dkim.create", key, algorithm=made.algorithm, bits=made.bits)
        if activate:
            _activate(actor, key)
    return key


def rotate(actor: Actor, domain: Domain, *, kind: str = "") -> DkimKey:
    """A new key beside the one that signs, of the same algorithm unless another is named; it waits to be published."""
    active = domain.dkim_keys.filter(state=State.ACTIVE).first()
    same = active.algorithm if active is not None and active.algorithm in list(KeyKind) else KeyKind.RSA_2048
    return create_key(actor, domain, kind=kind or same)


def activate_key(actor: Actor, key: DkimKey, *, expected: int | None = None, alone: bool = False) -> DkimKey:
    """Sign with this key from now on; the one before of its algorithm is retired, `alone`: every other.

    Raises: Forbidden, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_DKIM, key)
    with transaction.atomic():
        change(key, {}, expected=expected)
        _activate(actor, key, alone=alone)
    return key


def retire_key(actor: Actor, key: DkimKey, *, expected: int | None = None) -> DkimKey:
    """Stop signing with it; mail leaves unsigned where no other key is put to work. Raises: Forbidden."""
    actor.require(Right.MANAGE_DKIM, key)
    with transaction.atomic():
        changes = change(key, {"state": State.RETIRED, "retired_at": timezone.now()}, expected=expected)
        audit.record(actor, "dkim.retire", key, changes={"state": changes["state"]} if "state" in changes else {})
    return key


def delete_key(actor: Actor, key: DkimKey) -> None:
    """Forget a key for good, its private half too. Raises: Forbidden, WrongState (it signs)."""
    actor.require(Right.MANAGE_DKIM, key)
    with transaction.atomic():
        if DkimKey.objects.select_for_update().get(pk=key.pk).state == State.ACTIVE:
            raise WrongState(_("This key signs. Put another to work or retire it first."))
        audit.record(actor, "dkim.delete", key)
        key.delete()


def delete_all_keys(actor: Actor, domain: Domain) -> int:
    """Forget all keys of a domain, also the one that signs; how many there were. Raises: Forbidden."""
    actor.require(Right.MANAGE_DKIM, domain)
    with transaction.atomic():
        keys = list(domain.dkim_keys.select_for_update())
        for key in keys:
            audit.record(actor, "dkim.delete", key)
            key.delete()
    return len(keys)


def record_text(key: DkimKey) -> str:
    """The text of a key's TXT record (RFC 6376 §3.6.1)."""
    return f"v=DKIM1; k={algorithm_of(key)}; p={key.public_key}"


def algorithm_of(key: DkimKey) -> str:
    """As in the record's k= tag: rsa or ed25519."""
    return "ed25519" if len(key.public_key) < 100 else "rsa"


def records_of(key: DkimKey, names: list[str] | None = None) -> list[Record]:
    """What to publish: under the domain's own name and each alias name (or those given)."""
    own = key.domain.names.order_by("is_alias", "name").values_list("name", flat=True)
    text = record_text(key)
    places = [dkim_keys.record_name(key.selector, name) for name in (list(own) if names is None else names)]
    return [Record(place, text, dkim_keys.zone_line(place, text)) for place in places]


def _made(kind: str, private_key: str) -> dkim_keys.DkimKey:
    if private_key:
        try:
            return dkim_keys.parse_private_key(private_key)
        except dkim_keys.BadKey as error:
            raise Invalid(str(error), field="private_key") from error
    if kind not in list(KeyKind):
        known = ", ".join(KeyKind)
        raise Invalid(_("The kind of key is one of %(known)s.") % {"known": known}, field="kind")
    return dkim_keys.generate(KeyKind(kind))


def _selector(domain: Domain, wanted: str) -> str:
    if wanted:
        try:
            return dkim_keys.clean_selector(wanted)
        except dkim_keys.BadSelector as error:
            raise Invalid(str(error), field="selector") from error
    taken = set(domain.dkim_keys.values_list("selector", flat=True))
    stem = f"pk{timezone.now():%Y%m}"
    return next(name for name in (stem, *(f"{stem}-{number}" for number in range(2, 99))) if name not in taken)


def _insert(domain: Domain, selector: str, algorithm: str, made: dkim_keys.DkimKey) -> DkimKey:
    try:
        with transaction.atomic():
            return DkimKey.objects.create(
                domain=domain,
                selector=selector,
                algorithm=algorithm,
                private_key=made.private_pem(),
                public_key=made.public_text,
            )
    except IntegrityError as error:
        raise Taken(_("The domain has a key under this selector already."), field="selector") from error


def _activate(actor: Actor, key: DkimKey, *, alone: bool = False) -> None:
    now = timezone.now()
    before = DkimKey.objects.filter(domain_id=key.domain_id, state=State.ACTIVE).exclude(pk=key.pk)
    for other in before.select_for_update():
        if not alone and algorithm_of(other) != algorithm_of(key):
            continue  # who can't check Ed25519 checks RSA (RFC 8463 §5)
        change(other, {"state": State.RETIRED, "retired_at": now})
        audit.record(actor, "dkim.retire", other)
    changes = change(key, {"state": State.ACTIVE, "activated_at": now, "retired_at": None})
    audit.record(actor, "dkim.activate", key, changes={"state": changes["state"]} if "state" in changes else {})
