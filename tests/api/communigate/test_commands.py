"""Commands and what they are answered, one family after another; who may use them; scripts looked through."""

from __future__ import annotations

import base64
import io
import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from PIL import Image

from accounts import audit
from accounts.actors import Actor
from accounts.models import AppPassword, AuditEvent, Session, User
from accounts.scopes import SERVER
from accounts.services.sources import create_source
from accounts.signing_in import CallerWay
from api.communigate import running
from api.communigate.commands import COMMANDS, programs
from api.communigate.context import Seen
from api.communigate.format import read_value
from api.communigate.scripts import find_calls
from api.dialects.credentials import Entered, caller
from api.models import KeptSettings
from archive import engines
from domains.models import Mailbox, Status
from domains.services import mailbox_states
from gateway.models import Recipient, SieveScript, VacationAnswer
from jobs.models import Task, TrustedAuthority
from tests import factories
from tests.api import world
from tests.api.communigate.asking import ask
from tests.api.dialects.test_sweep import Writes
from tests.archive.django.conftest import stores
from tests.certificates import Certificate, make_authority, make_certificate
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

__all__ = ["stores"]
pytestmark = pytest.mark.django_db
TABLE_FILE = Path(__file__).with_name("table.txt")


def png() -> str:
    file = io.BytesIO()
    Image.new("RGB", (40, 20), (10, 90, 200)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def root(stores: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    monkeypatch.setattr(programs, "PATIENCE_S", 0.0)  # no worker runs what is asked for
    make_domain("main.example")
    yield factories.make_administrator("root@main.example")
    engines.close_all()


def table() -> list[tuple[str, str]]:
    """(line, reply) of each command tried, in order."""
    lines = TABLE_FILE.read_text(encoding="utf-8").splitlines()
    pairs = [line.rpartition(" -> ") for line in lines if line and not line.startswith(";")]
    return [(asked.replace("[PNG]", f"[{png()}]"), answer) for asked, _arrow, answer in pairs]


def wrong_ones(person: User) -> list[str]:
    found = []
    for asked, answer in table():
        with transaction.atomic():
            said = ask(person, asked)
        wanted = ".*".join(re.escape(part) for part in answer.split("…"))
        if not re.fullmatch(wanted, said, re.DOTALL):
            found.append(f"{asked[:300]}\n   said   {said[:600]}\n   wanted {answer}")
    return found


def test_every_command_is_in_the_table_and_answers_as_it_says(root: User) -> None:
    wrong = wrong_ones(root)
    assert not wrong, "\n".join(wrong)


def test_all_that_work_are_tried_here() -> None:
    tried = {asked.split(" ")[0].upper() for asked, _answer in table()}
    works = {each.name for each in COMMANDS if each.run is not None}
    assert works - tried == set()


def test_telephony_clusters_and_what_is_not_here_say_so(root: User) -> None:
    for each in COMMANDS:
        if each.run is None:
            assert ask(root, f"{each.name} {{a=}}") == f"502 not supported: {each.refused}"
    served = read_value(ask(root, "LISTCLICOMMANDS").removeprefix("201 "))
    assert served == sorted(each.name for each in COMMANDS if each.run is not None)


def test_authorities_of_one_s_own_are_a_list_that_is_set_as_a_whole(root: User) -> None:
    first, second, host = make_authority("First"), make_authority("First"), make_certificate("mx.example.org")

    def block(each: Certificate) -> str:
        return f"[{base64.b64encode(ssl.PEM_cert_to_DER_cert(each.pem)).decode()}]"

    assert ask(root, "GETSERVERTRUSTEDCERTS") == "201 ()"
    assert ask(root, f"SETSERVERTRUSTEDCERTS ({block(first)})") == "200 OK"
    assert ask(root, "GETSERVERTRUSTEDCERTS") == f"201 ({block(first)})"
    pem = f"[{base64.b64encode(second.pem.encode()).decode()}]"
    assert ask(root, f"SETSERVERTRUSTEDCERTS ({block(first)},{pem})") == "200 OK"
    assert TrustedAuthority.objects.count() == 2
    assert ask(root, f"SETSERVERTRUSTEDCERTS ({pem},{block(host)})").startswith("501 ")  # a host's is none, all stay
    assert TrustedAuthority.objects.count() == 2
    assert ask(root, "SETSERVERTRUSTEDCERTS (text)") == "501 certificates are data blocks"
    assert ask(root, f"SETSERVERTRUSTEDCERTS ({pem})") == "200 OK"
    assert ask(root, "GETSERVERTRUSTEDCERTS") == f"201 ({block(second)})"
    assert ask(make_delegate(make_domain("mine.example")), "GETSERVERTRUSTEDCERTS").startswith("510 ")


def test_a_domain_s_administrator_sees_and_changes_their_part(root: User) -> None:
    mine, other = make_domain("mine.example"), make_domain("other.example")
    make_mailbox_in(other, "ada")
    delegate = make_delegate(mine)
    assert ask(delegate, "LISTDOMAINS") == "201 (mine.example)"
    assert ask(delegate, "MAINDOMAINNAME") == "201 mine.example"
    assert ask(delegate, "CREATEACCOUNT ada {RealName=Ada;}") == "200 OK"
    made = AuditEvent.objects.filter(action="mailbox.create").latest("pk")
    assert (made.via, made.actor_label, made.object_label) == ("communigate", delegate.email, "ada@mine.example")
    for line in ("CREATEACCOUNT eve@other.example", "LISTACCOUNTS other.example", "DELETEDOMAIN other.example FORCE"):
        assert ask(delegate, line).startswith("512 "), line
    assert ask(delegate, "GETACCOUNTSETTINGS ada@other.example").startswith("513 ")
    assert ask(delegate, "CREATEDOMAIN new.example").startswith("510 ")
    assert ask(delegate, "GETCLIENTIPS").startswith("510 ")
    assert ask(delegate, "SETACCOUNTRIGHTS ada (Master)").startswith("510 ")


def test_people_use_it_for_their_own_account(root: User) -> None:
    ada = make_mailbox_in(make_domain("mine.example"), "ada", name="Ada").user
    assert ada is not None
    assert ask(root, "GETACCOUNTRIGHTS *") == "201 (Master)"  # who administers the server needs no account
    assert ask(ada, "GETACCOUNTSETTINGS *") == "201 {RealName=Ada;}"
    assert ask(ada, "GETACCOUNTSETTINGS ada@mine.example") == "201 {RealName=Ada;}"
    assert ask(ada, "GETACCOUNTINFO * Key StorageUsed") == "201 0"
    assert ask(ada, "GETACCOUNTSTAT *").startswith("201 {")
    assert ask(ada, "UPDATEACCOUNTPREFS ada {Language=German;}") == "200 OK"
    assert ask(ada, "SETACCOUNTMAILRULES ada ((5,n,(),((Mark,Read))))") == "200 OK"
    for line in (
        "UPDATEACCOUNTSETTINGS * {RealName=Queen;}",
        "UPDATEACCOUNTSETTINGS * {MaxAccountSize=unlimited;}",
        "UPDATEACCOUNTSETTINGS * {City=x;}",
        'SETACCOUNTPASSWORD ada PASSWORD "a long passphrase 77"',
        "DELETEACCOUNT ada",
    ):
        assert ask(ada, line)[:3] in ("510", "512", "513"), line
    assert ask(ada, "LISTACCOUNTS")[:3] in ("510", "512")


def test_nobody_without_the_right_changes_or_sees_anything(db: None) -> None:
    """Each line of the table by everybody who may not: nothing is written, and nothing of others is told."""
    own = world.make_place("own.example")
    people = (own.person, make_delegate(own.domain))
    make_mailbox_in(make_domain("main.example"), "ada")
    wrong: list[str] = []
    for line, _answer in table():
        asked = _NAMES.sub(r"\1@main.example", line)
        for who in people:
            writes = Writes()
            with transaction.atomic():
                with connection.execute_wrapper(writes):
                    said = ask(who, asked)
                transaction.set_rollback(True)
            if writes.seen:
                wrong.append(f"{who}: {asked} wrote {writes.seen[0]}")
            if said.startswith("201") and asked.split(" ")[0].upper() not in _OPEN:
                wrong.append(f"{who}: {asked} -> {said}")
    assert not wrong, "\n".join(wrong)


_NAMES = re.compile(
    r"(?<=[ \"])(ada|bob|carol|gone|eve|staff|team|fw2?|news|letters|lovelace)(?=[ \"]|$)"
)  # of another domain
_OPEN = (
    "ECHO", "GETVERSION", "GETCURRENTTIME", "GETSYSTEMINFO", "LISTCLICOMMANDS", "LISTDOMAINS", "MAINDOMAINNAME",
    "LISTADMINDOMAINS", "LISTFORWARDERS", "LISTGROUPS", "GETDOMAINLISTS", "GETDOMAINALERTS",
    "LISTLITESESSIONS", "LISTSTOCKSKINFILES", "READSTOCKSKINFILE",
    "LISTDOMAINNAMEDTASKS",
)  # fmt: skip


def test_a_token_that_only_reads_changes_nothing(root: User) -> None:

    actor = Actor.for_user(root, via="communigate").restricted(None, read_only=True)
    assert running.answer(actor, "LISTDOMAINS").code == 200
    every = [asked for asked, _answer in table()]
    for each in COMMANDS:
        if each.run is not None and not each.reads:
            asked = next(line for line in every if line.split(" ")[0].upper() == each.name)
            assert running.answer(actor, asked).code in (501, 510), asked


def test_what_is_kept_goes_with_its_account_and_never_tells_its_values(root: User) -> None:
    ask(root, 'CREATEACCOUNT ada {SmtpPassword="very secret";}')
    assert ask(root, "GETACCOUNTSETTINGS ada") == '201 {SmtpPassword="very secret";}'
    assert "very secret" not in str(list(KeptSettings.objects.values_list("text", flat=True)))
    events = list(AuditEvent.objects.filter(action="communigate.keep"))
    assert events and not any("very secret" in str(event.details) for event in events)
    ask(root, "DELETEACCOUNT ada")
    assert Mailbox.objects.filter(address="ada@main.example").exists()
    assert ask(root, "CREATEACCOUNT ada") == "200 OK"
    assert ask(root, "GETACCOUNTSETTINGS ada") == "201 {}"


SCRIPT = """
use CGP::CLI;   # a script of an administrator
my $cli = new CGP::CLI( { PeerAddr => 'mail', PeerPort => 106, login => 'postmaster', password => 'x' } );
$cli->CreateAccount(accountName => "$user\\@$domain", settings => \\%settings) or die $CGP::ERR_STRING;
my $tel = $cli->GetAccountTelnums($user); $cli->NoSuchThing(); $cli->GetMagicBeans($user);
$cli->Logout();
echo "LISTDOMAINS" | nc mail 106
printf 'SetAccountSettings %s {RealName="x";}\\n' "$1" >> /tmp/batch
server.get_account_info('*')
12:00:01 PWD-000012([10.0.0.1]) C: RELEASESMTPQUEUE example.org
"""


def test_a_script_is_told_which_of_its_calls_work() -> None:
    found = list(find_calls(SCRIPT))
    told = [(each.line, each.operation.name if each.operation else None) for each in found]
    assert told == [
        (4, "CREATEACCOUNT"),
        (5, "GETACCOUNTTELNUMS"),
        (5, None),
        (7, "LISTDOMAINS"),
        (8, "SETACCOUNTSETTINGS"),
        (9, "GETACCOUNTINFO"),
        (10, "RELEASESMTPQUEUE"),
    ]
    telnums = found[1].operation
    assert telnums is not None and "telephone" in telnums.refused


def test_the_server_s_source_is_chosen_and_only_by_who_may(root: User) -> None:
    settings = {"host": "ldap.example.org", "base_dn": "dc=example,dc=org"}
    create_source(caller(root, via="communigate", address=""), SERVER, kind="ldap", name="Directory", settings=settings)
    create_source(Actor.for_user(root), SERVER, kind="ldap", name="Made in person", settings=settings)
    assert ask(root, "RELOADDIRECTORYDOMAINS") == "200 OK"
    assert Task.objects.get(type="SyncUsersWithDirectoryServices").actor == root
    assert ask(root, 'SETDIRECTORYINTEGRATION {Source="Made in person";}').startswith("510 ")
    assert ask(root, "SETDIRECTORYINTEGRATION {Source=Directory;CreatePeople=YES;Note=ours;}") == "200 OK"
    said = ask(root, "GETDIRECTORYINTEGRATION")
    assert said == "201 {Note=ours;Source=Directory;Kind=ldap;CreatePeople=YES;}"
    assert ask(root, "SETDIRECTORYINTEGRATION {}") == "200 OK"  # what is left out stays
    assert ask(root, "GETDIRECTORYINTEGRATION") == "201 {Source=Directory;Kind=ldap;CreatePeople=YES;}"
    assert ask(root, "LISTDIRECTORYUNITS") == '201 {Directory=Directory;"Made in person"="Made in person";}'
    assert ask(root, "GETDIRECTORYUNIT Directory") == "201 {Kind=ldap;CreatePeople=YES;}"
    assert ask(root, 'DELETEDIRECTORYUNIT "Made in person"').startswith("510 ")
    helper = make_delegate(make_domain("helped.example"))
    for line in (
        "LISTDIRECTORYUNITS",
        "DELETEDIRECTORYUNIT Directory",
        "GETDIRECTORYINTEGRATION",
        "SETDIRECTORYINTEGRATION {}",
        "GETNETWORK",
        "SETNETWORK {}",
    ):
        assert ask(helper, line).startswith("510 "), line
    assert ask(root, "SETDIRECTORYINTEGRATION {Source=local;}") == "200 OK"
    assert AuditEvent.objects.filter(action="source.choose", via="communigate").count() == 2
    assert ask(root, "DELETEDIRECTORYUNIT Directory") == "200 OK"
    assert ask(root, "LISTDIRECTORYUNITS") == '201 {"Made in person"="Made in person";}'


def test_an_account_opened_at_its_page_is_no_longer_told_as_shut(root: User) -> None:
    ask(root, "CREATEACCOUNT ada {AccessMode=None;}")
    ada = Mailbox.objects.get(address="ada@main.example")
    assert ask(root, "GETACCOUNTSETTINGS ada") == "201 {AccessMode=None;}"
    mailbox_states.set_status(Actor.console(), ada, Status.ENABLED)
    assert ask(root, "GETACCOUNTSETTINGS ada") == "201 {}"
    assert ask(root, "GETACCOUNTONESETTING ada AccessMode") == "201 All"


def test_where_somebody_signed_in_last_is_told_to_who_sees_their_sessions(root: User) -> None:
    ada = make_mailbox_in(make_domain("mine.example"), "ada").user
    assert ada is not None
    assert "Address" not in ask(root, "GETACCOUNTINFO ada@mine.example")
    audit.record(Actor.for_user(ada, address="192.0.2.7"), "user.sign_in", ada)
    assert ask(root, "GETACCOUNTINFO ada@mine.example Key LastLoginAddress") == "201 192.0.2.7"
    later = timezone.now() + timedelta(hours=1)
    session = Session.objects.create(user=ada, key_hash="a", expires_at=later, address="192.0.2.7")
    Session.objects.filter(pk=session.pk).update(last_address="192.0.2.8")
    wanted = "201 {LastLoginAddress=192.0.2.7;LastAddress=192.0.2.8;}"
    assert ask(root, "GETACCOUNTINFO ada@mine.example (LastLoginAddress,LastAddress)") == wanted
    assert ask(ada, "GETACCOUNTINFO * (LastLoginAddress,LastAddress)") == wanted
    number = ask(root, "FINDACCOUNTSESSION ada@mine.example ADDRESS #I[192.0.2.7]:25")
    assert number == f"201 {session.pk}"


def test_a_name_is_free_again_where_purging_takes_two_people(root: User) -> None:
    factories.make_administrator("second@main.example")
    delegate = make_delegate(make_domain("mine.example"))
    for who, name in ((root, "ada@main.example"), (delegate, "eve@mine.example")):
        numbers = set()
        for round_ in range(3):
            assert ask(who, f"CREATEACCOUNT {name} {{RealName=R{round_};}}") == "200 OK"
            assert ask(who, f"SETACCOUNTALIASES {name} (alias)") == "200 OK"
            numbers.add(Mailbox.objects.get(address=name).pk)
            assert ask(who, f"GETACCOUNTSETTINGS {name}") == f"201 {{RealName=R{round_};}}"
            assert ask(who, f"DELETEACCOUNT {name}") == "200 OK"
        assert len(numbers) == 3  # each began anew, and the others can be brought back
        assert set(Mailbox.objects.filter(pk__in=numbers).values_list("status", flat=True)) == {"deleted"}
    for line in ("CREATEFORWARDER ada TO x@elsewhere.example", "DELETEFORWARDER ada", "CREATEGROUP alias"):
        assert ask(root, line) == "200 OK"  # who is deleted keeps no name from anything, nor do their aliases
    ada = Mailbox.objects.filter(domain__name="main.example", status="deleted").earliest("pk")
    assert ada.address == f"ada.deleted-{ada.pk}@main.example"
    mailbox_states.restore_mailbox(Actor.console(), ada)


def test_a_domain_s_name_is_free_again_and_nothing_is_in_it(root: User) -> None:
    factories.make_administrator("second@main.example")
    for line, wanted in (
        ("CREATEDOMAIN again.example {Comment=one;Foo=x;}", "200 OK"),
        ("CREATEACCOUNT a@again.example", "200 OK"),
        ("SETACCOUNTALIASES a@again.example (b)", "200 OK"),
        ("DELETEACCOUNT a@again.example", "200 OK"),
        ("DELETEDOMAIN again.example", "200 OK"),  # what is deleted is nothing
        ("CREATEDOMAIN again.example {Comment=two;}", "200 OK"),
        ("GETDOMAINSETTINGS again.example", "201 {Comment=two;}"),
        ("UPDATEACCOUNTDEFAULTS again.example {MaxAccountSize=1M;CanModifyPassword=NO;Foo=x;}", "200 OK"),
        ("UPDATEACCOUNTTEMPLATE again.example {City=Oslo;}", "200 OK"),
        ("SETDOMAINALIASES again.example (wieder.example)", "200 OK"),
        ('SETDOMAINMAILRULES again.example ((5,r,(),((Discard,"---"))))', "200 OK"),
        ("CREATEACCOUNT a@again.example", "200 OK"),
        ("CREATEGROUP g@again.example {Members=(a@again.example);}", "200 OK"),
        ("CREATEFORWARDER f@again.example TO x@elsewhere.example", "200 OK"),
        ("CREATELIST l@again.example FOR a", "200 OK"),
        ("SUSPENDDOMAIN again.example", "200 OK"),
        ("DELETEDOMAIN again.example", "555 the domain is not empty; use FORCE"),
        ("DELETEDOMAIN again.example FORCE", "200 OK"),
        ("CREATEDOMAIN again.example", "200 OK"),
        ("GETDOMAINSETTINGS again.example", "201 {}"),
        ("GETACCOUNTDEFAULTS again.example", "201 {}"),
        ("GETACCOUNTTEMPLATE again.example", "201 {}"),
        ("GETDOMAINALIASES again.example", "201 ()"),
        ("GETDOMAINMAILRULES again.example", "201 ()"),
        ("LISTDOMAINOBJECTS again.example 10 ACCOUNTS ALIASES FORWARDERS", "201 (0,{},0,0)"),
        ("LISTGROUPS again.example", "201 ()"),
        ("LISTLISTS again.example", "201 ()"),
        ("CREATEACCOUNT a@again.example {RealName=A;}", "200 OK"),
        ("GETACCOUNTSETTINGS a@again.example", "201 {RealName=A;}"),
    ):
        assert (line, ask(root, line)) == (line, wanted)
    assert Mailbox.objects.filter(domain__name="again.example", status="deleted").count() == 2


def test_a_folder_of_one_s_own_is_shared_by_who_came_with_their_password(root: User) -> None:
    domain = make_domain("mine.example")
    ada, bob = (make_mailbox_in(domain, name).user for name in ("ada", "bob"))
    assert ada is not None and bob is not None
    seen = Seen(proven=Entered("communigate", CallerWay.PASSWORD, ada.pk, ada.password, "", 0.0))

    def said(line: str, seen: Seen | None = None) -> str:
        found = running.answer(
            caller(ada, via="communigate", address=""), f"SETMAILBOXACL * MAILBOX INBOX {line}", seen
        )
        return f"{found.code} {found.text}"

    assert said("{bob=lr;}") == "510 insufficient access rights"  # a token alone lets nobody in
    assert said("{bob=lr;}", seen) == "200 OK"
    assert ask(ada, "GETMAILBOXACL * MAILBOX INBOX") == "201 {bob@mine.example=lrs;}"
    assert ask(ada, "GETMAILBOXRIGHTS * MAILBOX INBOX AUTH bob") == "201 lrs"
    assert said("{bob=lrw;}", seen) == "510 insufficient access rights"
    assert said("{nobody=lr;}", seen) == "513 unknown user account: nobody"
    assert said('{bob="-lrs";}') == "200 OK"
    assert ask(ada, "GETMAILBOXACL * MAILBOX INBOX") == "201 {}"


def test_an_app_password_goes_by_its_name(root: User) -> None:
    ada = make_mailbox_in(make_domain("mine.example"), "ada").user
    assert ada is not None
    AppPassword.objects.create(user=ada, name="phone", protocols=["imap"], secret_hash="x")
    assert ask(make_delegate(make_domain("other.example")), _NO_PHONE)[:3] in ("512", "513")
    assert ask(root, _NO_PHONE) == "200 OK"
    assert not AppPassword.objects.exists()


_NO_PHONE = 'SETACCOUNTPASSWORD ada@mine.example PASSWORD "" NAME phone'


def test_who_was_answered_is_forgotten_by_the_person_or_their_administrator_alone(root: User) -> None:
    found = make_mailbox_in(make_domain("mine.example"), "ada")
    eve = make_mailbox_in(found.domain, "eve").user
    assert found.user is not None and eve is not None
    for who, left in ((eve, 1), (found.user, 0)):
        VacationAnswer.objects.get_or_create(
            mailbox=found, handle="", address="x@y.example", defaults={"until": timezone.now()}
        )
        said = ask(who, "REMOVEACCOUNTSUBSET ada@mine.example SUBSET RepliedAddresses")
        assert VacationAnswer.objects.count() == left, said


def test_the_header_of_an_answer_is_carried_out_and_who_is_asked_gets_mail(root: User) -> None:
    ask(root, "CREATEACCOUNT ada")
    ask(
        root,
        'SETACCOUNTMAILRULES ada ((2,x,(),(("Reply with","+Subject: Away\\eFrom: a@main.example\\e\\eI am away"))))',
    )
    assert 'vacation :subject "Away" :from "a@main.example" "I am away";' in SieveScript.objects.get().text
    ask(root, "CREATELIST news FOR ada")
    assert ask(root, 'LIST news FEED confirm "Bill Jones" <BJones@company.example>') == "200 OK"
    assert Recipient.objects.get().address == "bjones@company.example"
