"""App passwords, waits and blocks, attempts in vain, and whose password is hashed first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import app_passwords, blocking, factors
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NetworkBlocked, ProofNeeded, TooManyAttempts, WrongPassword
from accounts.models import ApiToken, AppPassword, AuditEvent, FailedSignIn, SignInBlock, SignInThrottle, User
from accounts.scopes import SERVER
from accounts.selectors.guarding import list_failed_sign_ins, list_waits
from accounts.services import blocks
from accounts.services.app_passwords import (
    create_app_password,
    delete_all_app_passwords,
    delete_app_password,
    list_app_passwords,
)
from accounts.services.options import set_option
from accounts.services.passwords import set_password
from accounts.services.sessions import end_sessions
from accounts.services.tokens import create_token
from accounts.signing_in import (
    let_mail_program_in,
    sign_in_caller,
    sign_in_mail_program,
    sign_in_program,
    still_lets_mail_program_in,
)
from tests.factories import PASSWORD
from tests.stage import Cast

ClientFor = Callable[[User | None], Client]
SYSTEM = Actor.system()


def nobody(address: str = "192.0.2.7") -> Actor:
    return Actor.for_user(AnonymousUser(), address=address, via="smtp")


def made(user: User, *protocols: str, name: str = "phone") -> str:
    return create_app_password(Actor.for_user(user), user, name=name, protocols=protocols or ["smtp"]).value


@pytest.fixture
def with_second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "_keepers", {lambda user: True: lambda user: None})


def test_an_app_password_opens_what_it_is_for_and_nothing_else(user: User) -> None:
    value = made(user, "smtp")
    assert len(value) == 19 and value not in str(list(AppPassword.objects.values())) + str(
        list(AuditEvent.objects.values())
    )
    for written in (value, value.replace("-", ""), value.upper(), value.replace("-", " ")):
        assert sign_in_mail_program(nobody(), email=user.email, password=written) == user
    row = AppPassword.objects.get()
    assert row.last_used_at is not None and row.last_address == "192.0.2.7"
    for wrong_door in (
        lambda: sign_in_caller(nobody(), email=user.email, password=value),
        lambda: sign_in_program(nobody(), email=user.email, password=value, hours=1),
    ):
        with pytest.raises(WrongPassword):
            wrong_door()
    page = Client().post("/sign-in/", {"email": user.email, "password": value})
    assert page.status_code == 422  # never at the pages
    api = made(user, "api", name="script")
    assert sign_in_caller(nobody(), email=user.email, password=api).user == user
    with pytest.raises(WrongPassword):
        sign_in_mail_program(nobody(), email=user.email, password=api)


def test_a_session_that_stands_open_makes_none(user: User) -> None:
    left_open = replace(Actor.for_user(user, via="page"), proved_at=None)
    with pytest.raises(ProofNeeded):
        create_app_password(left_open, user, name="phone", protocols=["smtp"])


def test_it_is_its_persons_alone_and_ends(user: User, stranger: User) -> None:
    value = made(user)
    with pytest.raises(WrongPassword):
        sign_in_mail_program(nobody(), email=stranger.email, password=value)
    AppPassword.objects.update(expires_at=timezone.now())
    with pytest.raises(WrongPassword):
        sign_in_mail_program(nobody(), email=user.email, password=value)
    AppPassword.objects.update(expires_at=None)
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(WrongPassword):
        sign_in_mail_program(nobody(), email=user.email, password=value)


def test_a_token_narrowed_to_something_sends_no_mail(user: User) -> None:
    for rights, read_only in ((["view_users"], False), (None, True)):
        token = create_token(Actor.system(), user, name=f"{rights}", rights=rights, read_only=read_only)
        with pytest.raises(WrongPassword):
            sign_in_mail_program(nobody(), email=user.email, password=token.value)
    whole = create_token(Actor.system(), user, name="whole")
    assert sign_in_mail_program(nobody(), email=user.email, password=whole.value) == user


TAKEN: dict[str, tuple[Callable[[User], str], Callable[[User], object]]] = {
    "app password deleted": (lambda user: made(user, "smtp"), lambda user: AppPassword.objects.all().delete()),
    "token revoked": (
        lambda user: create_token(Actor.system(), user, name="t").value,
        lambda user: ApiToken.objects.all().delete(),
    ),
    "password changed": (
        lambda user: PASSWORD,
        lambda user: set_password(Actor.system(), user, password="another long one 42"),
    ),
    "no way in left": (
        lambda user: made(user, "smtp"),
        lambda user: User.objects.filter(pk=user.pk).update(login_privileges=[]),
    ),
    "app passwords only": (
        lambda user: PASSWORD,
        lambda user: set_option(Actor.system(), SERVER, "APP_PASSWORDS_ONLY", True),
    ),
    "all sessions ended": (lambda user: PASSWORD, lambda user: end_sessions(Actor.system(), user)),
    "shut out": (lambda user: made(user, "smtp"), lambda user: User.objects.filter(pk=user.pk).update(is_active=False)),
}


@pytest.mark.parametrize("way", TAKEN)
def test_a_mail_program_is_out_with_what_it_came_in_with(user: User, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    come, take = TAKEN[way]
    program = let_mail_program_in(nobody(), email=user.email, password=come(user))
    monkeypatch.setattr("accounts.signing_in.CHECKED_EVERY_S", 0.0)
    assert still_lets_mail_program_in(nobody(), program)
    take(user)
    assert not still_lets_mail_program_in(nobody(), program)


def test_with_a_second_factor_programs_come_in_with_nothing_else(user: User, with_second_factor: None) -> None:
    for door in (sign_in_mail_program, sign_in_caller):
        with pytest.raises(WrongPassword):
            door(nobody(), email=user.email, password=PASSWORD)
    assert sign_in_mail_program(nobody(), email=user.email, password=made(user, "smtp")) == user


def test_an_option_asks_for_app_passwords_without_a_second_factor(user: User) -> None:
    assert sign_in_mail_program(nobody(), email=user.email, password=PASSWORD) == user
    set_option(SYSTEM, user, "APP_PASSWORDS_ONLY", True)
    with pytest.raises(WrongPassword):
        sign_in_mail_program(nobody(), email=user.email, password=PASSWORD)


def test_guessing_at_an_account_holds_up_no_program_with_its_own_password(user: User) -> None:
    value = made(user)
    for _each in range(6):
        with pytest.raises((WrongPassword, TooManyAttempts)):
            sign_in_mail_program(nobody("198.51.100.1"), email=user.email, password="wrong")
    assert sign_in_mail_program(nobody("198.51.100.1"), email=user.email, password=value) == user


def test_deleting_one_ends_what_came_of_it(user: User) -> None:
    value = made(user, "api")
    sign_in_program(nobody(), email=user.email, password=value, hours=1)
    assert ApiToken.objects.filter(user=user).exists()
    delete_app_password(Actor.for_user(user), AppPassword.objects.get())
    assert not ApiToken.objects.filter(user=user).exists()
    with pytest.raises(WrongPassword):
        sign_in_caller(nobody(), email=user.email, password=value)


def test_people_make_their_own_and_administrators_of_their_scope_delete(cast: Cast) -> None:
    desk = Actor.for_user(cast.domain_administrator)
    made(cast.user, "smtp")
    made(cast.user, "api", name="second")
    with pytest.raises(Forbidden):
        create_app_password(desk, cast.user, name="x", protocols=["smtp"])
    with pytest.raises(Forbidden):
        create_app_password(Actor.for_user(cast.user).restricted(None), cast.user, name="x", protocols=["smtp"])
    for refused in (Actor.for_user(cast.stranger), Actor.for_user(cast.help_desk), desk.acting_as(cast.user, "help")):
        with pytest.raises(Forbidden):
            list_app_passwords(refused, cast.user)
    assert delete_all_app_passwords(desk, cast.user) == 2
    assert delete_all_app_passwords(desk, cast.user) == 0
    with pytest.raises(BadGrant):
        create_app_password(Actor.for_user(cast.user), cast.user, name="x", protocols=["ftp"])


def test_the_value_is_shown_once_on_the_page(user: User, client_for: ClientFor) -> None:
    client = client_for(user)
    page = client.post(
        reverse("accounts:app-password-create"), {"name": "Scanner", "protocols": ["smtp"], "days": "30"}
    )
    shown = page.content.decode()
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    assert "Scanner" in client.get(reverse("accounts:own-app-passwords")).content.decode()
    row = AppPassword.objects.get()
    assert row.secret_hash.split(":")[1] not in shown and row.expires_at is not None
    assert (
        client.post(reverse("accounts:app-password-create"), {"name": "Scanner", "protocols": ["smtp"]}).status_code
        == 422
    )
    assert client.post(reverse("accounts:app-password-delete", args=[row.pk])).status_code == 303
    assert not AppPassword.objects.exists()


def test_a_blocked_network_gets_nothing_at_any_door(user: User, administrator: User) -> None:
    admin = Actor.for_user(administrator, address="127.0.0.1")
    blocks.block_network(admin, "198.51.100.9/24", reason="guessing")
    bad = Client(REMOTE_ADDR="198.51.100.77")
    assert bad.get("/sign-in/").status_code == 403
    assert bad.get("/api/v1/me", HTTP_AUTHORIZATION="Bearer x").status_code == 403
    assert Client(REMOTE_ADDR="::ffff:198.51.100.77").get("/sign-in/").status_code == 403
    value = made(user, "smtp", "api")
    for door in (sign_in_mail_program, sign_in_caller):
        with pytest.raises(NetworkBlocked):
            door(nobody("198.51.100.77"), email=user.email, password=value)
    assert Client(REMOTE_ADDR="198.51.101.1").get("/sign-in/").status_code == 200
    assert blocks.unblock_network(admin, "198.51.100.0/24")
    assert bad.get("/sign-in/").status_code == 200
    blocks.block_network(admin, "198.51.100.77", expires_at=timezone.now() + timedelta(seconds=0.2))
    assert bad.get("/sign-in/").status_code == 403
    time.sleep(0.25)
    assert bad.get("/sign-in/").status_code == 200
    blocks.purge()
    assert not SignInBlock.objects.exists()


def test_nobody_locks_themselves_the_machine_or_a_safe_network_out(administrator: User) -> None:
    admin = Actor.for_user(administrator, address="192.0.2.7")
    set_option(SYSTEM, SERVER, "SAFE_NETWORKS", ["203.0.113.0/24", "no network"])
    for network in ("192.0.2.0/24", "127.0.0.1", "::1", "203.0.113.5", "203.0.0.0/16", "0.0.0.0/0", "::/0", "x", ""):
        with pytest.raises(BadGrant):
            blocks.block_network(admin, network)
    with pytest.raises(Forbidden):
        blocks.block_network(admin.acting_as(administrator, "x"), "198.51.100.1")
    blocks.block_network(admin, "198.51.100.0/24")
    set_option(SYSTEM, SERVER, "SAFE_NETWORKS", ["198.51.100.7"])
    blocking._tables.clear()
    assert blocking.blocked_until("198.51.100.7") is None and blocking.blocked_until("198.51.100.8") == 0


def test_attempts_in_vain_are_counted_by_the_hour_and_shown_to_who_may(cast: Cast) -> None:
    for email in (cast.user.email, cast.user.email, "nobody@example.org", "my secret password"):
        Client(REMOTE_ADDR="198.51.100.1").post("/sign-in/", {"email": email, "password": "wrong"})
    rows = {row.tried: row for row in FailedSignIn.objects.all()}
    assert rows[cast.user.email].times == 2 and rows[cast.user.email].user == cast.user
    assert rows["nobody@example.org"].user is None and "" in rows and len(rows) == 3
    assert set(list_failed_sign_ins(Actor.for_user(cast.domain_administrator))) == {rows[cast.user.email]}
    assert list_failed_sign_ins(Actor.for_user(cast.administrator)).count() == 3
    with pytest.raises(Forbidden):
        list_failed_sign_ins(Actor.for_user(cast.user))
    FailedSignIn.objects.update(hour=timezone.now() - timedelta(days=31))
    blocks.purge()
    assert not FailedSignIn.objects.exists()


def test_an_hours_rows_are_bounded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROWS_AN_HOUR", 5)
    for number in range(20):
        blocks.note_failure("198.51.100.1", f"person{number}@example.org", "smtp", None)
    assert FailedSignIn.objects.count() == 6
    assert sum(FailedSignIn.objects.values_list("times", flat=True)) == 20


def test_too_many_wrong_guesses_block_their_network_for_a_while(user: User) -> None:
    set_option(SYSTEM, SERVER, "SIGN_IN_BLOCK_AFTER", 3)
    for number in range(3):
        with pytest.raises(WrongPassword):
            sign_in_mail_program(nobody("198.51.100.1"), email=f"x{number}@example.org", password="wrong")
    with pytest.raises(NetworkBlocked):
        sign_in_mail_program(nobody("198.51.100.1"), email=user.email, password=PASSWORD)
    assert SignInBlock.objects.get().created_by == "system"
    set_option(SYSTEM, SERVER, "SAFE_NETWORKS", ["198.51.100.2"])
    for number in range(4):
        with pytest.raises(WrongPassword):
            sign_in_mail_program(nobody("198.51.100.2"), email=f"y{number}@example.org", password="wrong")
    assert SignInBlock.objects.count() == 1


def test_waits_are_seen_and_lifted(cast: Cast, client_for: ClientFor) -> None:
    for _each in range(6):
        Client(REMOTE_ADDR="198.51.100.1").post("/sign-in/", {"email": cast.user.email, "password": "wrong"})
    waits = list_waits(Actor.for_user(cast.administrator))
    assert [(each.kind, each.who) for each in waits] == [("at", cast.user.email)]
    client = client_for(cast.administrator)
    assert cast.user.email in client.get(reverse("accounts:sign-in-blocks")).content.decode()
    assert client.post(reverse("accounts:sign-in-wait-lift", args=[waits[0].row.pk])).status_code == 303
    assert not SignInThrottle.objects.filter(key__startswith="at:").exists()
    assert client.post(reverse("accounts:sign-in-blocks"), {"network": "127.0.0.0/8"}).status_code == 422
    assert client.post(reverse("accounts:sign-in-blocks"), {"network": "198.51.100.1", "hours": "1"}).status_code == 303
    assert client.post(reverse("accounts:sign-in-unblock"), {"network": "198.51.100.1/32"}).status_code == 303
    assert not SignInBlock.objects.exists()


def test_who_was_refused_a_place_has_not_guessed(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise TooManyAttempts(2)

    monkeypatch.setattr("accounts.signing_in.by_password", full)
    for _each in range(30):
        with pytest.raises(TooManyAttempts):
            sign_in_mail_program(nobody("198.51.100.1"), email=user.email, password=PASSWORD)
    assert set(SignInThrottle.objects.values_list("failures", flat=True)) == {0}


def test_app_passwords_are_of_letters_nobody_mistakes() -> None:
    values = {app_passwords.new_app_password() for _each in range(50)}
    assert len(values) == 50 and not set("".join(values)) - set(app_passwords.LETTERS) - {"-"}
