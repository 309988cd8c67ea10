"""The Management API by its prefix: metadata, envelopes, errors, rights, and every function of the manual."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent, FolderGrant, User
from api.dialects import calls, credentials
from api.mailstore import entry, progress, scripts
from api.mailstore.functions import FUNCTIONS, operations
from archive.services.stores import create_store
from config.kit.heartbeat import broker
from domains.models import Domain
from jobs.models import Approval, Task
from jobs.services import run_waiting
from tests import factories
from tests.api.callers import caller_for
from tests.api.dialects.calling import call, switch_on
from tests.api.mailstore.client import KEYS, basic, post, said
from tests.archive.django.factories import archive, make_mails, make_store
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase 7"
# Functions of the manual that are none of our commands. None: each is there.
MISSING: set[str] = set()


@pytest.fixture(autouse=True)
def switched_on() -> None:
    switch_on("mailstore")
    credentials._remembered.clear()
    broker().delete("postkeep:dialect:calls:mailstore")


@pytest.fixture
def domain() -> Domain:
    return make_domain("own.example", make_customer("Own"))


@pytest.fixture
def token() -> str:
    return caller_for(factories.make_administrator("root@server.example")).token


def invoke(function: str, token: str, **form: str) -> dict[str, Any]:
    answer = post(f"/api/invoke/{function}", form, token=token)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/json; charset=utf-8"
    return said(answer)


def test_metadata_lists_the_manual_s_functions_for_everybody_by_get_and_post() -> None:
    for method, path in (("GET", "/api/get-metadata"), ("POST", "/api//get-metadata")):
        answer = post(path, method=method)
        found = {each["name"]: each["args"] for each in json.loads(answer.content.decode("utf-8-sig"))}
        assert len(found) == 89
    assert found["GetUserInfo"] == [{"name": "userName", "type": "string", "nullable": False}]
    assert found["GetServerInfo"] == []
    assert [each["name"] for each in found["GetWorkerResults"]][2:4] == ["timeZoneID", "profileID"]
    assert found["SetStoreAutoCreateConfiguration"] == [{"name": "config", "type": "json", "nullable": False}]
    assert found["GetStores"] == [{"name": "includeSize", "type": "bool", "nullable": True}]


def test_every_function_of_the_manual_is_a_command_of_ours_but_these() -> None:
    assert {name for name, function in FUNCTIONS.items() if function.command is None} == MISSING
    assert {each.path.rpartition("/")[2] for each in operations() if each.refused} == MISSING


def test_without_or_with_wrong_credentials_the_challenge_comes() -> None:
    for value in ("", "Basic ###", "Digest x", basic("root@server.example", "wrong")):
        answer = call("POST", "/mailstore/api/invoke/GetServerInfo", Authorization=value)
        assert answer.status_code == 401 and answer["WWW-Authenticate"].startswith('Basic realm="')
        assert said(answer)["error"]["message"]


def test_a_password_and_a_token_in_its_place_open(domain: Domain) -> None:
    person = make_delegate(domain)
    person.set_password(PASSWORD)
    person.save()
    for secret in (PASSWORD, caller_for(person).token):
        answer = call("POST", "/mailstore/api/invoke/GetUsers", Authorization=basic(person.email, secret))
        assert answer.status_code == 200 and said(answer)["error"] is None


def test_an_answer_at_once_has_no_token(token: str) -> None:
    found = invoke("GetServerInfo", token)
    assert {name: found[name] for name in KEYS - {"result"}} == {
        "error": None,
        "token": None,
        "statusVersion": 2,
        "statusCode": "succeeded",
        "percentProgress": None,
        "statusText": None,
        "logOutput": None,
    }
    assert {"version", "machineName"} <= set(found["result"])
    assert not Task.objects.exists()


def test_whoever_may_enter_is_told_the_version_and_only_others_what_it_runs_on(token: str, domain: Domain) -> None:
    person = make_mailbox_in(domain, "ada").user
    assert person is not None
    assert set(invoke("GetServerInfo", caller_for(person).token)["result"]) == {"version", "machineName"}
    assert "database" in invoke("GetServerInfo", token)["result"]


def test_the_messages_of_a_folder_are_told_to_the_last(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_mailbox_in(domain, "ada").user
    assert person is not None
    archive(person, make_mails(5))
    monkeypatch.setattr(entry, "PAGE_MESSAGES", 2)
    token = caller_for(person).token
    found = invoke("GetMessages", token, folder="ada@own.example/Inbox")["result"]
    assert len({each["id"] for each in found}) == 5
    monkeypatch.setattr(entry, "MOST_MESSAGES", 4)
    assert "more than 4" in invoke("GetMessages", token, folder="ada@own.example/Inbox")["error"]["message"]


def test_a_user_is_made_read_and_changed_in_the_words_of_clients(token: str, domain: Domain) -> None:
    made = invoke("CreateUser", token, userName="ada@own.example", privileges="login, changePassword", fullName="Ada")
    assert made["error"] is None and AuditEvent.objects.filter(via="mailstore").exists()
    assert {"userName": "ada@own.example", "fullName": "Ada", "distinguishedName": None} in invoke("GetUsers", token)[
        "result"
    ]
    set_to = {"userName": "ada@own.example", "emailAddresses": "ada@own.example, a.okafor@own.example"}
    assert invoke("SetUserEmailAddresses", token, **set_to)["result"] is None
    granted = {"userName": "ada@own.example", "folder": "ada@own.example", "privileges": "read"}
    assert invoke("SetUserPrivilegesOnFolder", token, **granted)["error"] is None
    shared = make_mailbox_in(domain, "team")
    assert (
        "rights"
        in invoke("SetUserPrivilegesOnFolder", token, **granted | {"folder": shared.address})["error"]["message"]
    )
    ada = User.objects.get(email="ada@own.example")
    FolderGrant.objects.create(user=ada, mailbox_id=shared.pk, folder="Inbox", privileges=["read"])
    info = invoke("GetUserInfo", token, userName="ada@own.example")["result"]
    assert info["emailAddresses"] == ["ada@own.example", "a.okafor@own.example"]
    assert info["privileges"] == ["login", "changePassword"] and info["authentication"] == "integrated"
    assert info["privilegesOnFolders"] == [{"folder": "team@own.example/Inbox", "privileges": ["read"]}]
    assert {"pop3UserNames", "loginPrivileges", "distinguishedName"} <= set(info)
    assert invoke("DeleteUser", token, userName="ada@own.example")["error"] is None


def test_a_wrong_call_says_what_and_where(token: str) -> None:
    cases: list[tuple[str, dict[str, str], str, str]] = [
        ("GetUserInfo", {}, "Missing API argument userName.", "GetUserInfo(userName)"),
        ("GetUserInfo", {"userName": "x@x.example", "more": "1"}, "Unknown API argument more.", "GetUserInfo(more)"),
        ("RenameStore", {"id": "one", "name": "x"}, "id must be a whole number", "RenameStore(id)"),
        ("SetSmtpSettings", {"settings": "{"}, "settings must be JSON", "SetSmtpSettings(settings)"),
        ("RenameJob", {"name": "x"}, "Missing API argument id.", "RenameJob(id)"),
        ("GetProfiles", {"raw": "perhaps"}, "raw must be true or false", "GetProfiles(raw)"),
        ("GetNothing", {}, "There is no function GetNothing.", "GetNothing"),
    ]
    for function, form, message, where in cases:
        found = invoke(function, token, **form)
        assert found["statusCode"] == "failed" and found["result"] is None and found["token"] is None
        assert found["error"]["message"].startswith(message), found["error"]
        assert found["error"]["details"] == f"System.Exception: {found['error']['message']}\r\n   at {where}"
    assert calls.last("mailstore")[0].is_good is False


def test_garbage_is_answered(token: str) -> None:
    bearer: dict[str, Any] = {"Authorization": f"Bearer {token}"}
    for body in (b"\xff\xfe\x00", b"a" * 5000, b"&".join([b"a=1"] * 500), b"userName=a&userName=b", b'{"userName":1}'):
        answer = call("POST", "/mailstore/api/invoke/GetUserInfo", body, **bearer)
        assert answer.status_code == 200 and said(answer)["error"]
    for path in ("/", "/api", "/api/invoke", "/api/invoke/GetUsers/x", "/api/%00", "/api/invoke/%ff"):
        assert call("POST", f"/mailstore{path}", **bearer).status_code in (200, 404)
    assert call("GET", "/mailstore/api/invoke/GetUsers", **bearer).status_code == 405
    for token_form in ({}, {"token": "x"}, {"token": "1:forged"}):
        assert post("/api/get-status", token_form, token=token).status_code == 404


def test_a_delegate_sees_their_part_and_no_more(domain: Domain) -> None:
    foreign = make_mailbox_in(make_domain("foreign.example", make_customer("Foreign")), "eve")
    own = make_mailbox_in(domain, "ada")
    token = caller_for(make_delegate(domain)).token
    names = {each["userName"] for each in invoke("GetUsers", token)["result"]}
    assert own.address in names and foreign.address not in names
    assert invoke("SetUserFullName", token, userName=own.address, fullName="Ada")["error"] is None
    assert invoke("SetUserFullName", token, userName=foreign.address, fullName="Eve")["error"]
    assert User.objects.get(email=foreign.address).name != "Eve"
    assert "rights" in invoke("GetStores", token)["error"]["message"]


def test_a_long_function_is_a_task_by_token_until_its_end(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store()
    begun = invoke("VerifyStore", token, id=str(store.pk))
    assert (begun["statusCode"], begun["result"], begun["error"]) == ("running", None, None) and begun["token"]
    form = {"token": begun["token"], "millisecondsTimeout": "0", "lastKnownStatusVersion": str(begun["statusVersion"])}
    same = said(post("/api/get-status", form, token=token))
    assert same["statusVersion"] == begun["statusVersion"] and same["statusCode"] == "running"
    stranger = caller_for(factories.make_user("stranger@server.example")).token
    assert post("/api/get-status", form, token=stranger).status_code == 404
    run_waiting(Task.objects.get().pk)
    ended = said(post("/api//get-status", {"token": begun["token"], "lastKnownStatusVersion": "-1"}, token=token))
    assert ended["statusCode"] == "succeeded" and ended["result"] and ended["statusVersion"] > begun["statusVersion"]
    assert ended["percentProgress"] == 100
    monkeypatch.setattr(progress, "LOOK_EVERY_S", float("nan"))  # no wait: what has ended has no news to wait for
    form |= {"lastKnownStatusVersion": str(ended["statusVersion"]), "millisecondsTimeout": "5000"}
    assert said(post("/api/get-status", form, token=token)) == {**ended, "logOutput": None}


def test_a_running_function_is_cancelled(token: str) -> None:
    begun = invoke("VerifyStores", token)
    assert said(post("/api//cancel-async", {"token": begun["token"]}, token=token))["statusCode"] == "succeeded"
    ended = said(post("/api/get-status", {"token": begun["token"]}, token=token))
    assert ended["statusCode"] == "cancelled" and ended["result"] is None


def test_what_failed_says_why_and_its_log_comes_once(token: str) -> None:
    begun = invoke("CompactStore", token, id="77")
    task = Task.objects.get()
    run_waiting(task.pk)
    task.logs.create(text="first", level="info")
    found = said(post("/api/get-status", {"token": begun["token"]}, token=token))
    assert found["statusCode"] == "failed" and found["error"]["message"] and "Traceback" not in str(found)
    assert found["logOutput"] == "first\r\n"
    form = {"token": begun["token"], "lastKnownStatusVersion": str(found["statusVersion"]), "millisecondsTimeout": "0"}
    assert said(post("/api/get-status", form, token=token))["logOutput"] is None


def test_what_takes_two_people_is_asked_for(token: str) -> None:
    other = factories.make_administrator("second@server.example")
    assert other.is_administrator
    make_store()
    store = create_store(Actor.system(), name="Two")
    found = invoke("DetachStore", token, id=str(store.pk))
    assert "two people" in found["error"]["message"] and "approval" in found["error"]["message"]
    again = invoke("DetachStore", token, id=str(store.pk))
    assert again["error"] and Approval.objects.count() == 1


def test_profiles_go_out_and_in_as_clients_write_them(token: str, domain: Domain) -> None:
    ada = make_mailbox_in(domain, "ada").address
    details = {"host": "imap.example.net", "userName": "123", "password": "s", "skipSpecial": "false", "timeout": "30"}
    details |= {"targetUserFolder": ada, "port": "993"}
    profile = {"name": "Old mail", "owner": "admin", "type": "I", "connector": "imap", "details": details}
    made = invoke("CreateProfile", token, raw="true", properties=json.dumps(profile))
    assert made["error"] is None, made
    (listed,) = invoke("GetProfiles", token, raw="true")["result"]
    assert (listed["name"], listed["type"], listed["connector"]) == ("Old mail", "I", "imap")
    assert listed["details"]["targetUserFolder"] == ada and listed["details"]["skipSpecial"] == "false"
    assert all(isinstance(each, str) for each in listed["details"].values())
    times = {"fromIncluding": "2022-01-01T00:00:00", "toExcluding": "2030-01-01T00:00:00"}
    assert invoke("GetWorkerResults", token, **times, timeZoneID="W. Europe Standard Time")["result"] == []


@pytest.mark.parametrize(
    "protocol, more, wanted",
    [
        ("IMAP-TLS", {}, ("starttls", "143", "IMAP-TLS")),
        ("IMAP-SSL", {}, ("tls", "993", "IMAP-SSL")),
        ("imap", {"port": "1143"}, ("none", "1143", "IMAP")),
        ("IMAP", {"security": "tls", "port": "993"}, ("tls", "993", "IMAP-SSL")),  # as ours are told
    ],
)
def test_a_profile_s_protocol_says_how_it_is_encrypted(
    token: str, domain: Domain, protocol: str, more: dict[str, str], wanted: tuple[str, str, str]
) -> None:
    ada = make_mailbox_in(domain, "ada").address
    details = {"host": "imap.example.net", "protocol": protocol, "userName": "u", "password": "s", **more}
    details["targetUserFolder"] = ada
    profile = {"name": "Old mail", "type": "I", "connector": "imap", "details": details}
    made = invoke("CreateProfile", token, raw="true", properties=json.dumps(profile))
    assert made["error"] is None, made
    told = made["result"]["details"]
    assert (told["security"], told["port"], told["protocol"]) == wanted
    profile["details"] = {**details, "protocol": "Gopher"}
    assert invoke("CreateProfile", token, raw="true", properties=json.dumps(profile))["error"]


def test_stores_and_licences_have_what_checks_calculate_with(token: str) -> None:
    make_store()
    (store,) = invoke("GetStores", token, includeSize="true")["result"]
    assert {"id", "name", "type", "databasePath", "requestedState", "error"} <= set(store)
    assert store["statisticsCount"] == 0 and isinstance(store["statisticsSize"], int)
    assert store["searchIndexesNeedRebuild"] is False and store["needsUpgrade"] is False
    licence = invoke("GetLicenseInformation", token)["result"]
    assert licence["namedUsers"] / licence["maxNamedUsers"] < 1


def test_scripts_show_which_functions_they_call() -> None:
    text = """
    # GetUsers in a comment
    curl -k -u admin:x -d "" https://archive:8463/api/invoke/GetServerInfo
    $r = Invoke-MSApiCall $client "SetUserPassword" @{userName = "a"}
    MS-Invoke VerifyStore @{id = 1}
    client.GetStores()
    mgmt.call("MergeEverything")
    requests.post(base + "/api//get-status", data={"token": t})
    mailstore-cmd --host x GetUserInfo --userName="a"
    print("nothing here")
    """
    found = [(each.line, each.text, each.operation is not None) for each in scripts.find(text)]
    assert found == [
        (3, "GetServerInfo", True),
        (4, "SetUserPassword", True),
        (5, "VerifyStore", True),
        (6, "GetStores", True),
        (7, "MergeEverything", False),
        (8, "/api/get-status", True),
        (9, "GetUserInfo", True),
    ]
