"""Whoever configures a source of identity can't come in as people whom they could not have let in anyway.

The rule stands in docs/decisions/0047: who may set passwords there; a factor of one's own is asked for all the same;
nobody is bound before they showed it; what changes a source takes a fresh proof; whom it concerns is told.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import responsible
from accounts.actors import Actor
from accounts.errors import Forbidden, ProofNeeded
from accounts.models import AuditEvent, AuthenticatorApp, Grant, Identity, Source, User
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, remove_group_role
from accounts.services.source_sign_in import by_password
from accounts.services.sources import choose_source, create_source, delete_source, release_identity, update_source
from accounts.sources.errors import BadSource
from accounts.sources.reaching import context_for
from config.kit import trust
from domains.models import Domain
from jobs.factor_mails import NOTICE
from jobs.models import Task
from jobs.services import run_waiting
from tests import factories
from tests.accounts.sources.test_providers import begin, come_back, vouch
from tests.certificates import make_authority
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.factories import PASSWORD
from tests.sources import IdentityProvider, MakeSource

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
ELSEWHERE: dict[str, Any] = {"issuer": "https://mine.example", "client_id": "c"}


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


@pytest.fixture
def ada(domain: Domain) -> User:
    user = make_mailbox_in(domain, "ada", password=PASSWORD).user
    assert user is not None
    return user


def give_app(user: User) -> pyotp.TOTP:
    """An authenticator app in force."""
    seed = pyotp.random_base32(32)
    AuthenticatorApp.objects.create(user=user, seed=seed, confirmed_at=timezone.now())
    User.objects.filter(pk=user.pk).update(second_factor_at=timezone.now())
    return pyotp.TOTP(seed)


def coming(client: Client, source: Source, provider: IdentityProvider, subject: str) -> Any:
    return come_back(client, provider.sign_in(begin(client, source), subject))


def test_sources_are_for_who_may_set_passwords_there(domain: Domain, make_source: MakeSource) -> None:
    actor = Actor.for_user(make_delegate(domain, rights=["manage_sources", "view_domains"]))
    token = Actor.for_user(make_delegate(domain)).restricted(None).restricted(["manage_sources"])  # type: ignore[list-item]
    for who in (actor, token):
        with pytest.raises(Forbidden):
            create_source(who, domain, kind="oidc", name="Mine", settings=ELSEWHERE)
        with pytest.raises(Forbidden):
            choose_source(who, domain, None)


def test_a_source_of_somebody_who_could_set_no_passwords_counts_for_nothing(
    domain: Domain, ada: User, make_source: MakeSource, client: Client
) -> None:
    source = make_source("oidc", ELSEWHERE, domain)
    Source.objects.update(authority=["manage_sources"])  # as it could be made before
    source.refresh_from_db()
    assert responsible.source_for(ada.email) is None
    assert client.get(f"/sign-in/with/{source.pk}/").status_code == 404
    found = by_password(ada.email, PASSWORD)  # as if it weren't there
    assert found is not None and found.user == ada


def test_what_changes_a_source_takes_a_fresh_proof(domain: Domain, ada: User, make_source: MakeSource) -> None:
    boss = factories.make_administrator()
    left_open = replace(Actor.for_user(boss, via="page"), proved_at=None)
    source = make_source("oidc", ELSEWHERE)
    row = add_group_role(SYSTEM, source, group="g", bundle=Bundle("help_desk"), obj=domain)
    attempts = (
        lambda: create_source(left_open, domain, kind="oidc", name="Mine", settings=ELSEWHERE),
        lambda: update_source(left_open, source, {"name": "Other"}),
        lambda: delete_source(left_open, source),
        lambda: choose_source(left_open, domain, source),
        lambda: add_group_role(left_open, source, group="h", bundle=Bundle("help_desk"), obj=domain),
        lambda: remove_group_role(left_open, row),
        lambda: release_identity(left_open, source, ada),
    )
    for attempt in attempts:
        with pytest.raises(ProofNeeded):
            attempt()
    update_source(replace(left_open, proved_at=timezone.now()), source, {"name": "Other"})


def test_only_the_server_s_administrators_have_a_provider_stand_in_for_factors(
    domain: Domain, make_source: MakeSource
) -> None:
    delegate, boss = Actor.for_user(make_delegate(domain)), Actor.for_user(factories.make_administrator())
    for actor, place in ((delegate, domain), (boss, domain)):
        with pytest.raises(BadSource) as caught:
            create_source(actor, place, kind="oidc", name="Mine", settings=ELSEWHERE, asks_second_factor=True)
        assert caught.value.field == "asks_second_factor"


def test_a_provider_of_a_domain_says_in_vain_that_it_asked_for_a_factor(
    domain: Domain, ada: User, provider: IdentityProvider, make_source: MakeSource, client: Client
) -> None:
    source = make_source("oidc", provider.settings(second_factor_values="pwd mfa"), domain, secret="shared")
    Source.objects.update(asks_second_factor=True)  # as it could be set before
    give_app(ada)
    vouch(provider, "s", ada.email, amr=["mfa"], acr="mfa")
    answer = coming(client, source, provider, "s")
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/second-step/")
    assert client.get("/account/").status_code == 302


def test_nobody_is_bound_and_nothing_given_before_the_person_s_own_factor(
    domain: Domain, ada: User, provider: IdentityProvider, make_source: MakeSource, client: Client
) -> None:
    source = make_source("oidc", provider.settings(), domain, secret="shared")
    add_group_role(SYSTEM, source, group="g", bundle=Bundle("help_desk"), obj=domain)
    app = give_app(ada)
    vouch(provider, "stranger", ada.email, groups=["g"])
    assert coming(client, source, provider, "stranger").status_code == 303
    assert not Identity.objects.exists() and not Grant.objects.exists()
    vouch(provider, "ada", ada.email, groups=["g"])  # the stranger took nothing from her
    browser = Client()
    assert coming(browser, source, provider, "ada")["Location"] == "/sign-in/second-step/"
    assert browser.post("/sign-in/second-step/", {"code": app.now()})["Location"] == "/"
    assert Identity.objects.get().subject.endswith(" ada") and Grant.objects.get(user=ada).source == source
    assert browser.get("/account/").status_code == 200


def test_a_source_that_is_not_chosen_any_more_lets_nobody_in_at_the_second_step(
    domain: Domain, ada: User, provider: IdentityProvider, make_source: MakeSource, client: Client
) -> None:
    source = make_source("oidc", provider.settings(), domain, secret="shared")
    app = give_app(ada)
    vouch(provider, "ada", ada.email)
    assert coming(client, source, provider, "ada")["Location"] == "/sign-in/second-step/"
    choose_source(SYSTEM, domain, None)
    assert client.post("/sign-in/second-step/", {"code": app.now(), "trust": "1"})["Location"] == "/sign-in/"
    assert client.get("/account/").status_code == 302 and not Identity.objects.exists()


def test_whom_a_source_says_it_is_for_the_first_time_is_told_and_by_whom_it_was_set_up(
    domain: Domain, ada: User, provider: IdentityProvider, make_source: MakeSource, client: Client, settings: Any
) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    delegate = make_delegate(domain, email="delegate@partner.example")
    source = make_source(
        "oidc", provider.settings(), domain, secret="shared", actor=Actor.for_user(delegate), name="Branch"
    )
    User.objects.filter(pk=ada.pk).update(password=make_password(PASSWORD))
    vouch(provider, "ada", ada.email)
    for _each in range(2):  # told once
        assert coming(Client(), source, provider, "ada")["Location"] == "/"
    event = AuditEvent.objects.get(action="source.bind")
    assert event.about_user_id == ada.pk
    assert event.details == {"source": "Branch", "configured_by": "delegate@partner.example"}
    chosen = AuditEvent.objects.get(action="source.choose")
    assert chosen.changes["source"][1] == "Branch (delegate@partner.example)"
    for task in Task.objects.filter(type=NOTICE):
        run_waiting(task.pk)
    (told,) = mail.outbox
    assert told.to == [ada.email] and "Branch (delegate@partner.example)" in told.body


def test_people_are_made_by_a_source_only_of_who_may_make_people(domain: Domain, make_source: MakeSource) -> None:
    actor = Actor.for_user(make_delegate(domain, rights=["manage_sources", "set_passwords"]))
    with pytest.raises(BadSource) as caught:
        create_source(actor, domain, kind="oidc", name="Mine", settings=ELSEWHERE, creates_people=True)
    assert caught.value.field == "creates_people"


def test_authorities_that_the_server_trusts_count_for_its_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page where they are added promises; a source with certificates of its own trusts those alone."""
    added, own = make_authority("Added"), make_authority("Own")
    monkeypatch.setattr(trust, "added", lambda: added.pem)

    def trusted(ca_pem: str) -> set[bytes]:
        return set(context_for(ca_pem).get_ca_certs(binary_form=True))

    as_der = {each: ssl.PEM_cert_to_DER_cert(each.pem) for each in (added, own)}
    assert as_der[added] in trusted("")
    assert trusted(own.pem) == {as_der[own]}


@pytest.mark.parametrize(("kind", "asks"), [("ldap", True), ("oidc", False)])
def test_who_has_a_password_only_at_a_source_proves_who_they_are_with_it(
    kind: str, asks: bool, make_source: MakeSource, client: Client
) -> None:
    person = make_mailbox_in(make_domain("far.example")).user
    assert person is not None
    person.set_unusable_password()
    person.save()
    settings = {"ldap": {"host": "ldap.example.org", "base_dn": "dc=example"},
                "oidc": {"issuer": "https://provider.example", "client_id": "c"}}  # fmt: skip
    make_source(kind, settings[kind])
    client.force_login(person)
    assert client.get("/account/prove/").context["can_prove"] == asks
