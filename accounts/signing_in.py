"""Signing in with address and password, at a page or by a program. Sessions and cookies are made by the view."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import (
    app_passwords,
    audit,
    blocking,
    crowd,
    enforcement,
    factors,
    links,
    options,
    password_age,
    responsible,
    throttle,
    ties,
)
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress, PasswordDue, TooManyAttempts, WrongCode, WrongPassword
from accounts.models import ApiToken, Identity, Source, User
from accounts.secrets import new_token
from accounts.services.blocks import note_failure
from accounts.services.passkeys import use_passkey
from accounts.services.source_sign_in import Proved, Word, by_password, by_provider, settle
from accounts.services.tokens import NewToken, create_token
from accounts.sessions import may_enter
from accounts.sources.errors import Denied, SourceUnavailable
from accounts.sources.oidc import Claims
from accounts.tokens import actor_for_token
from config.kit import counters

PASSWORD_TOKEN = "signed in"  # noqa: S105  # how they are called; then the moment
PASSWORD_TOKEN_HOURS_MAX = 4
CHECKED_EVERY_S = 1.0  # whether what a mail program came in with still opens the door


def sign_in(request: HttpRequest, *, email: str, password: str, device: str | None) -> Proved:
    """The person these belong to, and how they proved it; whether a second step follows is `views.entering`'s, which
    also notes it.

    One error, and the same time, for an unknown address, a wrong password, somebody shut out (themselves or
    with their domain) and somebody without a password: Django hashes a dummy where there is nothing to compare.
    Raises: WrongPassword, TooManyAttempts, SourceUnavailable (the domain's source didn't answer, whoever asks).
    """
    return _checked(_actor(request, request.user), email=email, password=password, device=device, door="web")


def sign_in_by_provider(request: HttpRequest, source: Source, claims: Claims) -> Proved:
    """The person an identity provider sent back; what follows is as after a password. Raises: Denied."""
    try:
        proved = by_provider(source, claims)
        if not _comes_in(proved.user, "web"):
            raise Denied("the person may not come in")
    except Denied as error:
        actor, who = _actor(request, request.user), (claims.address or claims.subject)[:254]
        audit.record(actor, "user.sign_in_failed", who, source=source.name, why=str(error))
        note_failure(actor.address, who, "web", User.objects.filter(email=who).first())
        raise
    return proved


def take_word(request: HttpRequest, user: User, word: Word) -> bool:
    """What a source said of somebody who is in by now, after their second step: whether it still counts."""
    try:
        settle(user, word)
    except Denied as error:
        audit.record(_actor(request, request.user), "user.sign_in_failed", user.email, why=str(error))
        return False
    return True


def lacks_groups(user: User) -> bool:
    """Whether somebody's source didn't say all of their groups when they signed in last."""
    return Identity.objects.filter(user=user).exclude(groups_lack="").exists()


def sign_in_by_passkey(request: HttpRequest, *, answer: str, challenge: bytes) -> User:
    """The person whose passkey answered, after its device asked for a finger, a face or a PIN: both steps in one.

    Not for people whose password another place checks: they come in through that place.
    Raises: WrongCode, TooManyAttempts.
    """
    if not challenge:  # nothing was asked, so nothing is guessed
        raise WrongCode("no question to a passkey is open")
    actor = _actor(request, request.user)
    attempt = [throttle.network_counter("network", actor.address, throttle.NETWORK)]
    throttle.admit(attempt)
    user = use_passkey(None, answer=answer, challenge=challenge)
    if user is None or not user.is_active or not _is_proved_here(user) or not _comes_in(user, "web"):
        audit.record(actor, "user.sign_in_failed", "" if user is None else user.email, method="passkey")
        note_failure(actor.address, "" if user is None else user.email, "web", user)
        raise WrongCode("no passkey that signs in here")
    throttle.forgive(attempt)
    return user


def may_begin(user: User) -> bool:
    """Whether somebody who proved by a link to be the owner of a password kept here comes in with it."""
    return _is_proved_here(user) and _comes_in(user, "web")


def _is_proved_here(user: User) -> bool:
    """Whether what is kept here is enough for somebody, without a word of their domain's source."""
    return responsible.takes_password_here(responsible.source_for(user.email), user)


def record_sign_in(request: HttpRequest, user: User, *, how: str, second: str = "") -> None:
    """Note that somebody is in. how, second: what they showed first and second ("password", "totp")."""
    _note(_actor(request, user), user, how=how, second=second)


