"""People taken over from a real directory."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, Grant, Identity, Source, User
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role
from accounts.services.source_sign_in import by_password
from accounts.services.sources import create_source, update_source
from domains.models import Address, DirectoryRun, Domain, Mailbox, Status
from domains.services.aliases import add_alias, aliases_of
from domains.services.mailbox_states import set_status
from domains.services.syncing.running import DirectoryShrank, sync_directory
from jobs import services as tasks
from jobs.commands import get_command
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.slapd import PEOPLE, ROOT_PASSWORD, Slapd, needs_slapd
from tests.sources import MakeSource

pytestmark = [needs_slapd, pytest.mark.django_db]
SYSTEM = Actor.system()
MAPPING = {
    "aliases_attribute": "proxyAddresses", "quota_attribute": "mailQuota", "disabled_attribute": "userAccountControl",
}  # fmt: skip


@pytest.fixture
def domain(db: None) -> Domain:
    return make_domain("example.org")


@pytest.fixture
def source(slapd: Slapd, make_source: MakeSource, domain: Domain) -> Source:
    return make_source("ldap", slapd.settings(**MAPPING), secret=ROOT_PASSWORD)


def run(source: Source, **how: Any) -> dict[str, int]:
    counts = sync_directory(SYSTEM, source, **how).counts
    return {kind: count for kind, count in counts.items() if count}


def box(local: str, domain: str = "example.org") -> Mailbox:
    return Mailbox.objects.get(address=f"{local}@{domain}")


def aliases(mailbox: Mailbox) -> list[str]:
    return [alias.text for alias in aliases_of(mailbox)]


def test_new_people_get_mailboxes_and_a_second_run_changes_nothing(
    slapd: Slapd, source: Source, domain: Domain
) -> None:
    proxies = ["SMTP:ada@example.org", "smtp:countess@example.org", "smtp:a@elsewhere.example", "X500:/o=x"]
    slapd.add_person("Ada Lovelace", "Ada@example.org", "pw", proxyAddresses=proxies, mailQuota="5")
    slapd.add_person("Grace Hopper", "grace@example.org", userAccountControl="514")
    slapd.add_person("Eve", "eve@elsewhere.example")
    dry = run(source, dry_run=True)
    assert dry == {"create": 2, "elsewhere": 1} and not Mailbox.objects.exists()
    told = DirectoryRun.objects.get()
    assert told.is_dry and [(c.kind, c.address) for c in told.changes.all()] == [
        ("create", "ada@example.org"), ("create", "grace@example.org"), ("elsewhere", "eve@elsewhere.example"),
    ]  # fmt: skip
    assert run(source) == dry
    ada, grace = box("ada"), box("grace")
    assert (ada.name, ada.quota_bytes, ada.status) == ("Ada Lovelace", 5 << 20, Status.ENABLED)
    assert aliases(ada) == ["countess@example.org"] and grace.status == Status.DISABLED
    assert ada.user and ada.user.distinguished_name == f"cn=Ada Lovelace,{PEOPLE}"
    domain.refresh_from_db()
    assert (domain.mailbox_count, domain.active_count, domain.alias_count) == (2, 1, 1)
    before = AuditEvent.objects.exclude(action="source.sync").count()
    assert run(source) == {"same": 2, "elsewhere": 1}
    assert AuditEvent.objects.exclude(action="source.sync").count() == before
    assert by_password("ada@example.org", "pw") is not None


def test_what_changes_there_changes_here_and_nothing_that_was_made_by_hand(
    slapd: Slapd, source: Source, domain: Domain
) -> None:
    dn = slapd.add_person("Ada Lovelace", "ada@example.org", proxyAddresses=["smtp:one@example.org"])
    run(source)
    ada = box("ada")
    add_alias(SYSTEM, ada, email="by-hand@example.org")
    slapd.change(
        dn, mail="countess@example.org", proxyAddresses=["smtp:two@example.org"], sn="King", givenName="Augusta",
        mailQuota="7",
    )  # fmt: skip
    assert run(source, dry_run=True) == run(source) == {"change": 3, "move": 1}
    ada.refresh_from_db()
    assert ada.user is not None
    ada.user.refresh_from_db()
    assert (ada.address, ada.user.email, ada.quota_bytes) == ("countess@example.org", "countess@example.org", 7 << 20)
    assert (ada.user.first_name, ada.user.last_name) == ("Augusta", "King")
    assert aliases(ada) == ["by-hand@example.org", "two@example.org"]
    assert run(source) == {"same": 1}


def test_leavers_are_shut_out_and_keep_their_mail_and_come_back(
    client: Client, slapd: Slapd, source: Source, domain: Domain
) -> None:
    people = [slapd.add_person(f"Person {n}", f"p{n}@example.org", "pw") for n in range(4)]
    run(source)
    assert client.post("/sign-in/", {"email": "p0@example.org", "password": "pw"}).status_code == 303
    assert client.get("/account/").status_code == 200
    slapd.remove(people[0])
    assert run(source) == {"same": 3, "disable": 1}
    gone = box("p0")
    assert gone.status == Status.DISABLED and gone.user and not gone.user.is_active
    assert client.get("/account/").status_code == 302  # at once
    assert run(source) == {"same": 3}
    slapd.change(people[1], userAccountControl="514")
    assert run(source) == {"same": 2, "disable": 1}
    slapd.change(people[1], userAccountControl="512")
    assert run(source) == {"same": 2, "enable": 1}
    set_status(SYSTEM, box("p2"), Status.DISABLED)  # by hand: nobody lets them in again but by hand
    slapd.change(people[2], sn="Renamed")
    assert run(source) == {"same": 2, "change": 1} and box("p2").status == Status.DISABLED


def test_a_directory_with_far_fewer_people_stops_and_asks(slapd: Slapd, source: Source, domain: Domain) -> None:
    people = [slapd.add_person(f"Person {n}", f"p{n}@example.org") for n in range(5)]
    run(source)
    for dn in people[:3]:
        slapd.remove(dn)
    for confirm in (None, 2, 5):
        with pytest.raises(DirectoryShrank) as caught:
            run(source, confirm_leavers=confirm)
    assert caught.value.standing.leavers == 3
    assert Mailbox.objects.filter(status=Status.ENABLED).count() == 5
    told = DirectoryRun.objects.first()
    assert told is not None and told.needs_confirmation and "confirm 3" in told.problem
    assert run(source, confirm_leavers=3) == {"same": 2, "disable": 3}
    for dn in people[3:]:
        slapd.remove(dn)
    with pytest.raises(DirectoryShrank):
        run(source)  # nobody at all


def test_people_who_are_here_are_bound_and_what_stands_in_the_way_is_told(
    slapd: Slapd, source: Source, domain: Domain, administrator: User
) -> None:
    old = make_mailbox_in(domain, "ada", name="A. L.")
    make_mailbox_in(domain, "owner")
    add_alias(SYSTEM, box("owner"), email="taken@example.org")
    slapd.add_person("Ada Lovelace", "ada@example.org")
    slapd.add_person("Taken", "taken@example.org")
    slapd.add_person("Administrator", administrator.email)
    slapd.add_person("Twin One", "twin@example.org")
    slapd.add_person("Twin Two", "twin@example.org")
    slapd.add_person("Strange", "not an address")
    counts = run(source)
    assert counts == {"bind": 1, "change": 1, "conflict": 5}
    assert box("ada").pk == old.pk and Identity.objects.get().user == old.user
    reasons = dict(DirectoryRun.objects.first().changes.filter(kind="conflict").values_list("address", "detail"))  # type: ignore[union-attr]
    assert "Two entries" in reasons["twin@example.org"] and "Something else" in reasons["taken@example.org"]
    slapd.remove(f"cn=Ada Lovelace,{PEOPLE}")
    slapd.add_person("Ada Other", "ada@example.org")  # the address of a leaver, given to somebody else
    assert run(source, confirm_leavers=1)["conflict"] == 6
    assert Identity.objects.get().user == old.user


def test_a_delegate_s_directory_touches_nobody_of_others_and_nobody_who_holds_more(
    slapd: Slapd, make_source: MakeSource
) -> None:
    customer = make_customer()
    own, other = make_domain("example.org", customer), make_domain("example.net", customer)
    delegate = Actor.for_user(make_delegate(own))
    auditor = make_mailbox_in(own, "auditor", name="Auditor")
    assert auditor.user is not None
    Grant.objects.create(user=auditor.user, role_key="auditor", level="customer", object_id=customer.pk)
    make_mailbox_in(other, "bob")
    source = make_source("ldap", slapd.settings(**MAPPING), own, secret=ROOT_PASSWORD, actor=delegate)
    slapd.add_person("Mallory", "auditor@example.org", userAccountControl="514")
    slapd.add_person("Bob", "bob@example.net", userAccountControl="514")
    slapd.add_person("New", "new@example.org", proxyAddresses=["smtp:x@example.net"])
    counts = sync_directory(delegate, source).counts
    assert (counts["create"], counts["conflict"], counts["elsewhere"]) == (1, 1, 1)
    assert box("auditor").name == "Auditor" and box("auditor").status == Status.ENABLED
    assert not Address.objects.filter(text="x@example.net").exists()


def test_groups_give_roles_in_a_run_and_leavers_lose_them(
    slapd: Slapd, source: Source, domain: Domain, administrator: User
) -> None:
    dn = slapd.add_person("Ada", "ada@example.org")
    for n in range(3):
        slapd.add_person(f"Other {n}", f"o{n}@example.org")
    group = slapd.add_group("masters", dn)
    add_group_role(
        Actor.for_user(administrator), source, group=group, bundle=Bundle("domain_administrator"), obj=domain
    )
    assert run(source) == {"create": 4}
    assert Grant.objects.get().user.email == "ada@example.org"
    slapd.remove(dn)
    run(source)
    assert not Grant.objects.exists()


def test_the_commands_connect_and_synchronise_the_server_s_directory(
    slapd: Slapd, domain: Domain, administrator: User, open_gate: None
) -> None:
    actor = Actor.for_user(administrator)

    def result(name: str, **values: Any) -> Any:
        task = tasks.run_here(actor, name, get_command(name).arguments_from_json(values))
        return task.result if task.state == "completed" else task.error

    assert result("GetDirectoryServicesConfiguration") == {"status": "not set up", "type": None}
    assert "not set up" in result("SyncUsersWithDirectoryServices")
    config = {"type": "ldap", "name": "Office", "settings": slapd.settings(), "password": ROOT_PASSWORD}
    told = result("SetDirectoryServicesConfiguration", config=config)
    assert told["status"] == "set up" and told["hasPassword"] and ROOT_PASSWORD not in str(told)
    slapd.add_person("Ada", "ada@example.org")
    assert result("SyncUsersWithDirectoryServices", dryRun=True)["create"] == 1
    assert result("SyncUsersWithDirectoryServices")["create"] == 1
    read = result("GetDirectoryServicesConfiguration")
    assert result("SetDirectoryServicesConfiguration", config=read) == read
    slapd.remove(f"cn=Ada,{PEOPLE}")
    assert "confirm 1" in result("SyncUsersWithDirectoryServices")
    assert result("SyncUsersWithDirectoryServices", confirm=1)["disable"] == 1


def test_the_nightly_job_reads_every_directory_that_a_place_has_chosen(slapd: Slapd, source: Source) -> None:
    slapd.add_person("Ada", "ada@example.org")
    task = tasks.run_here(SYSTEM, "SyncServerDirectory", get_command("SyncServerDirectory").arguments_from_json({}))
    assert task.state == "completed", task.error
    assert box("ada").user is not None
    update_source(SYSTEM, source, {"settings": {"port": 1}, "secret": ROOT_PASSWORD})
    task = tasks.run_here(SYSTEM, "SyncServerDirectory", get_command("SyncServerDirectory").arguments_from_json({}))
    assert task.state == "failed" and "Head office" in task.error


def test_only_directories_are_synchronised(domain: Domain) -> None:
    mail = create_source(SYSTEM, domain, kind="imap", name="Mail", settings={"host": "mail.example.org"})
    with pytest.raises(Exception, match="Only directories"):
        sync_directory(SYSTEM, mail)
