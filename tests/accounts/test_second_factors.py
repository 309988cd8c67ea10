"""Second factors at the sign-in page and behind it: codes, recovery codes, trusted devices, and what must not work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import enforcement, second_step, services
from accounts.actors import Actor
from accounts.errors import FactorDemanded, Forbidden, ProofNeeded, WrongCode, WrongPassword
from accounts.models import (
    AuditEvent,
    AuthenticatorApp,
    FailedSignIn,
    Passkey,
    RecoveryCode,
    SignInThrottle,
    TrustedDevice,
    User,
)
from accounts.scopes import SERVER
from accounts.services import authenticators, passkeys, recovery_codes, second_factors
from accounts.services.grants import Bundle, add_grant
from accounts.services.options import set_option
from accounts.services.roles import create_role
from accounts.services.sign_in_links import issue_sign_in_link
from accounts.signing_in import sign_in_mail_program, sign_in_program
from jobs.models import Task
from tests import factories
from tests.factories import PASSWORD
from tests.stage import Cast

SIGN_IN, SECOND = "/sign-in/", "/sign-in/second-step/"
SYSTEM = Actor.system()


def with_app(user: User) -> list[str]:
    """The person sets up an authenticator app; their recovery codes."""
    actor = Actor.for_user(user)
    authenticators.begin_app(actor)
    codes = authenticators.confirm_app(actor, code=code_of(user, confirmed=False))
    user.refresh_from_db()
    return codes


def code_of(user: User, *, steps: int = 0, confirmed: bool = True) -> str:
    """What the person's app shows, so many steps later."""
    app = AuthenticatorApp.objects.exclude(confirmed_at=None) if confirmed else AuthenticatorApp.objects
    seed = app.filter(user=user).latest("pk").seed.reveal()
    return pyotp.TOTP(seed).at(timezone.now() + timedelta(seconds=30 * steps))


def forget_use(user: User) -> None:
    """As if the last code was long ago."""
    AuthenticatorApp.objects.filter(user=user).update(last_step=0)


@pytest.fixture
def guarded(user: User) -> User:
    """Somebody with an app that wasn't used lately."""
    with_app(user)
    forget_use(user)
    return user


def first_step(user: User, client: Client | None = None) -> Client:
    browser = client or Client()
    response = browser.post(SIGN_IN, {"email": user.email, "password": PASSWORD, "next": "/account/"})
    assert (response.status_code, response["Location"]) == (303, SECOND)
    return browser


def is_in(client: Client) -> bool:
    return client.get(reverse("accounts:account")).status_code == 200


def give(client: Client, code: str, method: str = "totp", **more: str) -> int:
    return client.post(SECOND, {"method": method, "code": code, **more}).status_code


def test_the_password_alone_opens_no_page_and_the_code_leads_on(guarded: User) -> None:
    client = Client()
    client.get(SIGN_IN)
    planted = client.session
    planted["seen"] = True
    planted.save()
    client.cookies["postkeep"] = str(planted.session_key)
    first_step(guarded, client)
    half = client.cookies["postkeep"].value
    assert half != planted.session_key
    assert "_auth_user_id" not in client.session
    for page in ("/", "/account/", "/account/factors/", "/account/prove/", "/users/"):
        assert client.get(page).status_code == 302, page
    assert not AuditEvent.objects.filter(action="user.sign_in").exists()
    response = client.post(SECOND, {"method": "totp", "code": code_of(guarded)})
    assert (response.status_code, response["Location"]) == (303, "/account/")
    assert client.cookies["postkeep"].value != half and is_in(client)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.details) == ("user.sign_in", {"how": "password", "second": "totp"})
    assert Client().get(SECOND).status_code == 303


def test_a_code_counts_once_within_a_step_of_now_and_for_its_own_person(guarded: User, stranger: User) -> None:
    with_app(stranger)
    forget_use(stranger)
    for wrong in (code_of(stranger), code_of(guarded, steps=-3), code_of(guarded, steps=3), "", "12345", "١٢٣٤٥٦"):
        assert give(first_step(guarded, Client(REMOTE_ADDR="198.51.100.7")), wrong) == 422
        SignInThrottle.objects.all().delete()
    late = code_of(guarded, steps=-1)
    assert give(first_step(guarded), late) == 303
    assert give(first_step(guarded), late) == 422
    now = code_of(guarded)
    assert give(first_step(guarded), f"{now[:3]} {now[3:]}") == 303
    assert give(first_step(guarded), now) == 422