def sign_in_program(actor: Actor, *, email: str, password: str, hours: int) -> NewToken:
    """A token of some hours for a program that knows its person's address and password; `actor` is nobody yet.

    Slowed down like signing in at the page, with the same one error: also for people whose sign-in needs more than a
    password. Such tokens that have expired go. Raises: WrongPassword, TooManyAttempts, Forbidden (the person's domain
    lets its people make none), BadGrant (too many).
    """
    if not 1 <= hours <= PASSWORD_TOKEN_HOURS_MAX:
        raise ValueError(f"between 1 and {PASSWORD_TOKEN_HOURS_MAX} hours")
    user = _by_app_password(actor, email, password, "api")
    if user is None:
        user = _checked(actor, email=email, password=password, device=None, door="api").user
    else:
        crowd.went_well(actor.address)  # it came through the entrance of passwords
    known = Actor.for_user(user, address=actor.address, via=actor.via)
    now = timezone.now()
    ApiToken.objects.filter(user=user, is_short=True, expires_at__lt=now).delete()
    name = f"{PASSWORD_TOKEN} {now:%Y-%m-%d %H:%M} {new_token()[:6]}"
    made = create_token(known, user, name=name, expires_at=now + timedelta(hours=hours), is_short=True)
    _note(known, user)
    return made


class CallerWay(StrEnum):
    """What a program sent in the password's place."""

    TOKEN = "token"  # noqa: S105  # a word
    APP_PASSWORD = "app password"  # noqa: S105  # a word
    PASSWORD = "password"  # noqa: S105  # a word
    SECRET = "secret"  # noqa: S105  # a word; of a protocol that compares one by itself


@dataclass(slots=True)
class MailProgram:
    """A person's mail program that is in, and by what: for connections that last longer than what opened them.

    kept: the hash of the person's password as it was; source_id: who said that it was right, None for us. since: when
    they came in, in epoch seconds; it ends where all their sessions are ended after that.
    """

    user: User
    way: CallerWay
    value: str = field(default="", repr=False)
    kept: str = field(default="", repr=False)
    source_id: int | None = None
    checked_at: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.time)


def sign_in_mail_program(actor: Actor, *, email: str, password: str) -> User:
    """`let_mail_program_in`, for who doesn't ask by what."""
    return let_mail_program_in(actor, email=email, password=password).user


def let_mail_program_in(actor: Actor, *, email: str, password: str) -> MailProgram:
    """The person these belong to, for a program that sends their mail; `actor` is nobody yet.

    The password is one that was made for such a program, or an access token of theirs that isn't limited (read-only, or
    narrowed to some rights): so that a mail program needs no password, and the only two where a second factor is asked
    for elsewhere. Slowed down like signing in, with the same one error; not noted in the audit trail, since programs do
    it all day. Raises: WrongPassword, TooManyAttempts.
    """
    blocking.require_open(actor.address)
    user = _by_whole_token(actor, password)
    if user is not None and _is_of(user, email):
        return MailProgram(user, CallerWay.TOKEN, password)
    user = _by_app_password(actor, email, password, "smtp")
    if user is not None:
        return MailProgram(user, CallerWay.APP_PASSWORD, password)
    proved = _checked(actor, email=email, password=password, device=None, door="smtp")
    source_id = None if proved.source is None else proved.source.pk
    return MailProgram(proved.user, CallerWay.PASSWORD, kept=proved.user.password, source_id=source_id)


def person_of_login(login: str) -> User | None:
    """Who signs in by this name, for who has let them in already: another server that is trusted in this.

    None where nobody does, or they may not send mail by a mail program.
    """
    user = User.objects.filter(email=_address_of_account(_canonical(login)), is_active=True).first()
    return None if user is None or user.login_privileges == [] else user


def still_lets_mail_program_in(actor: Actor, program: MailProgram) -> bool:
    """Whether what a mail program came in with still opens SMTP AUTH; looked up once a second at most."""
    now = time.monotonic()
    if now - program.checked_at < CHECKED_EVERY_S:
        return True
    if not _still_opens(actor, program):
        return False
    program.checked_at = now
    return True


def _still_opens(actor: Actor, program: MailProgram) -> bool:
    user = User.objects.filter(pk=program.user.pk, is_active=True).first()
    if user is None or user.login_privileges == [] or were_sessions_ended(user, program.since):
        return False
    if program.way is CallerWay.TOKEN:
        return _by_whole_token(actor, program.value) == user
    if program.way is CallerWay.APP_PASSWORD:
        return app_passwords.owner(user.email, program.value, protocol="smtp", address=actor.address) == user
    if program.source_id is not None:
        source = responsible.source_for(user.email)
        return source is not None and source.pk == program.source_id and _comes_in(user, "smtp")
    is_same = user.password == program.kept and not password_age.standing_of(user).is_due
    return is_same and _is_proved_here(user) and _comes_in(user, "smtp")


