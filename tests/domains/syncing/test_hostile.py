"""Directories that are odd, wrong or hostile: nobody gets somebody else's mailbox, and who is to be out is out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.errors import AccountsError
from accounts.models import AuditEvent, Grant, Session, Source, User
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role
from accounts.services.source_sign_in import by_password
from accounts.services.sources import choose_source, update_source
from accounts.services.tokens import create_token
from accounts.sources import ldap_talk
from accounts.sources.errors import SourceMisconfigured, SourceUnavailable
from accounts.tokens import actor_for_token
from domains.models import DirectoryRun, Domain, Mailbox, Status
from domains.services.aliases import add_alias
from domains.services.domain_settings import set_domain_limits
from domains.services.mailbox_states import set_status
from domains.services.readdressing import rename_mailbox
from domains.services.syncing.running import LOCK, DirectoryShrank, SyncRunning, sync_directory
from jobs.factor_mails import NOTICE
from jobs.models import Task
from tests import factories
from tests.domains.factories import make_domain, make_mailbox_in
from tests.domains.syncing.test_sync import MAPPING, SYSTEM, aliases, box, run
from tests.factories import PASSWORD
from tests.slapd import GROUPS, PEOPLE, ROOT_PASSWORD, Slapd, needs_slapd
from tests.sources import MakeSource

pytestmark = [needs_slapd, pytest.mark.django_db]
DISABLED, ENABLED = "514", "512"


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("example.org")


@pytest.fixture
def source(slapd: Slapd, make_source: MakeSource, domain: Domain) -> Source:
    for number in range(3):  # so that one who leaves is no landslide
        slapd.add_person(f"Other {number}", f"o{number}@example.org")
    return make_source("ldap", slapd.settings(**MAPPING), secret=ROOT_PASSWORD)


def reasons() -> dict[str, str]:
    last = DirectoryRun.objects.first()
    assert last is not None
    return dict(last.changes.filter(kind="conflict").values_list("address", "detail"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mail": "not an address"},
        {"mail": "ada@elsewhere.example"},
        {"mail": "o1@example.org"},  # somebody else's
        {"proxyAddresses": ["smtp:o1@example.org"]},
        {"mailQuota": "99999999999999999999"},
    ],
    ids=["no address", "elsewhere", "taken", "alias taken", "quota"],
)
def test_whatever_else_is_wrong_with_an_entry_the_disabled_are_out_and_roles_gone(
    slapd: Slapd, source: Source, domain: Domain, administrator: User, wrong: dict[str, Any]
) -> None:
    dn = slapd.add_person("Ada", "ada@example.org", userAccountControl=ENABLED)
    group = slapd.add_group("masters", dn, f"cn=Other 0,{PEOPLE}")
    add_group_role(
        Actor.for_user(administrator), source, group=group, bundle=Bundle("domain_administrator"), obj=domain
    )
    run(source)
    ada = box("ada").user
    assert ada is not None and Grant.objects.filter(user=ada).exists()
    slapd.remove(group)
    slapd.change(dn, userAccountControl=DISABLED, **wrong)
    counts = run(source)
    ada.refresh_from_db()
    assert not ada.is_active and not Grant.objects.filter(user=ada).exists()
    assert (counts["disable"], counts["conflict"]) == (1, 1) and box("ada").status == Status.DISABLED
    assert run(source)["conflict"] == 1  # said again, as long as it stands
    slapd.change(dn, userAccountControl=ENABLED, mail="ada@example.org", proxyAddresses=None, mailQuota=None)
    assert run(source) == {"same": 3, "enable": 1}


def test_a_person_who_was_shut_out_by_hand_is_not_let_in_by_coming_back(slapd: Slapd, source: Source) -> None:
    dn = slapd.add_person("Ada", "ada@example.org")
    run(source)
    set_status(SYSTEM, box("ada"), Status.DISABLED)
    away = slapd.move(dn, GROUPS)
    assert run(source) == {"same": 3}
    slapd.move(away, PEOPLE)
    assert run(source) == {"same": 3} and box("ada").status == Status.DISABLED
    set_status(SYSTEM, box("ada"), Status.ENABLED)
    slapd.move(dn, GROUPS)
    assert run(source) == {"same": 3, "disable": 1}
    slapd.move(away, PEOPLE)
    assert run(source) == {"same": 3, "enable": 1} and box("ada").status == Status.ENABLED


def test_a_leaver_s_tokens_and_sessions_end_and_a_dry_run_ends_none(slapd: Slapd, source: Source) -> None:
    dn = slapd.add_person("Ada", "ada@example.org")
    run(source)
    ada = box("ada").user
    assert ada is not None
    factories.make_session(ada)
    _row, token = create_token(Actor.for_user(ada), ada, name="script")
    slapd.remove(dn)
    assert run(source, dry_run=True) == {"same": 3, "disable": 1}
    assert Session.objects.filter(user=ada).exists() and actor_for_token(token, address="") is not None
    assert run(source) == {"same": 3, "disable": 1}
    assert not Session.objects.filter(user=ada).exists() and actor_for_token(token, address="") is None


def test_the_second_address_becomes_the_first_as_exchange_renames_people(slapd: Slapd, source: Source) -> None:
    dn = slapd.add_person("Ada", "ada@example.org", proxyAddresses=["SMTP:ada@example.org", "smtp:king@example.org"])
    run(source)
    ada = box("ada")
    slapd.change(dn, mail="king@example.org", proxyAddresses=["smtp:ada@example.org", "SMTP:king@example.org"])
    assert run(source) == {"same": 3, "move": 1, "change": 1}
    ada.refresh_from_db()
    assert ada.address == "king@example.org" and aliases(ada) == ["ada@example.org"]
    assert run(source) == {"same": 4}


def test_several_addresses_in_any_order_move_nobody(slapd: Slapd, source: Source) -> None:
    dn = slapd.add_person("Ada", ["b@example.org", "a@example.org"])  # type: ignore[arg-type]
    update_source(SYSTEM, source, {"settings": {"aliases_attribute": "mail"}})
    run(source)
    slapd.change(dn, mail=None)
    slapd.change(dn, mail=["a@example.org", "b@example.org"], sn="Renamed")
    assert run(source) == {"same": 3, "change": 1}
    assert aliases(box("b")) == ["a@example.org"]
    update_source(SYSTEM, source, {"settings": {"address_attribute": "proxyAddresses"}})
    slapd.change(dn, proxyAddresses=["smtp:b@example.org", "SMTP:main@example.org", "X500:/o=x"])
    slapd.add_person("New", "n@example.org", proxyAddresses=["smtp:n2@example.org", "SMTP:n1@example.org"])
    run(source)
    assert box("n1").user is not None and box("b").user is not None


def test_aliases_that_can_t_be_are_said_and_those_of_other_domains_are_made_at_once(
    slapd: Slapd, source: Source, domain: Domain
) -> None:
    make_domain("second.example")
    make_mailbox_in(domain, "owner")
    add_alias(SYSTEM, box("owner"), email="taken@example.org")
    proxies = ["smtp:taken@example.org", "smtp:ada@second.example", "smtp:free@example.org"]
    dn = slapd.add_person("Ada", "ada@example.org", proxyAddresses=proxies)
    dry = run(source, dry_run=True)
    assert dry == run(source) == {"create": 4, "change": 1, "conflict": 1}
    assert "taken@example.org is taken" in reasons()["ada@example.org"]
    assert aliases(box("ada")) == ["ada@second.example", "free@example.org"]
    slapd.change(dn, sn="Lovelace", proxyAddresses=proxies[1:2])
    assert run(source) == {"same": 3, "change": 2} and aliases(box("ada")) == ["ada@second.example"]


def test_one_quota_without_room_keeps_nobody_else_out(slapd: Slapd, source: Source, domain: Domain) -> None:
    set_domain_limits(SYSTEM, domain, {"max_quota_bytes": 100 << 20})
    slapd.add_person("Huge", "huge@example.org", mailQuota="99999999999999999999")
    slapd.add_person("Small", "small@example.org", mailQuota="5")
    counts = run(source)
    assert (counts["create"], counts["conflict"]) == (4, 1) and "huge@example.org" in reasons()


def test_a_source_says_nothing_any_more_of_people_of_another_s_domain(
    slapd: Slapd, source: Source, domain: Domain, make_source: MakeSource
) -> None:
    dn = slapd.add_person("Ada", "ada@example.org")
    gone = slapd.add_person("Bea", "bea@example.org")
    run(source)
    other = make_domain("other.example", domain.customer)
    choose_source(SYSTEM, other, None)
    rename_mailbox(SYSTEM, box("ada"), email="ada@other.example")
    rename_mailbox(SYSTEM, box("bea"), email="bea@other.example")
    slapd.change(dn, userAccountControl=DISABLED, mail="new@example.org")
    slapd.remove(gone)
    assert run(source) == {"same": 3, "conflict": 1}
    assert "Another source" in str(reasons())
    assert all(box(name, "other.example").status == Status.ENABLED for name in ("ada", "bea"))
    update_source(SYSTEM, source, {"is_enabled": False})
    with pytest.raises(Exception, match="in use"):
        run(source)


def test_an_identity_that_two_entries_have_moves_nobody_s_mailbox(slapd: Slapd, source: Source) -> None:
    update_source(SYSTEM, source, {"settings": {"id_attribute": "employeeNumber", "sync_filter": "(employeeNumber=*)"}})
    slapd.add_person("Zoe", "zoe@example.org", employeeNumber="7")
    run(source)
    zoe = box("zoe")
    slapd.add_person("Ada", "ada@example.org", employeeNumber="7")
    slapd.change(f"cn=Zoe,{PEOPLE}", sn="Changed")
    assert run(source) == {"conflict": 2}
    zoe.refresh_from_db()
    assert zoe.address == "zoe@example.org" and not Mailbox.objects.filter(address="ada@example.org").exists()
    slapd.change(f"cn=Zoe,{PEOPLE}", employeeNumber=None, mail="zoe@example.org")
    update_source(SYSTEM, source, {"settings": {"sync_filter": "(mail=zoe*)"}})
    assert run(source) == {"conflict": 1}  # whose identity can't be read is no leaver
    zoe.refresh_from_db()
    assert zoe.status == Status.ENABLED


def test_a_directory_that_calls_many_disabled_stops_and_asks(slapd: Slapd, source: Source) -> None:
    people = [slapd.add_person(f"Person {n}", f"p{n}@example.org") for n in range(4)]
    run(source)
    for dn in people:
        slapd.change(dn, userAccountControl=DISABLED)
    with pytest.raises(DirectoryShrank, match="confirm 4"):
        run(source)
    assert Mailbox.objects.filter(status=Status.DISABLED).count() == 0
    asked = DirectoryRun.objects.latest("pk")
    assert [each.address for each in asked.changes.filter(kind="disable")] == [f"p{n}@example.org" for n in range(4)]
    assert asked.counts["disable"] == 0
    assert AuditEvent.objects.filter(action="source.sync").latest("pk").details["problem"]
    update_source(SYSTEM, source, {"settings": {"disables_leavers": False}})
    with pytest.raises(DirectoryShrank):
        run(source)
    assert run(source, confirm_leavers=4)["disable"] == 4


def test_groups_that_suddenly_have_nobody_stop_it_and_take_nothing(
    slapd: Slapd, source: Source, domain: Domain
) -> None:
    """As they look to an account that may read people and not groups any more."""
    people = [slapd.add_person(f"Person {n}", f"p{n}@example.org") for n in range(3)]
    group = slapd.add_group("helpers", *people)
    add_group_role(SYSTEM, source, group=group, bundle=Bundle("help_desk"), obj=domain)
    run(source)
    slapd.remove(group)
    with pytest.raises(DirectoryShrank, match=r"confirm 3\. 3 would lose the roles"):
        run(source)
    assert Grant.objects.count() == 3
    run(source, confirm_leavers=3)
    assert not Grant.objects.exists()


def test_a_group_of_more_members_than_are_read_is_refused_and_not_cut(
    slapd: Slapd, source: Source, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [slapd.add_person(f"Person {n}", f"p{n}@example.org") for n in range(3)]
    add_group_role(SYSTEM, source, group=slapd.add_group("all", *people), bundle=Bundle("help_desk"), obj=domain)
    monkeypatch.setattr("accounts.sources.group_members.MOST_MEMBERS", 2)
    with pytest.raises(SourceMisconfigured, match="more members"):
        run(source)
    monkeypatch.setattr("accounts.sources.group_members.MOST_MEMBERS", 3)
    run(source)
    assert Grant.objects.count() == 3


def test_a_fifth_of_many_stops_it_too(slapd: Slapd, source: Source) -> None:
    people = [slapd.add_person(f"Person {n}", f"p{n}@example.org") for n in range(37)]
    run(source)
    for dn in people[:11]:
        slapd.remove(dn)
    with pytest.raises(DirectoryShrank, match="confirm 11"):
        run(source)


def test_an_answer_that_breaks_off_or_never_ends_changes_nothing(
    slapd: Slapd, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_source(SYSTEM, source, {"settings": {"page_size": 10}})
    for number in range(20):
        slapd.add_person(f"Person {number}", f"p{number}@example.org")
    monkeypatch.setattr(ldap_talk, "MOST_ENTRIES", 15)
    with pytest.raises(SourceUnavailable, match="end"):
        run(source)
    monkeypatch.setattr(ldap_talk, "MOST_ENTRIES", 1_000)
    monkeypatch.setattr(ldap_talk, "MOST_BYTES", 1_000)
    with pytest.raises(SourceUnavailable):
        run(source)
    assert not Mailbox.objects.exists()
    assert [each.problem != "" for each in DirectoryRun.objects.all()] == [True, True]


def test_a_cancelled_run_keeps_what_it_did_and_says_so(slapd: Slapd, source: Source) -> None:
    calls = iter(range(100))

    def stop() -> None:
        if next(calls) == 2:  # after a page, and the first people who were made
            raise AccountsError("stopped")

    with pytest.raises(AccountsError):
        sync_directory(SYSTEM, source, stop=stop)
    told = DirectoryRun.objects.get()
    assert told.counts["create"] == 3 and told.ended_at and "ended before" in told.problem
    assert AuditEvent.objects.filter(action="source.sync").latest("pk").details["counts"]["create"] == 3
    assert run(source) == {"same": 3}


def test_whom_a_run_bound_is_in_the_audit_trail_and_told_when_it_first_lets_them_in(
    slapd: Slapd, source: Source, domain: Domain, settings: Any
) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    ada = make_mailbox_in(domain, "ada", password=PASSWORD).user
    assert ada is not None
    slapd.add_person("Ada", "ada@example.org", "there")
    assert run(source)["bind"] == 1
    event = AuditEvent.objects.get(action="source.bind")
    assert (event.about_user_id, event.details["source"]) == (ada.pk, "Head office")
    notices = Task.objects.filter(type=NOTICE)
    assert not notices.exists()
    for _time in range(2):
        assert by_password("ada@example.org", "there") is not None
        assert notices.count() == 1


def test_two_runs_of_a_source_never_go_at_once(slapd: Slapd, source: Source) -> None:
    with connection.get_new_connection(connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, source.pk])
        with pytest.raises(SyncRunning):
            run(source)
    assert "already" in DirectoryRun.objects.get().problem
    assert run(source)["create"] == 3
