"""Recovery codes: ten codes on paper, each of which stands in for a second factor once.

Eighty random bits each, so that their hashes in a copied database open nothing. They are shown when they are made and
never again; new ones make the old ones worthless. Without a factor there are none.
"""

from __future__ import annotations

import base64
import re
import secrets

from django.db import transaction
from django.utils import timezone

from accounts import audit, proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import RecoveryCode, User
from accounts.secrets import token_hash
from accounts.services import second_factors

COUNT, BYTES, GROUP = 10, 10, 4
_FORM = re.compile(r"[a-z2-7]{16}")
_BETWEEN = re.compile(r"[\s-]")


def renew_codes(actor: Actor) -> list[str]:
    """Ten new codes in the place of the old ones. Raises: Forbidden (also without a factor), ProofNeeded."""
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    with transaction.atomic():
        if second_factors.lock(user).second_factor_at is None:
            raise Forbidden("no second factor that codes could stand in for")
        codes = _make(user)
        audit.record(actor, "factor.renew_codes", user)
        second_factors.tell(actor, user, "codes")
    return codes


def ensure_codes(user: User) -> list[str]:
    """New codes where the person has none at all, else []. In the transaction that gave them a factor."""
    if RecoveryCode.objects.filter(user=user).exists():
        return []
    return _make(user)


def use_recovery_code(user: User, code: str) -> bool:
    """Whether this is one of the person's unused codes; then it is used up. Of two at once only one gets it."""
    typed = _BETWEEN.sub("", code).lower()
    if not _FORM.fullmatch(typed):
        return False
    unused = RecoveryCode.objects.filter(user=user, code_hash=_hash(user, typed), used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def count_left(user: User) -> int:
    """How many still work."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _make(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    plain = [base64.b32encode(secrets.token_bytes(BYTES)).decode().lower() for _ in range(COUNT)]
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, code_hash=_hash(user, each)) for each in plain])
    return ["-".join(each[start : start + GROUP] for start in range(0, len(each), GROUP)) for each in plain]


def _hash(user: User, typed: str) -> str:
    return token_hash(f"{user.pk}:{typed}")
