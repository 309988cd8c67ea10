"""Passkeys: key pairs whose private half a device or a password manager keeps (WebAuthn).

They stand in as second factor, and, where the device asked for a finger, a face or a PIN, for password and factor
together. A passkey belongs to the host of the configured public address and answers on its origin alone; a challenge
answers once; a count of uses that doesn't grow gives a copy away and is refused. What is asked at sign-in is
`accounts.second_step`'s. Challenges are kept by the view, in its session.
Source: W3C Web Authentication Level 2 §7.1, §7.2.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import webauthn
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from webauthn.helpers import parse_authentication_credential_json, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts import audit, links, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, NameTaken, WrongCode
from accounts.models import Passkey, User
from accounts.services import second_factors
from accounts.services.recovery_codes import ensure_codes

PASSKEYS_MAX, NAME_MAX, ANSWER_MAX = 20, 100, 20_000
_MALFORMED = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
_VERIFIED, _ANY = UserVerificationRequirement.REQUIRED, UserVerificationRequirement.PREFERRED


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser is asked, as JSON for its script, and the challenge that its answer must hold."""

    options: str
    challenge: bytes


def is_possible() -> bool:
    """Browsers make passkeys for a name over HTTPS only, and for localhost."""
    parts = urlsplit(links.public_url())
    try:
        ipaddress.ip_address(host())
    except ValueError:
        return parts.scheme == "https" or host() == "localhost"
    return False


def host() -> str:
    """The "relying party": passkeys are made for it."""
    return urlsplit(links.public_url()).hostname or ""


def _origin() -> str:
    parts = urlsplit(links.public_url())
    return f"{parts.scheme}://{parts.netloc}".lower()


def ask_for_new(actor: Actor) -> Question:
    """The question with which the person's browser makes a passkey. Raises: Forbidden, ProofNeeded."""
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    known = [_descriptor(each) for each in Passkey.objects.filter(user=user, rp_id=host())]
    made = webauthn.generate_registration_options(
        rp_id=host(),
        rp_name=f"Postkeep {host()}",
        user_name=user.email,
        user_display_name=user.display_name,
        user_id=_handle(user),
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_ANY
        ),
    )
    return Question(webauthn.options_to_json(made), made.challenge)


def add_passkey(actor: Actor, *, name: str, answer: str, challenge: bytes) -> list[str]:
    """Keep a new passkey. The recovery codes made with it, [] where there are some.

    Raises: Forbidden, ProofNeeded, WrongCode, BadGrant (too many, no name), NameTaken.
    """
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    name = _checked_name(name)
    try:
        if len(answer) > ANSWER_MAX:
            raise ValueError("too long")
        credential = parse_registration_credential_json(answer)
        verified = webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=host(), expected_origin=_origin()
        )
        transports = [each.value for each in credential.response.transports or []]
    except _MALFORMED as error:
        raise WrongCode("not an answer to this question") from error
    try:
        with transaction.atomic():
            second_factors.lock(user)
            if Passkey.objects.filter(user=user).count() >= PASSKEYS_MAX:
                raise BadGrant(_("A person has at most %(most)d passkeys.") % {"most": PASSKEYS_MAX}, field="name")
            if Passkey.objects.filter(credential_id=verified.credential_id).exists():
                raise WrongCode("a passkey that is here already")
            Passkey.objects.create(
                user=user,
                name=name,
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                handle=_handle(user),
                rp_id=host(),
                sign_count=verified.sign_count,
                transports=transports[:10],
                signs_in=verified.user_verified,
            )
            second_factors.settle(user)
            audit.record(actor, "factor.add_passkey", user, name=name)
            second_factors.tell(actor, user, "added")
            return ensure_codes(user)
    except IntegrityError as error:
        raise NameTaken(_("There is a passkey “%(name)s” already.") % {"name": name}) from error


def rename_passkey(actor: Actor, passkey: Passkey, *, name: str) -> None:
    """Raises: Forbidden, BadGrant, NameTaken."""
    user = second_factors.require_own(actor)
    name = _checked_name(name)
    old = passkey.name
    try:
        with transaction.atomic():
            Passkey.objects.filter(pk=passkey.pk, user=user).update(name=name)
            if old != name:
                audit.record(actor, "factor.rename_passkey", user, changes={"name": (old, name)})
    except IntegrityError as error:
        raise NameTaken(_("There is a passkey “%(name)s” already.") % {"name": name}) from error


def remove_passkey(actor: Actor, passkey: Passkey) -> None:
    """Raises: Forbidden, ProofNeeded, FactorDemanded (the last factor where one is demanded)."""
    user = second_factors.require_own(actor)
    proving.require_recent(actor)
    with transaction.atomic():
        second_factors.lock(user)
        second_factors.require_another(user, without_passkey=passkey.pk)
        deleted, _rows = Passkey.objects.filter(pk=passkey.pk, user=user).delete()
        second_factors.settle(user)
        if deleted:
            audit.record(actor, "factor.remove_passkey", user, name=passkey.name)
            second_factors.tell(actor, user, "removed")


def ask(user: User | None = None) -> Question:
    """The question with which a browser shows a passkey: one of this person's, or any, to sign in with it alone."""
    found = None if user is None else [_descriptor(each) for each in Passkey.objects.filter(user=user, rp_id=host())]
    made = webauthn.generate_authentication_options(
        rp_id=host(), allow_credentials=found, user_verification=_VERIFIED if user is None else _ANY
    )
    return Question(webauthn.options_to_json(made), made.challenge)


def use_passkey(user: User | None, *, answer: str, challenge: bytes) -> User | None:
    """Whose passkey answered, and note it; None for any other answer.

    user: of this person alone. None: anybody, whose device must have asked for a finger, a face or a PIN.
    """
    try:
        if len(answer) > ANSWER_MAX:
            return None
        credential = parse_authentication_credential_json(answer)
        with transaction.atomic():
            rows = Passkey.objects.select_for_update(of=("self",)).select_related("user")
            passkey = rows.filter(credential_id=credential.raw_id, rp_id=host()).first()
            if passkey is None or not _is_whose(passkey, credential):
                return None
            if user is not None and passkey.user_id != user.pk:
                return None
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=host(),
                expected_origin=_origin(),
                credential_public_key=bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=user is None,
            )
            Passkey.objects.filter(pk=passkey.pk).update(
                sign_count=verified.new_sign_count, last_used_at=timezone.now()
            )
            return passkey.user
    except _MALFORMED:
        return None


def _is_whose(passkey: Passkey, credential: AuthenticationCredential) -> bool:
    """A device that says whose passkey it is must say its owner (§7.2 step 6)."""
    said = credential.response.user_handle
    return not said or bytes(said) == bytes(passkey.handle)


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    known = {each.value: each for each in AuthenticatorTransport}
    transports = [known[each] for each in passkey.transports if each in known]
    return PublicKeyCredentialDescriptor(id=bytes(passkey.credential_id), transports=transports or None)


def _handle(user: User) -> bytes:
    """What devices keep of the person: always the same, and says nothing about them."""
    return salted_hmac("accounts.passkeys", str(user.pk), algorithm="sha256").digest()


def _checked_name(name: str) -> str:
    """Raises: BadGrant."""
    cleaned = " ".join(name.replace("\0", "").split())
    if not cleaned or len(cleaned) > NAME_MAX:
        text = _("Give the passkey a name of at most %(most)d characters.") % {"most": NAME_MAX}
        raise BadGrant(text, field="name")
    return cleaned