def test_guesses_end_the_half_sign_in_and_are_slowed_down_whatever_the_password(guarded: User, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    client = first_step(guarded)
    codes = [give(client, "000000") for _ in range(5)]
    assert codes[:4] == [422] * 4 and codes[4] == 303
    assert client.get(SECOND).status_code == 303  # back to the start
    again = first_step(guarded)  # the password clears no counter of the second step
    assert give(again, code_of(guarded)) == 429
    assert AuditEvent.objects.filter(action="user.second_step_failed").count() == 5
    told = Task.objects.get(type="SendSecondFactorNotice")
    assert told.arguments == {"user": guarded.pk, "what": "guessed", "by": ""}


def test_a_recovery_code_works_once_also_of_two_at_once(transactional_db: None) -> None:
    user = factories.make_user()
    codes = with_app(user)
    assert len(set(codes)) == 10 and recovery_codes.count_left(user) == 10
    got: list[bool] = []
    gate = threading.Barrier(6)

    def use() -> None:
        gate.wait()
        got.append(recovery_codes.use_recovery_code(user, codes[0].upper().replace("-", " ")))
        connection.close()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(got) == [False] * 5 + [True]
    other = factories.make_user()
    with_app(other)
    assert not recovery_codes.use_recovery_code(other, codes[1])
    forget_use(user)
    now, taken = code_of(user), []

    def code() -> None:
        gate.wait()
        taken.append(authenticators.use_code(user, now))
        connection.close()

    threads = [threading.Thread(target=code) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(taken) == [False] * 5 + [True]


def test_a_recovery_code_signs_in_and_new_ones_end_the_old(user: User) -> None:
    codes = with_app(user)
    client = first_step(user)
    assert give(client, codes[0], "recovery") == 303 and is_in(client)
    page = client.post(reverse("accounts:recovery-codes"))
    assert page.status_code == 200
    assert RecoveryCode.objects.filter(user=user, used_at=None).count() == 10
    assert give(first_step(user), codes[1], "recovery") == 422
    assert codes[1].replace("-", "") not in "".join(RecoveryCode.objects.values_list("code_hash", flat=True))
    seed = AuthenticatorApp.objects.get(user=user).seed.reveal()
    with connection.cursor() as cursor:
        cursor.execute("SELECT seed FROM accounts_authenticatorapp")
        assert seed not in str(cursor.fetchall())


def test_a_trusted_device_skips_the_second_step_until_something_changes(guarded: User) -> None:
    client = first_step(guarded)
    assert give(client, code_of(guarded), trust="yes") == 303
    cookie = client.cookies["postkeep-trusted"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"

    def trusted() -> bool:
        browser = Client()
        browser.cookies["postkeep-trusted"] = cookie.value
        went = browser.post(SIGN_IN, {"email": guarded.email, "password": PASSWORD})["Location"]
        return bool(went != SECOND)

    assert trusted()
    device = TrustedDevice.objects.get(user=guarded)
    for field, value in (("stamp", "other"), ("expires_at", timezone.now()), ("token_hash", "x")):
        TrustedDevice.objects.filter(pk=device.pk).update(**{field: value})
        assert not trusted(), field
        device.save()
    set_option(SYSTEM, SERVER, "TRUSTED_DEVICE_DAYS", 0)
    assert not trusted()
    set_option(SYSTEM, SERVER, "TRUSTED_DEVICE_DAYS", 30)
    assert trusted()
    User.objects.filter(pk=guarded.pk).update(password="other")  # whoever changed it, and however
    guarded.refresh_from_db()
    guarded.set_password(PASSWORD)
    guarded.save()
    assert not trusted()
    assert client.get(reverse("accounts:own-factors")).status_code == 302  # and the session is over


def test_no_other_door_goes_round_it(guarded: User, administrator: User, client_for: Callable[..., Client]) -> None:
    nobody = Actor(user=None, kind="user", label="anonymous", address="192.0.2.1")
    for door in (
        lambda: sign_in_program(nobody, email=guarded.email, password=PASSWORD, hours=1),
        lambda: sign_in_mail_program(nobody, email=guarded.email, password=PASSWORD),
    ):
        with pytest.raises(WrongPassword):
            door()
    with pytest.raises(Forbidden):
        issue_sign_in_link(Actor.for_user(administrator), guarded)
    client = Client()
    link = services.issue_reset_link(SYSTEM, guarded)
    went = client.post(link, {"password": "another good password"})
    assert went["Location"] == SECOND and not is_in(client)
    assert give(client, code_of(guarded)) == 303 and is_in(client)


def test_a_temporary_sign_in_ends_when_a_factor_is_set_up(user: User) -> None:
    client = Client()
    assert client.post(issue_sign_in_link(Actor.for_user(user), user).url).status_code == 303
    assert is_in(client)
    with_app(user)
    assert not is_in(client)


def test_what_is_dangerous_asks_again_after_ten_minutes(guarded: User, client_for: Callable[..., Client]) -> None:
    client = first_step(guarded)
    give(client, code_of(guarded))
    page = reverse("accounts:token-create")
    assert client.post(page, {"name": "sync"}).status_code == 200
    session = client.session
    session["proved_at"] = timezone.now().timestamp() - 700
    session.save()
    answer = client.post(page, {"name": "other"}, headers={"referer": f"http://testserver{page}"})
    assert answer.status_code == 303 and answer["Location"] == "/account/prove/?next=%2Faccount%2Ftokens%2Fnew%2F"
    assert not guarded.tokens.filter(name="other").exists()
    prove = reverse("accounts:prove")
    assert client.get(answer["Location"]).status_code == 200
    assert client.post(prove, {"method": "password", "code": PASSWORD, "next": page}).status_code == 422
    assert client.post(prove, {"method": "totp", "code": "000000", "next": page}).status_code == 422
    forget_use(guarded)
    done = client.post(prove, {"method": "totp", "code": code_of(guarded), "next": "https://evil.example/"})
    assert (done.status_code, done["Location"]) == (303, "/")
    assert client.post(page, {"name": "other"}).status_code == 200


def test_without_a_factor_the_password_is_the_proof(user: User) -> None:
    actor = Actor.for_user(user, via="page")
    with pytest.raises(ProofNeeded):
        authenticators.begin_app(actor)
    client = Client()
    client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    assert client.post(reverse("accounts:app-begin")).status_code == 303
    set_up = client.get(reverse("accounts:app-set-up"))
    assert b"data:image/svg+xml" in set_up.content
    assert client.post(reverse("accounts:app-set-up"), {"code": "000000"}).status_code == 422
    shown = client.post(reverse("accounts:app-set-up"), {"code": code_of(user, confirmed=False)})
    assert shown.status_code == 200 and shown.content.count(b'<li class="mono">') == 10
    assert client.get(reverse("accounts:own-factors")).status_code == 200


# --- enforcement ------------------------------------------------------------------------------------------------------


def test_in_the_days_of_grace_a_banner_says_until_when_then_only_the_set_up_is_open(
    user: User, client_for: Callable[..., Client]
) -> None:
    set_option(SYSTEM, SERVER, enforcement.WHO, enforcement.EVERYBODY)
    client = client_for(user)
    page = client.get(reverse("accounts:account"))
    assert page.status_code == 200 and b"Set up a second factor" in page.content
    user.refresh_from_db()
    assert user.second_factor_asked_at is not None
    late = user.second_factor_asked_at - timedelta(days=15)
    User.objects.filter(pk=user.pk).update(second_factor_asked_at=late)
    for url in ("/", "/account/", "/account/tokens/", "/tasks/"):
        answer = client.get(url)
        assert (answer.status_code, answer["Location"]) == (303, "/account/factors/"), url
    assert client.get("/account/factors/").status_code == 200
    assert client.post("/account/factors/app/begin/").status_code == 303
    client.post("/account/factors/app/", {"code": code_of(user, confirmed=False)})
    assert client.get("/account/").status_code == 200
    forget_use(user)
    with pytest.raises(FactorDemanded):
        authenticators.remove_app(Actor.for_user(user))
    assert client.post(reverse("accounts:app-remove")).status_code == 303
    assert AuthenticatorApp.objects.filter(user=user).exists()


def test_an_overdue_person_signs_no_program_in_and_gets_no_link(user: User) -> None:
    nobody = Actor(user=None, kind="user", label="anonymous", address="192.0.2.1")
    set_option(SYSTEM, SERVER, enforcement.WHO, enforcement.EVERYBODY)
    assert sign_in_program(nobody, email=user.email, password=PASSWORD, hours=1)
    set_option(SYSTEM, SERVER, enforcement.DAYS, 0)
    with pytest.raises(WrongPassword):
        sign_in_program(nobody, email=user.email, password=PASSWORD, hours=1)
    with pytest.raises(Forbidden):
        issue_sign_in_link(Actor.for_user(user), user)


def test_it_is_demanded_by_place_and_by_role_and_nobody_below_loosens_it(cast: Cast) -> None:
    def demanded() -> set[str]:
        people = (cast.user, cast.stranger, cast.domain_administrator, cast.help_desk, cast.administrator)
        return {each.email.partition("@")[0] for each in people if enforcement.is_demanded(each)}

    assert demanded() == set()
    set_option(SYSTEM, cast.domain, enforcement.WHO, enforcement.EVERYBODY)
    assert demanded() == {"user", "domain", "help"}  # its people, and who administers it
    set_option(SYSTEM, cast.customer, enforcement.WHO, enforcement.ADMINISTRATORS)
    set_option(SYSTEM, cast.domain, enforcement.WHO, enforcement.NOBODY, even_looser=True)
    assert demanded() == {"domain", "help"}  # the customer's word holds for its domains
    set_option(SYSTEM, cast.customer, enforcement.WHO, enforcement.NOBODY)
    set_option(SYSTEM, SERVER, enforcement.ROLES, ["help_desk", "system_administrator"])
    assert demanded() == {"help", "administrator"}
    set_option(SYSTEM, SERVER, enforcement.ROLES, [])
    role = create_role(SYSTEM, cast.domain, name="Desk", rights=["view_users"], needs_second_factor=True)
    add_grant(SYSTEM, cast.stranger, cast.domain, Bundle(role=role))
    assert demanded() == {"stranger"}


# --- by administrators ------------------------------------------------------------------------------------------------


def test_an_administrator_initialises_renews_and_switches_off_never_for_themselves(cast: Cast) -> None:
    actor, user = Actor.for_user(cast.domain_administrator), cast.user
    services.set_password(SYSTEM, user, password=PASSWORD)
    with_app(user)
    TrustedDevice.objects.create(user=user, token_hash="x", stamp="y", expires_at=timezone.now())
    assert second_factors.initialise(actor, user) is True
    user.refresh_from_db()
    assert (user.second_factor_at, user.second_factor_wanted) == (None, True)
    assert not TrustedDevice.objects.exists() and not RecoveryCode.objects.exists()
    client = Client()
    assert client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})["Location"] == "/"
    assert client.get("/")["Location"] == "/account/factors/"
    client.post("/account/factors/app/begin/")
    client.post("/account/factors/app/", {"code": code_of(user, confirmed=False)})
    assert client.get("/account/").status_code == 200
    user.refresh_from_db()
    assert second_factors.remove_second_factors(actor, user) is True
    for other in (cast.user, cast.stranger, cast.sibling_administrator, cast.auditor):
        with pytest.raises(Forbidden):
            second_factors.initialise(Actor.for_user(other), user)
    with_app(cast.domain_administrator)
    with pytest.raises(Forbidden):
        second_factors.initialise(actor, cast.domain_administrator)
    with pytest.raises(Forbidden):
        second_factors.initialise(Actor.for_user(cast.help_desk), cast.domain_administrator)
    assert {"user.initialise_second_factor", "user.remove_second_factors"} <= set(
        AuditEvent.objects.filter(about_user_id=user.pk).values_list("action", flat=True)
    )


def test_a_wrong_proof_is_wrong_whichever_method_it_names(guarded: User) -> None:
    actor = Actor.for_user(guarded)
    for method, value in (("password", PASSWORD), ("totp", ""), ("passkey", "{}"), ("recovery", "x"), ("none", "1")):
        with pytest.raises(WrongCode):
            second_step.prove(actor, method=method, value=value, challenge=b"c")
        SignInThrottle.objects.all().delete()


def test_a_wrong_proof_is_told_to_who_watches(guarded: User, stranger: User) -> None:
    """Whoever sits down at a screen left open guesses here, and nowhere else."""
    wrong = {stranger.pk: ("password", "wrong one"), guarded.pk: ("totp", "000000")}
    for user in (stranger, guarded):
        method, value = wrong[user.pk]
        with pytest.raises((WrongCode, WrongPassword)):
            second_step.prove(Actor.for_user(user, address="192.0.2.9"), method=method, value=value)
        assert FailedSignIn.objects.get(user=user).address == "192.0.2.9"
        event = AuditEvent.objects.get(action="user.second_step_failed", about_user_id=user.pk)
        assert event.details == {"method": method}


def test_of_two_factors_removed_at_once_one_stays_where_one_is_demanded(transactional_db: None) -> None:
    user = factories.make_user()
    with_app(user)
    key = Passkey.objects.create(user=user, name="Key", credential_id=b"k", public_key=b"p", handle=b"h", rp_id="x")
    set_option(SYSTEM, SERVER, enforcement.WHO, enforcement.EVERYBODY)
    gate, refused = threading.Barrier(2), []

    def remove(what: Callable[[], None]) -> None:
        gate.wait()
        try:
            what()
        except FactorDemanded:
            refused.append(what)
        connection.close()

    actor = Actor.for_user(user)
    for_both = (lambda: authenticators.remove_app(actor), lambda: passkeys.remove_passkey(actor, key))
    threads = [threading.Thread(target=remove, args=[what]) for what in for_both]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(refused) == 1
    user.refresh_from_db()
    assert user.second_factor_at is not None