def were_sessions_ended(user: User, since: float) -> bool:
    """Whether all of somebody's sessions were ended (`services.sessions.drop_sessions`) after this moment, in epoch
    seconds: also what programs began and isn't kept here.
    """
    return user.sessions_ended_at is not None and user.sessions_ended_at.timestamp() > since


def _by_whole_token(actor: Actor, value: str) -> User | None:
    """Whose token it is, unless it is limited: no right stands for sending mail as somebody."""
    known = actor_for_token(value, address=actor.address)
    is_whole = known is not None and not known.read_only and known.allowed == known.restricted(None).allowed
    return known.user if known is not None and is_whole else None


def _is_of(user: User, email: str) -> bool:
    """Whether an address is one by which this person signs in; their main one is known without asking."""
    address = _canonical(email)
    return user.email == address or user.email == _address_of_account(address)


def let_caller_in(actor: Actor, *, email: str, password: str) -> tuple[Actor, CallerWay]:
    """The actor these stand for, for a program that sends them with every call; `actor` is nobody yet.

    The password may also be an access token of the same person, and then its limits count, or an app password.
    Slowed down like signing in, with the same one error; not noted in the audit trail, since programs do it all day.
    Raises: WrongPassword, TooManyAttempts.
    """
    blocking.require_open(actor.address)
    known = actor_for_token(password, address=actor.address)
    if known is not None and known.user is not None and _is_of(known.user, email):
        return known, CallerWay.TOKEN
    user, way = _by_app_password(actor, email, password, "api"), CallerWay.APP_PASSWORD
    if user is None:
        user, way = _checked(actor, email=email, password=password, device=None, door="api").user, CallerWay.PASSWORD
    return Actor.for_user(user, address=actor.address, via=actor.via).restricted(None), way


def sign_in_caller(actor: Actor, *, email: str, password: str) -> Actor:
    """`let_caller_in`, for who doesn't ask by which of them."""
    return let_caller_in(actor, email=email, password=password)[0]


def still_lets_caller_in(actor: Actor, way: CallerWay, value: str) -> bool:
    """Whether what a person (`actor`, as they are now) came in with a moment ago still opens the doors of programs.

    value: the app password, where it was one; a person's password is compared by its hash, by whoever remembers it.
    """
    if actor.user is None or not actor.user.is_active:
        return False
    if way is CallerWay.APP_PASSWORD:
        owner = app_passwords.owner(actor.user.email, value, protocol="api", address=actor.address)
        return owner == actor.user and actor.user.login_privileges != [] and may_enter(actor, "api")
    is_fresh = way is not CallerWay.PASSWORD or not password_age.standing_of(actor.user).is_due
    return is_fresh and _comes_in(actor.user, "api")


def note_wrong_secret(actor: Actor, email: str) -> None:
    """Somebody guessed at a secret that a protocol compares by itself, and whose guesses it counts by `throttle`."""
    address = _canonical(email)[:254]
    audit.record(actor, "user.sign_in_failed", address)
    note_failure(actor.address, address, "api", User.objects.filter(email=address).first())


def _note(actor: Actor, user: User, *, how: str = "password", second: str = "") -> None:
    audit.record(actor, "user.sign_in", user, how=how, second=second)
    counters.count(user=user.pk, domain=user.home_domain_id, logins=1)


def _checked(actor: Actor, *, email: str, password: str, device: str | None, door: str) -> Proved:
    """The person these belong to, if they may come in by this door.

    Raises: WrongPassword (PasswordDue where a program came with one that must be changed), TooManyAttempts,
    SourceUnavailable.
    """
    with crowd.place(actor.address, device):
        proved = _looked_at(actor, email=email, password=password, device=device, door=door)
    crowd.went_well(actor.address, device)
    return proved


