"""A session that stands open gives no passwords away, nor ways in, rights or secrets: a fresh proof is asked first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import ProofNeeded
from accounts.models import OneTimeLink, Role, User
from accounts.permissions import Right
from accounts.scopes import SERVER
from accounts.services import invite, issue_reset_link, set_password
from accounts.services.brought_passwords import bring_password
from accounts.services.many_links import issue_links
from accounts.services.privileges import set_authentication, set_login_privileges, set_privileges
from accounts.services.roles import create_role, delete_role
from accounts.services.sign_in_links import issue_sign_in_link
from archive.models import Store
from archive.services.store_changes import detach_store
from config.kit.bulk import BulkOrder, get_action, rows_of
from domains.bulk.mailboxes import SetOnePassword
from domains.models import Mailbox
from domains.tables.mailboxes import USERS
from jobs.configuration.services import export_configuration, import_configuration
from jobs.trust import add_authority
from tests import factories
from tests.stage import Cast

NEW = "quite another few words"


def delete_new_role(actor: Actor) -> None:
    role = Role.objects.first() or create_role(Actor.system(), SERVER, name="Looks", rights=[Right.VIEW_USERS])
    delete_role(actor, role)


def set_one_password(actor: Actor) -> None:
    action = get_action(USERS.name, SetOnePassword.name, actor)
    action.preview(actor, rows_of(actor, BulkOrder(USERS.name, SetOnePassword.name, (), "")), {})


WAYS: dict[str, Callable[[Actor, User], object]] = {
    "a password": lambda actor, user: set_password(actor, user, password=NEW),
    "a password as it was elsewhere": lambda actor, user: bring_password(actor, user, password=NEW),
    "a link to choose one": issue_reset_link,
    "an invitation of somebody who was here before": invite,
    "links for many": lambda actor, user: list(issue_links(actor, [user])),
    "one password for many": lambda actor, user: set_one_password(actor),
    "a link that signs in": issue_sign_in_link,
    "doors": lambda actor, user: set_login_privileges(actor, user, ["web"]),
    "where the password is checked": lambda actor, user: set_authentication(actor, user, "local"),
    "privileges": lambda actor, user: set_privileges(actor, user, ["none"]),
    "a role": lambda actor, user: delete_new_role(actor),
    "an authority": lambda actor, user: add_authority(actor, name="Ours", pem="nothing"),
    "the configuration": lambda actor, user: export_configuration(actor, passphrase="of this test"),
    "another configuration": lambda actor, user: import_configuration(actor, {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_stands_open_gives_nothing_away(cast: Cast, way: str) -> None:
    User.objects.filter(pk=cast.user.pk).update(created_at=timezone.now() - timedelta(hours=1))
    person = User.objects.get(pk=cast.user.pk)
    left_open = Actor.for_user(cast.administrator, via="page")
    with pytest.raises(ProofNeeded):
        WAYS[way](left_open, person)
    assert not OneTimeLink.objects.exists()
    if way != "an authority":  # which is none
        WAYS[way](replace(left_open, proved_at=timezone.now()), person)


def test_whoever_makes_an_account_invites_its_person_at_once(cast: Cast) -> None:
    person = factories.make_user("new@example.org", password=None)
    assert "/link/" in invite(Actor.for_user(cast.administrator, via="page"), person)


def test_a_store_is_let_go_with_a_proof(cast: Cast) -> None:
    with pytest.raises(ProofNeeded):
        detach_store(Actor.for_user(cast.administrator, via="page"), Store(name="second"))


def test_pages_of_passwords_lead_through_the_proof(cast: Cast, client: Client) -> None:
    client.force_login(cast.administrator)
    session = client.session
    session["proved_at"] = timezone.now().timestamp() - 700
    session.save()
    User.objects.filter(pk=cast.user.pk).update(created_at=timezone.now() - timedelta(hours=1))
    mailbox = Mailbox.objects.get(user=cast.user).pk
    for page in (
        reverse("domains:user-password", args=[mailbox]),
        reverse("jobs:configuration"),
        reverse("accounts:user-privileges", args=[cast.user.pk]),
    ):
        answer = client.get(page)
        assert answer.status_code == 303 and answer["Location"].startswith(reverse("accounts:prove")), page
    for page in (
        reverse("domains:user-link", args=[mailbox]),
        reverse("accounts:user-sign-in-link", args=[cast.user.pk]),
    ):
        answer = client.post(page)
        assert answer.status_code == 303 and answer["Location"].startswith(reverse("accounts:prove")), page
