"""Sessions: what they say, who sees and ends them, and what ends them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.actors import Actor
from accounts.devices import device_words
from accounts.lists_sessions import SESSIONS
from accounts.models import AuditEvent, Session, User
from accounts.permissions import EndUserRight
from accounts.scopes import SERVER
from accounts.secrets import token_hash
from accounts.selectors.sessions import list_own_sessions, list_sessions
from accounts.services.grants import Bundle, add_grant, change_grant, remove_grant, set_system_administrator
from accounts.services.options import set_option
from accounts.services.privileges import set_login_privileges
from accounts.services.sessions import end_many, end_sessions
from config.kit import bulk
from config.kit.bulk import BulkOrder
from domains.models import Domain
from domains.services.domain_settings import update_domain
from domains.services.domain_states import delete_domain, disable_domain
from tests import factories
from tests.factories import PASSWORD
from tests.stage import Cast

ClientFor = Callable[[User | None], Client]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 (KHTML) Version/18.0 Mobile Safari/604"
SYSTEM = Actor.system()


def signed_in(user: User, *, agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    assert client.post("/sign-in/", {"email": user.email, "password": PASSWORD}).status_code == 303
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("accounts:account")).status_code == 200


def row_of(client: Client) -> Session:
    return Session.objects.get(key_hash=token_hash(client.cookies["postkeep"].value))


def test_a_session_says_who_from_where_with_what_and_keeps_no_key(user: User) -> None:
    client = signed_in(user)
    row = row_of(client)
    assert (row.user, row.address, row.how) == (user, "192.0.2.7", "password")
    assert device_words(row.agent) == "Firefox on Linux"
    key = client.cookies["postkeep"].value
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(s::text, '') FROM accounts_session s")
        assert key not in cursor.fetchone()[0]
    assert "iPhone" in device_words(SAFARI) and "Safari" in device_words(SAFARI)
    assert device_words("") == "Unknown device"


def test_reading_writes_nothing_but_the_last_use_once_a_minute(user: User) -> None:
    client = signed_in(user)
    is_in(client)
    with CaptureQueriesContext(connection) as queries:
        is_in(client)
    assert not [each for each in queries if each["sql"].split()[0] in ("UPDATE", "INSERT", "DELETE")]
    Session.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get(reverse("accounts:account"), REMOTE_ADDR="198.51.100.9")
    row = row_of(client)
    assert row.last_used_at > timezone.now() - timedelta(minutes=1)
    assert (row.address, row.last_address) == ("192.0.2.7", "198.51.100.9")


def test_people_see_and_end_their_own(user: User, stranger: User) -> None:
    here, there, foreign = signed_in(user), signed_in(user, agent=SAFARI), signed_in(stranger)
    page = here.get(reverse("accounts:own-sessions")).content.decode()
    assert "Firefox on Linux" in page and "Safari on iPhone" in page and "This one" in page
    assert here.post(reverse("accounts:session-end", args=[row_of(foreign).pk])).status_code == 404
    assert here.post(reverse("accounts:session-end", args=[row_of(there).pk])).status_code == 303
    assert not is_in(there) and is_in(here) and is_in(foreign)
    again = signed_in(user)
    here.post(reverse("accounts:own-sessions-end"))
    assert not is_in(again) and is_in(here)
    assert AuditEvent.objects.filter(action="session.end_all", object_label=user.email).exists()
    here.post(reverse("accounts:session-end", args=[row_of(here).pk]))
    assert not is_in(here)


def test_administrators_see_and_end_those_in_their_scope(cast: Cast, client_for: ClientFor) -> None:
    theirs, foreign, above = signed_in(cast.user), signed_in(cast.stranger), signed_in(cast.administrator)
    desk = Actor.for_user(cast.domain_administrator)
    seen = {each.user for each in list_sessions(desk)}
    assert cast.user in seen and cast.stranger not in seen and cast.administrator not in seen
    client = client_for(cast.domain_administrator)
    page = client.get(reverse("accounts:session-list")).content.decode()
    assert cast.user.email in page and cast.stranger.email not in page
    assert client.post(reverse("accounts:session-end", args=[row_of(foreign).pk])).status_code == 404
    assert client.post(reverse("accounts:session-end", args=[row_of(above).pk])).status_code == 404
    assert client.post(reverse("accounts:user-sessions-end", args=[cast.user.pk])).status_code == 303
    assert not is_in(theirs) and is_in(foreign) and is_in(above)
    assert client_for(cast.user).get(reverse("accounts:session-list")).status_code == 403
    assert not list_own_sessions(desk.acting_as(cast.user, "help")).exists()


def test_many_end_at_once_but_never_the_one_that_asks(cast: Cast) -> None:
    theirs = [signed_in(cast.user), signed_in(cast.user, agent=SAFARI), signed_in(cast.stranger)]
    client = signed_in(cast.administrator)
    order = BulkOrder(SESSIONS.name, "end", filter="")
    asks = replace(Actor.for_user(cast.administrator), session_id=row_of(client).pk)
    outcome = bulk.run_order(asks, order)
    assert (outcome.done, sum(outcome.refused.values())) == (3, 1)
    assert is_in(client) and not any(is_in(each) for each in theirs)
    theirs = [signed_in(cast.user), signed_in(cast.stranger)]
    assert end_many(asks, list_sessions(asks)) == 2
    assert is_in(client) and not any(is_in(each) for each in theirs)
    page = client.get(reverse("accounts:session-bulk") + f"?do=end&chosen={row_of(client).pk}")
    assert page.status_code == 200


def _password(cast: Cast) -> None:
    services.set_password(SYSTEM, cast.user, password="another good password 9")


def _reset(cast: Cast) -> None:
    from accounts import links

    token = services.issue_reset_link(SYSTEM, cast.user).rstrip("/").rsplit("/", 1)[1]
    services.accept_link(links.find(token), password="another good password 9")


def _lock(cast: Cast) -> None:
    services.disable_user(SYSTEM, cast.user)


def _doors(cast: Cast) -> None:
    set_login_privileges(SYSTEM, cast.user, ["none"])


def _domain(cast: Cast) -> None:
    disable_domain(SYSTEM, Domain.objects.get(pk=cast.domain.pk))


def _domain_gone(cast: Cast) -> None:
    delete_domain(SYSTEM, Domain.objects.get(pk=cast.domain.pk))


def _domain_s_leave(cast: Cast) -> None:
    domain = Domain.objects.get(pk=cast.domain.pk)
    update_domain(SYSTEM, domain, {"end_user_rights": [EndUserRight.SEARCH_ARCHIVE]})


def _at_once(cast: Cast) -> None:
    end_sessions(SYSTEM, cast.user)


ENDS = [_password, _reset, _lock, _doors, _domain, _domain_gone, _domain_s_leave, _at_once]


@pytest.mark.parametrize("end", ENDS, ids=lambda each: each.__name__.strip("_"))
def test_what_ends_a_session_ends_it_with_the_next_request_and_takes_the_row(
    cast: Cast, end: Callable[[Cast], None]
) -> None:
    client = signed_in(cast.user)
    assert is_in(client)
    end(cast)
    assert not Session.objects.filter(user=cast.user).exists()
    assert not is_in(client)


def test_who_loses_a_right_signs_in_again_and_who_gains_one_stays(cast: Cast) -> None:
    desk = factories.make_user("desk@example.org")
    grant = add_grant(SYSTEM, desk, cast.domain, Bundle.of_rights(["view_users", "view_domains"]))
    client = signed_in(desk)
    change_grant(SYSTEM, grant, Bundle.of_rights(["view_users", "view_domains", "manage_users"]))
    assert is_in(client)
    change_grant(SYSTEM, grant, Bundle.of_rights(["view_users"]))
    assert not is_in(client)
    client = signed_in(desk)
    remove_grant(SYSTEM, grant)
    assert not is_in(client)
    second = factories.make_administrator("second@example.org")
    client = signed_in(second)
    set_system_administrator(Actor.for_user(cast.administrator), second, False)
    assert not is_in(client)


def test_a_stolen_cookie_is_worth_nothing_after_the_password_changed(user: User) -> None:
    client = signed_in(user)
    thief = Client()
    thief.cookies["postkeep"] = client.cookies["postkeep"].value
    assert is_in(thief)
    elsewhere = signed_in(user)
    answer = client.post(reverse("accounts:change-password"), {"old": PASSWORD, "password": "another good password 9"})
    assert answer.status_code == 303
    assert is_in(client) and not is_in(thief) and not is_in(elsewhere)
    assert Session.objects.filter(user=user).count() == 1
    row = row_of(client)
    assert (row.how, row.address) == ("password", "192.0.2.7")  # the new key's session says what the old one did


def test_a_request_that_runs_meanwhile_cant_bring_an_ended_session_back(user: User) -> None:
    client = signed_in(user)
    session = client.session
    session["noted"] = 1
    Session.objects.all().delete()
    from django.contrib.sessions.backends.base import UpdateError

    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.exists() and not is_in(client)


def test_a_limit_ends_the_session_used_longest_ago(user: User) -> None:
    set_option(SYSTEM, user, "SESSIONS_MAX", 2)
    first, second = signed_in(user), signed_in(user)
    Session.objects.filter(pk=row_of(first).pk).update(last_used_at=timezone.now() - timedelta(hours=1))
    third = signed_in(user)
    assert not is_in(first) and is_in(second) and is_in(third)


def test_an_idle_session_ends_and_a_page_that_asks_by_itself_is_no_use(user: User) -> None:
    client = signed_in(user)
    set_option(SYSTEM, SERVER, "SESSION_IDLE_MINUTES", 30)
    Session.objects.update(last_used_at=timezone.now() - timedelta(minutes=20))
    assert client.get(reverse("accounts:account"), HTTP_X_UNATTENDED="1").status_code == 200
    assert row_of(client).last_used_at < timezone.now() - timedelta(minutes=19)
    Session.objects.update(last_used_at=timezone.now() - timedelta(minutes=31))
    assert not is_in(client)
    assert not Session.objects.filter(user=user).exists()


def test_a_session_ends_when_its_time_is_over_however_much_it_is_used(user: User) -> None:
    set_option(SYSTEM, user, "SESSION_HOURS", 1)
    client = signed_in(user)
    ends = row_of(client).expires_at
    session = client.session
    session["noted"] = 1
    session.save()
    assert row_of(client).expires_at == ends <= timezone.now() + timedelta(hours=1)
    Session.objects.update(expires_at=timezone.now())
    assert not is_in(client)
    services.forget_expired()
    assert not Session.objects.exists()
