"""Signing in with the password that a directory has, at a real one."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts import responsible
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Grant, Identity, SignInThrottle, Source, User
from accounts.permissions import Right
from accounts.services import source_sign_in
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, remove_group_role
from accounts.services.source_sign_in import by_password
from accounts.services.sources import choose_source, create_source, delete_source, release_identity, update_source
from accounts.signing_in import sign_in_program
from accounts.sources.errors import BadSource, SourceUnavailable
from accounts.sources.filters import escape, fill
from accounts.tokens import actor_for_token
from domains.models import Domain
from domains.services.mailboxes import create_mailbox
from tests import factories
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import PASSWORD
from tests.slapd import PEOPLE, ROOT_PASSWORD, Slapd, needs_slapd
from tests.sources import MakeSource

pytestmark = [needs_slapd, pytest.mark.django_db]
SYSTEM = Actor.system()
THEIRS = "the password of the office"


@pytest.fixture
def ada(slapd: Slapd) -> User:
    """In the directory, and with a mailbox here."""
    slapd.add_person("Ada Lovelace", "ada@example.org", THEIRS)
    user = make_mailbox_in(make_domain("example.org"), "ada").user
    assert user is not None
    return user


@pytest.fixture
def source(slapd: Slapd, make_source: MakeSource) -> Source:
    return make_source("ldap", slapd.settings(), secret=ROOT_PASSWORD)


def who(address: str, password: str) -> User | None:
    found = by_password(address, password)
    return None if found is None else found.user


def test_a_person_signs_in_with_the_directory_s_password_and_no_other(
    client: Client, ada: User, source: Source, slapd: Slapd
) -> None:
    User.objects.filter(pk=ada.pk).update(password=make_password("kept here"))
    assert client.post("/sign-in/", {"email": "ADA@example.org", "password": THEIRS}).status_code == 303
    bound = Identity.objects.get(user=ada)
    assert len(bound.subject) == 36 and bound.used_at is not None
    for wrong in ("kept here", "wrong", "", "*"):
        assert who("ada@example.org", wrong) is None
    slapd.change(f"cn=Ada Lovelace,{PEOPLE}", userPassword="another one now")
    assert who("ada@example.org", THEIRS) is None and who("ada@example.org", "another one now") == ada


def test_starttls_is_begun_and_a_certificate_of_nobody_s_is_refused(ada: User, source: Source, slapd: Slapd) -> None:
    update_source(SYSTEM, source, {"settings": {"security": "starttls", "port": slapd.port}, "secret": ROOT_PASSWORD})
    assert who(ada.email, THEIRS) == ada
    for settings in ({"ca_pem": ""}, {"host": "127.0.0.2"}):  # another authority; another name
        update_source(SYSTEM, source, {"settings": settings, "secret": ROOT_PASSWORD})
        source_sign_in._resting.clear()
        with pytest.raises(SourceUnavailable):
            who(ada.email, THEIRS)
        update_source(SYSTEM, source, {"settings": slapd.settings(), "secret": ROOT_PASSWORD})


@pytest.mark.parametrize(
    "typed",
    ["*", "ada@example.org)(mail=*", "*)(objectClass=*))(|(mail=*", "\\2a", "ada*", "a(b)c@x.org"],
)
def test_what_is_typed_never_becomes_a_filter(ada: User, source: Source, slapd: Slapd, typed: str) -> None:
    assert who(typed, THEIRS) is None
    assert set(escape(typed)) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\\")
    filled = fill("(&(mail={address})(uid={local}){domain})", typed)
    assert filled.count("(") == 3 and filled.count(")") == 3 and "*" not in filled


def test_two_people_of_one_address_and_somebody_disabled_stay_outside(ada: User, source: Source, slapd: Slapd) -> None:
    update_source(SYSTEM, source, {"settings": {"disabled_attribute": "userAccountControl"}})
    slapd.change(f"cn=Ada Lovelace,{PEOPLE}", userAccountControl="512")
    assert who(ada.email, THEIRS) == ada
    slapd.change(f"cn=Ada Lovelace,{PEOPLE}", userAccountControl="514")
    assert who(ada.email, THEIRS) is None
    slapd.change(f"cn=Ada Lovelace,{PEOPLE}", userAccountControl=None)
    slapd.add_person("Ada Second", "ada@example.org", THEIRS)
    assert who(ada.email, THEIRS) is None


def test_an_address_that_the_directory_gives_to_somebody_else_opens_nothing(
    ada: User, source: Source, slapd: Slapd, administrator: User
) -> None:
    assert who(ada.email, THEIRS) == ada
    slapd.remove(f"cn=Ada Lovelace,{PEOPLE}")
    slapd.add_person("Ada Newcomer", "ada@example.org", THEIRS)
    assert who(ada.email, THEIRS) is None
    assert release_identity(Actor.for_user(administrator), source, ada)
    assert who(ada.email, THEIRS) == ada


def test_people_are_made_at_their_first_sign_in_where_that_is_wanted(ada: User, source: Source, slapd: Slapd) -> None:
    slapd.add_person("Grace Hopper", "grace@example.org", THEIRS)
    slapd.add_person("Eve Elsewhere", "eve@elsewhere.example", THEIRS)
    assert who("grace@example.org", THEIRS) is None
    update_source(SYSTEM, source, {"creates_people": True})
    grace = who("grace@example.org", THEIRS)
    assert grace is not None and grace.mailbox.address == "grace@example.org" and grace.name == "Grace Hopper"
    assert who("eve@elsewhere.example", THEIRS) is None  # no domain of ours


def test_a_dead_source_says_so_whoever_asks_and_locks_out_no_administrator(
    client: Client, ada: User, slapd: Slapd, make_source: MakeSource
) -> None:
    boss = factories.make_administrator("boss@example.org")
    helper = make_mailbox_in(ada.mailbox.domain, "helper", password=PASSWORD).user
    assert helper is not None
    Grant.objects.create(user=helper, role_key="help_desk", level="domain", object_id=ada.mailbox.domain_id)
    source = make_source("ldap", slapd.settings(port=1), secret=ROOT_PASSWORD)  # nobody listens there
    said = set()
    for email in (ada.email, "nobody@example.org"):
        answer = client.post("/sign-in/", {"email": email, "password": THEIRS})
        assert answer.status_code == 503
        said.add(answer.content.decode().replace(email, ""))
        SignInThrottle.objects.all().delete()
    assert len({text[text.index("errors__title") :][:400] for text in said}) == 1
    assert client.post("/sign-in/", {"email": boss.email, "password": PASSWORD}).status_code == 303
    assert Client().post("/sign-in/", {"email": helper.email, "password": PASSWORD}).status_code == 303
    update_source(SYSTEM, source, {"local_for_administrators": False})
    assert Client().post("/sign-in/", {"email": helper.email, "password": PASSWORD}).status_code == 503


def test_programs_sign_in_with_it_and_a_source_that_is_away_is_503_there_too(
    client: Client, ada: User, source: Source, slapd: Slapd
) -> None:
    made = sign_in_program(SYSTEM, email=ada.email, password=THEIRS, hours=1)
    assert actor_for_token(made.value, address="") is not None
    update_source(SYSTEM, source, {"settings": {"port": 1}, "secret": ROOT_PASSWORD})
    body = {"username": ada.email, "password": THEIRS}
    assert client.post("/api/v1/token", body, content_type="application/json").status_code == 503


def test_groups_give_roles_at_sign_in_and_take_them_with_the_group(
    ada: User, source: Source, slapd: Slapd, administrator: User
) -> None:
    domain = ada.mailbox.domain
    dn = f"cn=Ada Lovelace,{PEOPLE}"
    group = slapd.add_group("post masters", dn)
    actor = Actor.for_user(administrator)
    row = add_group_role(actor, source, group=group.upper(), bundle=Bundle("domain_administrator"), obj=domain)
    add_group_role(actor, source, group=group, bundle=Bundle("auditor"), obj=domain)
    assert who(ada.email, THEIRS) == ada
    grant = Grant.objects.get(user=ada)
    assert grant.source == source and {Right.EDIT_DOMAINS, Right.READ_OTHERS_MAIL} <= grant.all_rights()
    remove_group_role(actor, row)
    assert not Grant.objects.filter(user=ada).exists()
    assert who(ada.email, THEIRS) == ada and Grant.objects.get(user=ada).role_key == "auditor"
    slapd.remove(group)
    assert who(ada.email, THEIRS) == ada and not Grant.objects.filter(user=ada).exists()
    Grant.objects.create(user=ada, role_key="help_desk", level="domain", object_id=domain.pk)
    slapd.add_group("post masters", dn)
    assert who(ada.email, THEIRS) == ada
    assert Grant.objects.get(user=ada).role_key == "help_desk"  # by hand, and stays


def test_a_domain_s_administrator_reaches_only_people_of_the_domain_who_hold_no_more(
    slapd: Slapd, make_source: MakeSource
) -> None:
    customer = make_customer()
    own, other = make_domain("example.org", customer), make_domain("example.net", customer)
    delegate = Actor.for_user(make_delegate(own))
    for name, address in (
        ("A", "a@example.org"),
        ("B", "b@example.net"),
        ("C", "c@example.org"),
        ("D", "d@example.org"),
    ):
        slapd.add_person(f"{name} X", address, THEIRS)
    plain, foreign = make_mailbox_in(own, "a").user, make_mailbox_in(other, "b").user
    auditor, boss = make_mailbox_in(own, "c").user, factories.make_administrator("d@example.org")
    create_mailbox(SYSTEM, own, email="d@example.org")
    assert plain and foreign and auditor
    Grant.objects.create(user=auditor, role_key="auditor", level="customer", object_id=customer.pk)
    source = make_source("ldap", slapd.settings(), own, secret=ROOT_PASSWORD, actor=delegate)
    assert who("a@example.org", THEIRS) == plain
    assert who("b@example.net", THEIRS) is None
    assert who("c@example.org", THEIRS) is None  # holds something on the whole customer
    assert who("d@example.org", THEIRS) is None and who("d@example.org", PASSWORD) == boss
    for place in (other, customer):
        with pytest.raises(Forbidden):
            choose_source(delegate, place, source)
    with pytest.raises(BadSource):
        choose_source(SYSTEM, other, source)  # not even by somebody who may
    with pytest.raises(Forbidden):
        add_group_role(delegate, source, group="x", bundle=Bundle("auditor"), obj=own)  # holds no READ_OTHERS_MAIL
    assert not responsible.serves(source, "b@example.net")


def test_nobody_changes_a_source_that_speaks_for_more_than_they_hold(slapd: Slapd, make_source: MakeSource) -> None:
    domain = make_domain("example.org")
    delegate = make_delegate(domain)
    source = make_source("ldap", slapd.settings(), domain, secret=ROOT_PASSWORD)
    actor = Actor.for_user(delegate)
    for attempt in (
        lambda: update_source(actor, source, {"settings": {"host": "mine.example"}, "secret": "x"}),
        lambda: delete_source(actor, source),
        lambda: choose_source(actor, domain, None),
    ):
        with pytest.raises(Forbidden):
            attempt()
    reader = make_delegate(domain, rights=["manage_sources", "set_passwords"])
    weak = create_source(
        Actor.for_user(reader), domain, kind="ldap", name="Mine", settings=slapd.settings(), secret=ROOT_PASSWORD
    )
    assert weak.authority == ["manage_sources", "set_passwords"]
    admin = make_mailbox_in(domain, "admin").user
    assert admin is not None
    Grant.objects.create(user=admin, role_key="domain_administrator", level="domain", object_id=domain.pk)
    assert not responsible.speaks_for(weak, admin) and responsible.speaks_for(source, admin)


def test_a_secret_never_goes_to_another_place(source: Source) -> None:
    with pytest.raises(BadSource) as caught:
        update_source(SYSTEM, source, {"settings": {"host": "attacker.example"}})
    assert caught.value.field == "secret"


def test_a_source_by_its_address_is_refused_by_the_gate(
    ada: User, source: Source, settings: object, slapd: Slapd
) -> None:
    settings.ALLOWED_RELAYS = ()  # type: ignore[attr-defined]
    with pytest.raises(SourceUnavailable):
        who(ada.email, THEIRS)


def test_whoever_keeps_a_password_here_by_hand_isn_t_asked_about_there(ada: User, source: Source) -> None:
    User.objects.filter(pk=ada.pk).update(password=make_password("kept here"), authentication="local")
    assert who(ada.email, "kept here") == ada and who(ada.email, THEIRS) is None


def test_people_of_the_same_name_in_two_domains_of_a_directory_are_two(ada: User, source: Source, slapd: Slapd) -> None:
    """With a filter that looks at the name alone, whoever comes first would be bound to somebody else's account."""
    namesake = make_mailbox_in(make_domain("example.net"), "ada").user
    assert namesake is not None
    slapd.add_person("ada", "ada@example.org", "a password of hers")
    by_name = "(&(objectClass=inetOrgPerson)(cn={local}))"
    with pytest.raises(BadSource) as caught:
        update_source(SYSTEM, source, {"settings": {"login_filter": by_name}})
    assert caught.value.field == "login_filter"
    Source.objects.filter(pk=source.pk).update(settings={**source.settings, "login_filter": by_name})  # of long ago
    assert who("ada@example.net", "a password of hers") is None and not Identity.objects.exists()
    slapd.change(f"cn=ada,{PEOPLE}", mail="ada@office.invalid")  # no address of ours: whose name is it?
    assert who("ada@example.net", "a password of hers") is None and who("ada@example.org", "a password of hers") is None
    slapd.change(f"cn=ada,{PEOPLE}", mail="ada@example.org")
    assert who("ada@example.org", "a password of hers") == ada


def test_in_a_directory_of_one_domain_the_name_may_be_enough(
    ada: User, source: Source, slapd: Slapd, make_source: MakeSource
) -> None:
    slapd.add_person("ada", "ada@office.invalid", "a password of hers")
    settings = {**slapd.settings(), "login_filter": "(&(objectClass=inetOrgPerson)(cn={local}))"}
    domain = Domain.objects.get(pk=ada.home_domain_id or 0)
    make_source("ldap", settings, domain, name="One domain", secret=ROOT_PASSWORD)
    assert who("ada@example.org", "a password of hers") == ada


def test_a_mail_server_of_several_domains_is_told_more_than_the_name(make_source: MakeSource) -> None:
    settings = {"host": "imap.example.org", "login_name": "{local}"}
    with pytest.raises(BadSource) as caught:
        make_source("imap", settings)
    assert caught.value.field == "login_name"
    source = make_source("imap", settings, make_domain("example.org"), name="One domain")
    with pytest.raises(BadSource):
        update_source(
            SYSTEM, make_source("imap", {"host": "imap.example.org"}), {"settings": {"login_name": "{local}"}}
        )
    assert source.told("login_name") == "{local}"
