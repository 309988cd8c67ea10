"""What a provider's token says beside who somebody is: how they signed in there, and groups that it doesn't say."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import enforcement
from accounts.actors import Actor
from accounts.models import AuditEvent, Grant, Identity, Session, Source, User
from accounts.scopes import SERVER
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role
from accounts.services.options import set_option
from accounts.services.sources import create_source, update_source
from accounts.sources import oidc
from accounts.sources.errors import BadSource
from tests.accounts.sources.test_providers import begin, come_back, vouch
from tests.sources import IdentityProvider

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
SET_UP = "/account/factors/"


def sign_in(provider: IdentityProvider, source: Source, ada: User, **claims: Any) -> Client:
    client = Client()
    vouch(provider, "ada", ada.email, True, **claims)
    assert come_back(client, provider.sign_in(begin(client, source), "ada")).status_code == 303
    return client


def demand_at_once() -> None:
    set_option(SYSTEM, SERVER, enforcement.WHO, enforcement.EVERYBODY)
    set_option(SYSTEM, SERVER, enforcement.DAYS, 0)


def is_led_away(client: Client) -> bool:
    """To the pages on which a factor is set up."""
    answer = client.get("/account/")
    return answer.status_code == 303 and answer["Location"] == SET_UP


def test_by_itself_no_provider_meets_a_demand(ada: User, source: Source, provider: IdentityProvider) -> None:
    demand_at_once()
    update_source(SYSTEM, source, {"asks_second_factor": True})
    assert is_led_away(sign_in(provider, source, ada, amr=["pwd", "mfa"]))


def test_a_demand_is_met_by_what_the_token_says_while_an_administrator_wants_it(
    ada: User, source: Source, provider: IdentityProvider
) -> None:
    demand_at_once()
    update_source(SYSTEM, source, {"meets_demands": True, "settings": {"second_factor_values": "mfa urn:two"}})
    client = sign_in(provider, source, ada, amr=["pwd", "mfa"])
    assert not is_led_away(client)
    session = Session.objects.get(user=ada)
    assert (session.said, session.source, session.second) == ("pwd mfa", source, "provider")
    assert "Single sign-on and at the identity provider (pwd mfa)" in client.get("/account/sessions/").content.decode()
    assert "you showed one at your identity provider" in client.get(SET_UP).content.decode()
    ada.refresh_from_db()
    assert ada.second_factor_asked_at is None  # no days run while it is met
    assert not is_led_away(sign_in(provider, source, ada, acr="urn:two"))
    update_source(SYSTEM, source, {"settings": {"second_factor_values": "hwk"}})
    assert is_led_away(client)  # what counts is asked anew with every page
    update_source(SYSTEM, source, {"settings": {"second_factor_values": "mfa"}})
    assert not is_led_away(client)
    update_source(SYSTEM, source, {"meets_demands": False})
    assert is_led_away(client)


@pytest.mark.parametrize(
    "claims", [{}, {"amr": ["pwd"]}, {"amr": "pwd"}, {"acr": "0"}, {"amr": ["pwd mfa", {"mfa": 1}]}]
)
def test_a_token_that_says_no_sign_of_it_meets_nothing(
    ada: User, source: Source, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    demand_at_once()
    update_source(SYSTEM, source, {"meets_demands": True})
    assert is_led_away(sign_in(provider, source, ada, **claims))
    assert Session.objects.get(user=ada).second == ""


def test_who_was_told_to_set_up_one_of_their_own_does(ada: User, source: Source, provider: IdentityProvider) -> None:
    update_source(SYSTEM, source, {"meets_demands": True})
    User.objects.filter(pk=ada.pk).update(second_factor_wanted=True)
    assert is_led_away(sign_in(provider, source, ada, amr=["mfa"]))


def test_whom_their_provider_asked_for_less_shows_it_there_and_goes_on(
    ada: User, source: Source, provider: IdentityProvider
) -> None:
    demand_at_once()
    update_source(SYSTEM, source, {"meets_demands": True})
    client = sign_in(provider, source, ada, amr=["pwd"])
    assert is_led_away(client)
    vouch(provider, "ada", ada.email, True, amr=["pwd", "otp"], auth_time=int(time.time()))
    url = provider.sign_in(client.get("/account/prove/with-provider/")["Location"], "ada")
    assert come_back(client, url).status_code == 303
    assert not is_led_away(client) and Session.objects.get(user=ada).said == "pwd otp"


def test_a_factor_of_ones_own_is_still_asked_for(ada: User, source: Source, provider: IdentityProvider) -> None:
    update_source(SYSTEM, source, {"meets_demands": True})
    User.objects.filter(pk=ada.pk).update(second_factor_at=timezone.now())
    client = Client()
    vouch(provider, "ada", ada.email, True, amr=["mfa"])
    assert come_back(client, provider.sign_in(begin(client, source), "ada"))["Location"] == "/sign-in/second-step/"


def test_only_a_provider_of_the_servers_own_may_meet_demands(
    administrator: User, provider: IdentityProvider, ada: User
) -> None:
    with pytest.raises(BadSource):
        create_source(
            Actor.for_user(administrator), ada.mailbox.domain, kind="oidc", name="Mine",
            settings=provider.settings(), meets_demands=True,
        )  # fmt: skip
    with pytest.raises(BadSource):
        create_source(SYSTEM, SERVER, kind="imap", name="Mail", settings={"host": "x.example"}, meets_demands=True)


# --- groups ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def role(ada: User, source: Source, administrator: User) -> None:
    domain = ada.mailbox.domain
    add_group_role(Actor.for_user(administrator), source, group="helpers", bundle=Bundle("help_desk"), obj=domain)


def has_role(user: User) -> bool:
    return Grant.objects.filter(user=user).exists()


def test_of_many_groups_the_one_that_counts_is_found_wherever_it_stands(
    ada: User, source: Source, provider: IdentityProvider, role: None
) -> None:
    sign_in(provider, source, ada, groups=[f"g-{n}" for n in range(1_500)] + ["helpers"])
    assert has_role(ada)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"groups": ["g"] * 101}, "too many"),
        ({"_claim_names": {"groups": "src1"}}, "elsewhere"),
        ({"hasgroups": True}, "elsewhere"),
    ],
    ids=["too many", "distributed claims", "Entra's overage"],
)
def test_groups_that_are_not_said_change_nothing_and_that_is_said(
    ada: User,
    source: Source,
    provider: IdentityProvider,
    role: None,
    administrator: User,
    claims: dict[str, Any],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc, "MOST_GROUPS", 100)
    sign_in(provider, source, ada, groups=["helpers"])
    for _again in range(2):
        client = sign_in(provider, source, ada, **claims)
        assert "say all of your groups" in client.get("/account/").content.decode()
        assert has_role(ada)
    event = AuditEvent.objects.get(action="source.groups_lack")  # once, not with every sign-in
    assert (event.about_user_id, event.details["why"]) == (ada.pk, why)
    boss = Client()
    boss.force_login(administrator)
    page = boss.get(f"/server/sources/{source.pk}/groups/").content.decode()
    assert "The groups of 1 person aren" in page and ada.email in page
    sign_in(provider, source, ada, groups=[])
    assert not has_role(ada) and Identity.objects.get().groups_lack == ""
    assert ada.email not in boss.get(f"/server/sources/{source.pk}/groups/").content.decode()
