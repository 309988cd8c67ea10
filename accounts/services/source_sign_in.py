"""Who somebody is by the word of a source: a directory or mail server that takes their password, or an identity
provider that sends them back.

A source lets in only people of domains that it is responsible for, only as far as whoever configured it could have, and
nobody but who they were when they were bound to it. Who has a second factor here is bound, and gets the roles of their
groups, only after they showed it (`settle`). Its failures say nothing of whether somebody exists. Sessions and second
factors are the caller's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit, factors, mails, responsible, throttle, ties
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import AccountsError, BadAddress
from accounts.models import Identity, Source, User
from accounts.permissions import Level, Right
from accounts.services.group_roles import apply_groups, groups_that_count, system_for
from accounts.services.sources import require_managing
from accounts.sources.entries import Entry
from accounts.sources.errors import Denied, OtherAccount, SourceFailed, SourceUnavailable
from accounts.sources.imap import MailServer
from accounts.sources.ldap import Directory
from accounts.sources.oidc import Claims, Provider
from accounts.sources.trying import Step, try_directory, try_mail_server, try_provider

Maker = Callable[[str, str], User]  # address, name -> somebody new in a domain of ours; raises AccountsError
_makers: list[Maker] = []
STEP_S = 0.1  # failures at a source answer at the next of these
RESTS_S = 10.0  # a source that didn't answer isn't asked again at once: it would hold a process for each guess
_resting: dict[int, float] = {}
logger = logging.getLogger("postkeep.sources")


@dataclass(frozen=True, slots=True)
class Word:
    """What a source said of somebody: who they are there, in which groups (None: not known; lack: why, a `Lack`)."""

    source_id: int
    subject: str
    groups: list[str] | None
    lack: str = ""


@dataclass(frozen=True, slots=True)
class Proved:
    """Somebody proved who they are. how: by what (password, directory, imap, oidc, set_password, link).

    has_second_factor: the source stands in for the person's own, or for one that is demanded of who has none, and says
    that it asked for one. word: what counts once they showed their own. said: how a provider says they signed in there.
    """

    user: User
    how: str = "password"
    source: Source | None = None
    has_second_factor: bool = False
    word: Word | None = None
    said: str = ""


def register_maker(make: Maker) -> None:
    """The app that knows domains makes people who come for the first time."""
    _makers[:] = [make]


def by_password(address: str, password: str) -> Proved | None:
    """Whose address and password these are, or None.

    Whatever is wrong costs a hash here, and where the domain has a source a question there, also for nobody.
    Raises: SourceUnavailable (the source didn't answer, whoever it was about).
    """
    local: User | None = authenticate(None, username=address, password=password)
    source = responsible.source_for(address)
    person = local or User.objects.filter(email=address).first()
    if local is not None and responsible.takes_password_here(source, local):
        return Proved(local)
    if source is None or source.kind_of.is_web or not password:
        return None
    began = time.monotonic()
    try:
        return _ask(source, address, password, person)
    except Denied as error:
        logger.info("source %s (%s) let nobody in: %s", source.pk, source.name, error)
        time.sleep(STEP_S - (time.monotonic() - began) % STEP_S)
        return None
    except SourceFailed as error:
        logger.warning("source %s (%s) gave no answer: %s", source.pk, source.name, error.detail)
        raise SourceUnavailable(str(error), detail=error.detail) from error


def by_provider(source: Source, claims: Claims) -> Proved:
    """Whom a provider's claims let in. Raises: Denied (in words for the log)."""
    subject = subject_of(claims)
    bound = Identity.objects.filter(source=source, subject=subject).select_related("user").first()
    if bound is not None:
        user = bound.user
        if not responsible.serves(source, user.email):
            raise Denied("the person's domain has another source")
    else:
        address = _believed(source, claims)
        found = User.objects.filter(email=address).first() or _by_other_address(address)
        user = found or _made(source, address, claims.name)
        _require_place(source, user)
    had_factor = source.stands_in_for_factors and source.shows_factor(claims.said)
    groups, lack = _groups_of(source, claims)
    proved = _said(source, user, "oidc", subject, groups, had_factor=had_factor, lack=lack)
    met = proved.word is None and source.meets_demand(claims.said)
    return replace(proved, has_second_factor=proved.has_second_factor or met, said=claims.said)


def subject_of(claims: Claims) -> str:
    """Who somebody is at a provider, as it is kept: a subject counts beside its issuer alone."""
    return f"{claims.issuer} {claims.subject}"[:600]


def confirm(source: Source, user: User, claims: Claims) -> None:
    """That a provider speaks of this very person, who is bound to it: nobody is bound, nothing given or taken by it.

    Raises: OtherAccount, Denied.
    """
    if not responsible.serves(source, user.email):
        raise Denied("the person's domain has another source")
    require_word(source, user)
    bound = Identity.objects.filter(source=source, user=user).values_list("subject", flat=True).first()
    if bound is None or bound != subject_of(claims):
        raise OtherAccount("the provider speaks of somebody else")


def settle(user: User, word: Word) -> None:
    """Somebody is in by the word of a source: bind them, and give what their groups give. Raises: Denied."""
    source = Source.objects.filter(pk=word.source_id).first()
    if source is None or not responsible.serves(source, user.email):
        raise Denied("the person's domain has another source")
    require_word(source, user)
    _bind(source, word.subject, user)
    apply_groups(source, user, word.groups)
    _note_lack(source, user, word.lack)
    Identity.objects.filter(source=source, user=user).update(used_at=timezone.now())


def _said(
    source: Source,
    user: User,
    how: str,
    subject: str,
    groups: list[str] | None,
    *,
    had_factor: bool = False,
    lack: str = "",
) -> Proved:
    """Raises: Denied."""
    require_word(source, user)
    _require_same(source, user, subject)
    word = Word(source.pk, subject[:600], groups, lack)
    if had_factor or not factors.has_second_factor(user):
        settle(user, word)
        return Proved(user, how, source, had_factor)
    return Proved(user, how, source, word=word)


def _ask(source: Source, address: str, password: str, person: User | None) -> Proved:
    """Raises: Denied, SourceFailed."""
    _require_awake(source)
    try:
        if source.kind_of.is_directory:
            return _ask_directory(source, address, password, person)
        MailServer(source.settings, who=str(source)).check(address, password)
    except SourceUnavailable:
        _resting[source.pk] = time.monotonic() + RESTS_S
        raise
    user = person or _made(source, address, "")
    return _said(source, user, "imap", f"#{user.pk}", [])


def _ask_directory(source: Source, address: str, password: str, person: User | None) -> Proved:
    directory = directory_of(source)
    entry = directory.check(address, password)
    if not entry.id:
        raise Denied("the entry has no lasting identity")
    bound = Identity.objects.filter(source=source, subject=entry.id).select_related("user").first()
    if bound is not None and (person is None or bound.user_id != person.pk):
        raise Denied("the entry is bound to somebody else here")
    _require_address(source, entry, address)
    user = person or _made(source, address, entry.name)
    require_word(source, user)
    names = groups_that_count(source)
    return _said(source, user, "directory", entry.id, _groups(directory, entry, names) if names else [])


def _require_address(source: Source, entry: Entry, address: str) -> None:
    """Raises: Denied where the entry has addresses with us, and this one isn't among them; or none, and only its name
    was looked at in a directory of several domains.

    A filter may look at less than the address ({local} alone): the ada of one domain would be the ada of another.
    """
    said = {each for each in (entry.address, *entry.others, *entry.aliases) if each}
    ours = {each for each in said if ties.scope_of_address(each) is not None}
    if ours and address not in ours and not any(ties.main_address_of(each) == address for each in sorted(ours)):
        raise Denied("the entry has another address here")
    looked_at = str(source.told("login_filter"))
    if not ours and source.level != Level.DOMAIN and "{local}" in looked_at and "{domain}" not in looked_at:
        raise Denied("the entry has no address here, and its name alone may be one of another domain")


def _groups(directory: Directory, entry: object, names: Iterable[str]) -> list[str] | None:
    """The groups of an entry; None where they can't be told, so that nothing changes."""
    try:
        return sorted(directory.groups_of(entry, list(names)))  # type: ignore[arg-type]
    except SourceFailed as error:
        logger.warning("groups can't be read: %s", error.detail)
        return None


def directory_of(source: Source) -> Directory:
    """The directory behind a source."""
    return Directory(source.settings, source.secret.reveal(), who=str(source))


def provider_of(source: Source) -> Provider:
    """The provider behind a source."""
    return Provider(source.settings, source.secret.reveal(), who=str(source))


def try_source(actor: Actor, source: Source, *, address: str = "", password: str = "") -> list[Step]:
    """What comes of asking a source now, step by step. Raises: Forbidden, TooManyAttempts.

    With somebody's password it is a guess at it, slowed down like one.
    """
    require_managing(actor, source)
    wake(source)
    attempt = throttle.counters(address, actor.address, None) if password else []
    if attempt:
        throttle.admit(attempt)
    in_full = actor.has(Right.MANAGE_SERVER)
    if source.kind_of.is_directory:
        steps = try_directory(directory_of(source), address, password, in_full=in_full)
    elif source.kind_of.is_web:
        steps = try_provider(provider_of(source), in_full=in_full)
    else:
        server = MailServer(source.settings, who=str(source))
        steps = try_mail_server(server, address, password, in_full=in_full)
    audit.record(actor, "source.try", source, address=address, well=all(each.is_well for each in steps))
    return steps


def _groups_of(source: Source, claims: Claims) -> tuple[list[str] | None, str]:
    """The groups of a provider's claims that give something here, and why they aren't known."""
    if not source.told("groups_claim"):
        return None, ""
    names = set(groups_that_count(source))
    if claims.groups is None:
        return None, (claims.groups_lack or "") if names else ""
    return [each for each in claims.groups if each in names], ""


def _note_lack(source: Source, user: User, lack: str) -> None:
    """Keep whether somebody's roles could be told at their last sign-in, and note where that changes for the worse:
    they stay as they were, and whoever manages the source must know.
    """
    changed = Identity.objects.filter(source=source, user=user).exclude(groups_lack=lack).update(groups_lack=lack)
    if changed and lack:
        logger.warning("source %s (%s) doesn't say all groups of %s: %s", source.pk, source.name, user.email, lack)
        audit.record(system_for(source), "source.groups_lack", user, source=source.name, why=lack)


def _believed(source: Source, claims: Claims) -> str:
    """The address the provider vouches for, canonical, in a domain that this source is responsible for."""
    if not claims.is_verified and not source.told("trusts_addresses"):
        raise Denied("the provider doesn't say that the address is verified")
    try:
        address = str(parse_address(claims.address))
    except BadAddress as error:
        raise Denied("the provider names no address that we can serve") from error
    if not responsible.serves(source, address):
        raise Denied("the address is in no domain of this source")
    return address


def _by_other_address(address: str) -> User | None:
    main = ties.main_address_of(address)
    return User.objects.filter(email=main).first() if main else None


def _made(source: Source, address: str, name: str) -> User:
    """Somebody who comes for the first time. Raises: Denied."""
    may = source.authority is None or Right.MANAGE_USERS in source.authority
    if not (source.creates_people and may) or not _makers or ties.scope_of_address(address) is None:
        raise Denied("nobody here has this address, and this source makes nobody")
    try:
        return _makers[0](address, name)
    except AccountsError as error:
        raise Denied(f"{address} can't be made: {error}") from error


def require_word(source: Source, user: User) -> None:
    """Raises: Denied for who is shut out, keeps a password here only, or holds more than the source speaks for."""
    if not source.counts:
        raise Denied("whoever configured the source could not have set passwords there")
    if not user.is_active:
        raise Denied("the account is shut out")
    if user.authentication == responsible.LOCAL_ONLY:
        raise Denied("the account signs in with a password kept here")
    if not responsible.speaks_for(source, user):
        raise Denied("the account holds more than this source speaks for")


def _require_place(source: Source, user: User) -> None:
    """Raises: Denied where an address led to somebody of another domain."""
    if not responsible.serves(source, user.email):
        raise Denied("the person's domain has another source")


def _require_same(source: Source, user: User, subject: str) -> None:
    """Raises: Denied where they are somebody else there already."""
    bound = Identity.objects.filter(source=source, user=user).values_list("subject", flat=True).first()
    if bound not in (None, subject[:600]):
        raise Denied("the account is bound to somebody else there")


def _bind(source: Source, subject: str, user: User) -> None:
    """From now on this is who they are there. They are told the first time they come in by it, also where a
    synchronisation bound them before, unless they were made just now.

    Raises: Denied where they are somebody else already.
    """
    _require_same(source, user, subject)
    try:
        with transaction.atomic():
            bound, is_new = Identity.objects.get_or_create(source=source, user=user, defaults={"subject": subject})
            if is_new:
                by = source.configured_by_label
                audit.record(system_for(source), "source.bind", user, source=source.name, configured_by=by)
    except IntegrityError as error:
        raise Denied("somebody else is bound to this already") from error
    if bound.used_at is None and (user.last_login or user.has_usable_password() or user.second_factor_at):
        mails.post_notice(user, "linked", by=f"{source.name} ({source.configured_by_label})")


def _require_awake(source: Source) -> None:
    """Raises: SourceUnavailable."""
    if _resting.get(source.pk, 0.0) > time.monotonic():
        raise SourceUnavailable("it didn't answer a moment ago")


def wake(source: Source) -> None:
    """Ask again at once: it was changed, or tried with success."""
    _resting.pop(source.pk, None)
