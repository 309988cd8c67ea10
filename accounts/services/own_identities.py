"""People who link themselves to who they are at their domain's identity provider, and undo it.

Linking takes a fresh proof on both sides: of the person here, and at the provider, of which whoever asked saw to it
that they signed in there just now. So the addresses needn't be the same. A source still speaks only for whom it may;
nobody is taken from anybody. Binding by a first sign-in is `source_sign_in`'s, undoing it for somebody else `sources`'.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, mails, proving, responsible
from accounts.actors import Actor
from accounts.errors import AccountsError
from accounts.models import Identity, Source, User
from accounts.services.group_roles import take_all
from accounts.services.source_grants import end_sessions_by_source
from accounts.services.source_sign_in import require_word, subject_of
from accounts.sources.errors import Denied
from accounts.sources.oidc import Claims


class NotLinked(AccountsError):
    """What stands against it, in words for the person."""


def require_linking(actor: Actor) -> User:
    """Raises: Forbidden, ProofNeeded."""
    actor.require_in_person()
    actor.require_writing()
    proving.require_recent(actor)
    assert actor.user is not None
    return User.objects.get(pk=actor.user.pk)


def linkable(user: User) -> Source | None:
    """The provider that somebody may link themselves to: their domain's, if it speaks for all that they hold."""
    source = responsible.source_for(user.email)
    if source is None or not source.kind_of.is_web or user.authentication == responsible.LOCAL_ONLY:
        return None
    return source if responsible.speaks_for(source, user) else None


def link_identity(actor: Actor, source: Source, claims: Claims) -> Identity:
    """From now on whoever this is at the provider is the person here. Raises: Forbidden, ProofNeeded, NotLinked."""
    user, subject = require_linking(actor), subject_of(claims)
    if linkable(user) != source:
        raise NotLinked(_("Your domain has another place to sign in at by now."))
    try:
        require_word(source, user)
    except Denied as error:
        raise NotLinked(_("This provider may not speak for your account.")) from error
    try:
        with transaction.atomic():
            made, is_new = Identity.objects.get_or_create(
                source=source, user=user, defaults={"subject": subject, "used_at": timezone.now()}
            )
            if is_new:
                audit.record(actor, "source.link", user, source=source.name, there=claims.address or claims.subject)
                mails.post_notice(user, "linked", by=f"{source.name} ({claims.address or claims.subject})")
    except IntegrityError as error:
        raise NotLinked(_("Somebody else here is linked to this account there.")) from error
    if made.subject != subject:
        raise NotLinked(_("You are linked to another account there. Undo that first."))
    return made


def unlink_identity(actor: Actor, identity: Identity) -> None:
    """Undo one's own: sessions that began by it end, but the one that asks, and what its groups gave goes.

    Raises: Forbidden, ProofNeeded, NotLinked (there is no other way in).
    """
    user = require_linking(actor)
    if identity.user_id != user.pk:
        raise NotLinked(_("This is not yours."))
    if not has_another_way(user):
        raise NotLinked(_("You have no other way in. Ask your administrator to undo it."))
    with transaction.atomic():
        audit.record(actor, "source.unlink", user, source=identity.source.name)
        take_all(identity.source, user)
        identity.delete()
        end_sessions_by_source(actor, User.objects.filter(pk=user.pk))


def has_another_way(user: User) -> bool:
    """Whether somebody gets in without their source: by a password kept here that counts."""
    return user.has_usable_password() and responsible.takes_password_here(responsible.source_for(user.email), user)
