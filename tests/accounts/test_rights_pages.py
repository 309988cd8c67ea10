"""The pages of administrators, roles, tokens and the audit trail: what a person does there works, and shows no more."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import ApiToken, AuditEvent, Grant, Role, User
from accounts.permissions import Right
from accounts.services.grants import Bundle, add_grant
from accounts.services.sealing import seal_all
from domains.models import Domain
from jobs.models import Task
from tests.domains.factories import make_delegate
from tests.stage import Cast

ClientFor = Callable[[User | None], Client]
SYSTEM = Actor.system()
VIEWS = Bundle(rights=frozenset({Right.VIEW_USERS}))


def text_of(client: Client, route: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(route, args=args), query)
    assert answer.status_code == 200, answer.status_code
    return b"".join(answer) if answer.streaming else answer.content.decode()  # type: ignore[return-value]


def test_a_domain_administrator_is_made_by_clicking(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.administrator)
    chosen = client.get(reverse("accounts:administrator-create"), {"level": "domain", "name": "EXAMPLE.org"})
    add = reverse("accounts:grant-add", args=["domain", cast.domain.pk])
    assert chosen.status_code == 303 and chosen["Location"] == add
    assert "Domain administrator" in client.get(add).content.decode()
    made = client.post(add, {"email": "New@partner.example", "role": "built-in:domain_administrator"})
    assert made.status_code == 200 and "/link/" in made.content.decode()  # no mail server: shown once
    person = User.objects.get(email="new@partner.example")
    actor = Actor.for_user(person)
    assert actor.has(Right.MANAGE_USERS, cast.domain) and not actor.has(Right.MANAGE_USERS, cast.sibling)
    again = client.post(add, {"email": "new@partner.example", "role": "built-in:help_desk"})
    assert again.status_code == 422 and "has rights there already" in again.content.decode()
    nothing = client.post(add, {"email": "other@partner.example", "role": ""})
    assert nothing.status_code == 422 and not User.objects.filter(email="other@partner.example").exists()


def test_rights_are_changed_and_taken_on_the_page(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.customer_administrator)
    User.objects.filter(pk=cast.help_desk.pk).update(home_domain_id=cast.domain.pk, home_customer_id=cast.customer.pk)
    grant = Grant.objects.get(user=cast.help_desk)
    edit = reverse("accounts:grant-edit", args=[grant.pk])
    assert "checked" in client.get(edit).content.decode()
    until = {"role": "", "rights": ["view_users"], "expires_at": "2099-01-31"}
    assert client.post(edit, until).status_code == 303
    grant.refresh_from_db()
    assert (grant.role_key, grant.rights) == ("", ["view_users"]) and grant.expires_at is not None
    assert client.post(edit, until | {"expires_at": "2001-01-31"}).status_code == 422
    assert client.post(reverse("accounts:grant-remove", args=[grant.pk])).status_code == 303
    assert not User.objects.filter(pk=cast.help_desk.pk).exists()


def test_delegates_see_of_an_administrator_only_their_part(cast: Cast, client_for: ClientFor) -> None:
    add_grant(SYSTEM, cast.auditor, cast.elsewhere, VIEWS)
    client = client_for(cast.domain_administrator)
    for page in (
        text_of(client, "accounts:administrator-list"),
        text_of(client, "accounts:administrator-list", format="csv"),
        text_of(client, "accounts:administrator-detail", cast.auditor.pk),
        text_of(client, "accounts:administrator-explain", cast.auditor.pk),
        text_of(client, "accounts:scope-rights", "domain", cast.domain.pk),
    ):
        assert "example.net" not in str(page) and "Theirs" not in str(page)
    assert "example.net" in text_of(client_for(cast.administrator), "accounts:administrator-detail", cast.auditor.pk)


def test_the_list_asks_the_same_number_of_questions_at_every_size(cast: Cast, client_for: ClientFor) -> None:
    counts = []
    for _round in range(2):
        for _n in range(8):
            make_delegate(cast.domain)
        for user in (cast.administrator, cast.customer_administrator):
            client = client_for(user)
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("accounts:administrator-list"))
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_an_account_is_edited_and_the_second_editor_is_told(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.administrator)
    page = reverse("accounts:administrator-edit", args=[cast.auditor.pk])
    version = cast.auditor.version
    fields = {"email": cast.auditor.email, "name": "Audrey", "is_active": "on", "version": version}
    assert client.post(page, fields).status_code == 303
    late = client.post(page, fields | {"name": "Other"})
    assert late.status_code == 422 and "meanwhile" in late.content.decode()
    taken = client.post(page, {**fields, "version": version + 1, "email": cast.help_desk.email})
    assert taken.status_code == 422
    assert User.objects.get(pk=cast.auditor.pk).name == "Audrey"


def test_system_administrators_are_made_and_the_last_one_stays(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.administrator)
    page = reverse("accounts:administrator-system", args=[cast.user.pk])
    client.post(page, {"is_administrator": "yes"})
    assert User.objects.get(pk=cast.user.pk).is_administrator
    client.post(page, {"is_administrator": "no"})
    assert not User.objects.get(pk=cast.user.pk).is_administrator
    own = reverse("accounts:administrator-delete", args=[cast.administrator.pk])
    assert client.post(own).status_code == 403


def test_a_role_is_made_seen_changed_and_deleted(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.domain_administrator)
    chosen = client.get(reverse("accounts:role-new"), {"level": "domain", "name": "example.org"})
    create = reverse("accounts:role-create", args=["domain", cast.domain.pk])
    assert chosen["Location"] == create
    refused = client.get(reverse("accounts:role-new"), {"level": "domain", "name": "example.net"})
    assert refused.status_code == 422
    assert "Open other people" not in client.get(create).content.decode()  # not theirs to give
    assert client.post(create, {"name": "Desk", "rights": ["view_users"]}).status_code == 303
    role = Role.objects.get()
    fields = {"name": "Desk", "rights": ["view_users", "set_passwords"], "version": role.version}
    assert client.post(reverse("accounts:role-edit", args=[role.pk]), fields).status_code == 303
    page = text_of(client, "accounts:role-detail", role.pk)
    assert "Set and reset passwords" in page and "Nobody yet" in page
    assert "Desk" in text_of(client, "accounts:role-list")
    assert "Desk" not in text_of(client_for(cast.elsewhere_administrator), "accounts:role-list")
    assert client.post(reverse("accounts:role-delete", args=[role.pk])).status_code == 303
    assert not Role.objects.exists()


def test_a_token_is_shown_once_and_revoked(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.user)
    made = client.post(reverse("accounts:token-create"), {"name": "Phone", "days": "30", "read_only": "on"})
    value = made.content.decode().split("pk_")[1].split('"')[0].split("<")[0]
    assert made["Cache-Control"].startswith("max-age=0") and len(value) > 30
    token = ApiToken.objects.get()
    assert token.read_only and token.expires_at is not None
    assert "Phone" in text_of(client, "accounts:own-tokens") and value not in text_of(client, "accounts:own-tokens")
    again = client.post(reverse("accounts:token-create"), {"name": "Phone", "days": "30"})
    assert again.status_code == 422
    manager = client_for(cast.domain_administrator)
    assert "Phone" in text_of(manager, "accounts:user-tokens", cast.user.pk)
    revoke = reverse("accounts:user-token-revoke", args=[cast.user.pk, token.pk])
    assert manager.post(revoke).status_code == 303 and not ApiToken.objects.exists()


def test_the_trail_is_filtered_and_scoped(cast: Cast, client_for: ClientFor) -> None:
    add_grant(SYSTEM, cast.user, cast.elsewhere, VIEWS)
    add_grant(Actor.for_user(cast.customer_administrator, address="192.0.2.7"), cast.user, cast.domain, VIEWS)
    ours, all_of_it = client_for(cast.auditor), client_for(cast.administrator)
    assert text_of(ours, "accounts:event-list", action="grant.add").count("Rights given</a>") == 1
    assert text_of(all_of_it, "accounts:event-list", action="grant.add").count("Rights given</a>") == 2
    by = {"q": "by:customer@delegates.example"}
    assert text_of(all_of_it, "accounts:event-list", **by).count("Rights given</a>") == 1
    assert "192.0.2.7" in text_of(ours, "accounts:event-list", q="address:192.0.2.7", columns="address")
    label = AuditEvent.objects.filter(action="grant.add").latest("pk").object_label
    for words, found in ((label[:4].upper(), True), (f"object:{label[:4]}*", True), (label[1:], False)):
        assert ("Rights given</a>" in text_of(all_of_it, "accounts:event-list", q=words, action="grant.add")) == found
    history = text_of(ours, "accounts:scope-history", "domain", cast.domain.pk)
    assert "Rights given" in history
    assert "Rights given" in text_of(client_for(cast.user), "accounts:own-history")


def test_the_trail_is_taken_out_as_csv_and_json_and_that_is_an_event(cast: Cast, client_for: ClientFor) -> None:
    add_grant(SYSTEM, cast.stranger, cast.elsewhere, VIEWS)
    client = client_for(cast.auditor)
    answer = client.get(reverse("accounts:event-list"), {"format": "json"})
    events = json.loads(b"".join(answer))
    assert events and all(each["domain_id"] == cast.domain.pk for each in events)
    table = b"".join(client.get(reverse("accounts:event-list"), {"format": "csv"}))
    assert table.decode("utf-8-sig").startswith("what,") and b"example.net" not in table
    assert client.get(reverse("accounts:event-list"), {"format": "json", "q": "no_field:x"}).status_code == 400
    assert AuditEvent.objects.filter(action="audit.export", actor=cast.auditor).count() == 2


def test_an_event_shows_its_place_in_the_chain(cast: Cast, client_for: ClientFor) -> None:
    event = AuditEvent.objects.filter(domain_id=cast.domain.pk).latest("pk")
    client = client_for(cast.auditor)
    assert "waits for its seal" in text_of(client, "accounts:event-detail", event.pk)
    seal_all()
    assert "waits for its seal" not in text_of(client, "accounts:event-detail", event.pk)
    theirs = AuditEvent.objects.filter(domain_id=cast.elsewhere.pk).latest("pk")
    assert client.get(reverse("accounts:event-detail", args=[theirs.pk])).status_code == 404


def test_verifying_is_a_task(cast: Cast, client_for: ClientFor) -> None:
    answer = client_for(cast.administrator).post(reverse("jobs:verify-audit"))
    task = Task.objects.get(type="VerifyAuditTrail")
    assert answer["Location"] == reverse("jobs:task-detail", args=[task.pk])


@pytest.mark.parametrize("suspended", [False, True])
def test_what_i_may_do_names_everything(cast: Cast, client_for: ClientFor, suspended: bool) -> None:
    if suspended:
        Domain.objects.filter(pk=cast.domain.pk).update(end_user_rights=["sign_in"])
    page = text_of(client_for(cast.user), "accounts:own-rights")
    assert ('visually-hidden">not' in page) == suspended
    assert "Domain administrator" in text_of(client_for(cast.domain_administrator), "accounts:own-rights")