def _looked_at(actor: Actor, *, email: str, password: str, device: str | None, door: str) -> Proved:
    """`_checked` of somebody who has a place."""
    address = _address_of_account(_canonical(email))
    attempt = throttle.counters(address, actor.address, device)
    blocking.require_open(actor.address, is_known=throttle.is_known(attempt))
    throttle.admit(attempt)
    try:
        with crowd.as_(0 if throttle.is_known(attempt) else crowd.rank_of(actor.address)):
            proved = by_password(address, password)
    except TooManyAttempts:
        throttle.take_back(attempt)  # nothing was said of the password
        raise
    except SourceUnavailable:
        _note_unanswered(actor, address, attempt, door, device)
        raise
    if proved is not None and door != "web" and _needs_more(proved.user, door):
        throttle.take_back(attempt)  # no guess: mail programs knock all day after somebody set a factor up
        crowd.went_well(actor.address)
        raise WrongPassword("this door takes app passwords or tokens of the person")
    if proved is None or not _comes_in(proved.user, door):
        audit.record(actor, "user.sign_in_failed", address[:254])
        note_failure(actor.address, address, door, User.objects.filter(email=address).first())
        raise WrongPassword("address and password don't belong together")
    if door != "web" and proved.how == "password":
        _require_fresh(actor, proved.user, attempt)
    throttle.forgive(attempt)
    return proved


def _note_unanswered(
    actor: Actor, address: str, attempt: list[throttle.Counter], door: str, device: str | None
) -> None:
    """The source didn't answer. Where a password kept here counts too, it was a guess at that one like any other.

    Where none does, nothing was guessed: it counts at the account, so that both look alike, and not at the network. An
    office whose directory is away would shut itself out, and its administrators with it.
    """
    person = User.objects.filter(email=address).first()
    if person is None or not responsible.takes_password_here(responsible.source_for(address), person):
        throttle.take_back([each for each in attempt if each.policy is throttle.NETWORK])
        crowd.went_well(actor.address, device)
    audit.record(actor, "user.sign_in_failed", address[:254], why="source away")
    note_failure(actor.address, address, door, person)


def _require_fresh(actor: Actor, user: User, attempt: list[throttle.Counter]) -> None:
    """For programs, which can't choose a new one. Not noted and no guess: mail programs knock all day, for weeks.

    Raises: PasswordDue.
    """
    standing = password_age.standing_of(user)
    if standing.is_due:
        throttle.take_back(attempt)
        crowd.went_well(actor.address)
        where = {"url": links.public_url()}
        if standing.has_expired:
            raise PasswordDue(_("This password has expired. Choose a new one at %(url)s") % where)
        raise PasswordDue(_("A new password must be chosen first, at %(url)s") % where)


def _by_app_password(actor: Actor, email: str, password: str, protocol: str) -> User | None:
    """Whose password for a program it is, if they may come in by this door; not slowed down, since nobody guesses one.

    Their network is looked at, so that who is shut out is.
    """
    blocking.require_open(actor.address)
    account = _address_of_account(_canonical(email))
    user = app_passwords.owner(account, password, protocol=protocol, address=actor.address)
    if user is None or user.login_privileges == []:
        return None
    return user if protocol == "smtp" or may_enter(Actor.for_user(user), protocol) else None


def _comes_in(user: User, door: str) -> bool:
    """Whether a right password is enough: for a door that isn't shut, and for programs the only factor.

    At the pages a second step may follow; for programs there is none, so nothing opens where a factor is there, or is
    demanded and overdue. Who may not come to the pages may still send mail, but for those who may sign in nowhere.
    """
    if user.login_privileges == []:
        return False
    if door != "smtp" and not may_enter(Actor.for_user(user), door):
        return False
    return door == "web" or not _asks_more(user)


def _asks_more(user: User) -> bool:
    """Whether programs need something else than the person's password."""
    overdue = factors.has_second_factor(user) or enforcement.standing_of(user).is_overdue
    return overdue or bool(options.value("APP_PASSWORDS_ONLY", user))


def _needs_more(user: User, door: str) -> bool:
    """Whether the person would be in by this door with something else, and is with this password at the pages: what
    doesn't count says nothing that the pages don't.
    """
    is_open = door == "smtp" or may_enter(Actor.for_user(user), door)
    return is_open and _comes_in(user, "web") and _asks_more(user)


def _actor(request: HttpRequest, user: User | AnonymousUser) -> Actor:
    return Actor.for_user(user, address=request.META.get("REMOTE_ADDR", ""), via="page")


def _address_of_account(address: str) -> str:
    """Of an address by which its person may sign in: where its attempts count is one, however it is written.

    Asks the same of the database whether the address is somebody's, another one of somebody's, or nobody's.
    """
    is_account, other = User.objects.filter(email=address).exists(), ties.main_address_of(address)
    return address if is_account or other is None else other


def _canonical(email: str) -> str:
    """As accounts keep it; what is no address belongs to nobody, and still costs the same."""
    try:
        return str(parse_address(email))
    except BadAddress:
        return email.replace("\0", "").strip().lower()


def record_sign_out(actor: Actor) -> None:
    """Note that somebody left."""
    if actor.user is not None:
        audit.record(actor, "user.sign_out", actor.user)
