"""Every function of the manual: with good arguments, without one, with wrong ones, and by a domain's administrator.

The table says what each is given and what it answers. Nobody and users without rights: the sweep. Names in braces
are things of the world that is built for it.
Source: the MailStore administration API, function reference; result shapes that clients read.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from accounts.actors import Actor
from accounts.models import User
from api.mailstore import entry
from api.mailstore.functions import FUNCTIONS
from archive import engines
from archive.services.stores import create_store
from config.kit import paths
from jobs import dispatching
from jobs.models import Task
from jobs.services import run_waiting
from tests.api import world
from tests.api.dialects.calling import switch_on
from tests.api.mailstore.client import post, said
from tests.archive.django.factories import archive, ensure_keys, make_mails, make_mbox, write

pytestmark = pytest.mark.django_db

STORE = {"id", "name", "type", "databasePath", "requestedState", "statisticsSize", "statisticsCount",
         "searchIndexesNeedRebuild", "needsUpgrade", "error"}  # fmt: skip
PROFILE = {"id", "name", "owner", "type", "connector", "details", "serverSideExecution"}
RESULT = {"id", "profileID", "profileName", "startTime", "completeTime", "result", "userName"}
JOB = {"id", "name", "action", "owner", "enabled", "nextRun"}
JOB_RESULT = {"id", "jobId", "state", "started", "ended"}
SMTP = {"hostname", "port", "protocol", "ignoreSslPolicyErrors", "authenticationRequired", "username",
        "fromDisplayName", "fromEmailAddress", "recipientEmailAddresses"}  # fmt: skip
COMPLIANCE = {"adminEmailPreviewEnabled", "legalHoldEnabled", "passwordPolicyEnabled", "logSuccessfulUserActivities"}
AUTO_CREATE = {"sizeThreshold", "databaseBaseDirectory", "contentBaseDirectory", "indexBaseDirectory"}
LICENCE = {"productKey", "productVersion", "maxNamedUsers", "namedUsers", "unusedNamedUsers", "supportExpiryDate",
           "supportLevel", "validFrom", "validTo", "licensedTo", "machineName"}  # fmt: skip
POLICY = {"name", "order", "enabled", "searchCriteria", "period", "periodInterval", "referenceDateType", "delete"}
REPORT = {"ok", "stores"}  # of what was done with stores
TIMES = {"fromIncluding": "2022-01-01T00:00:00", "toExcluding": "2100-01-01T00:00:00"}
MANUALS_SMTP = {
    "hostname": "mail.example.com", "port": 587, "protocol": "SMTP-TLS", "ignoreSslPolicyErrors": False,
    "authenticationRequired": True, "username": "sender@example.com", "password": "userpassword",
    "fromDisplayName": "Sending User", "fromEmailAddress": "sender@example.com",
    "recipientEmailAddresses": ["recipient1@example.com", "recipient2@example.com"],
}  # fmt: skip
MANUALS_POLICY = {
    "name": "Keep All Mails for 10 Years", "order": 1, "enabled": True, "period": 10, "periodInterval": "year",
    "referenceDateType": "ArchiveDate", "delete": False,
    "searchCriteria": {"from": None, "to": None, "query": None, "queryAttachmentContents": False,
                       "queryAttachments": False, "queryMessageBody": False, "querySubject": False,
                       "includedArchives": None, "excludedArchives": ["ada@own.example"]},
}  # fmt: skip
LDAP = {"type": "ldap", "settings": {"host": "ldap.example.net", "base_dn": "dc=example,dc=net"}}
MBOX = {"name": "Boxes", "type": "I", "connector": "mbox",
        "details": {"path": "{imports}", "targetUserFolder": "ada@own.example"}}  # fmt: skip

# Function, what it is given, and what it answers: names of an object, [names] of each entry of a list, None for
# nothing, or the words of its refusal. Those of a task come at its end.
GOOD: list[tuple[str, dict[str, Any], Any]] = [
    ("GetServerInfo", {}, {"version", "machineName"}),
    ("GetServiceConfiguration", {}, {"masterDatabase", "auditLog", "logs", "endpoints", "certificate"}),
    ("GetCredentials", {}, [{"kind", "credentials"}]),
    ("GetLicenseInformation", {}, LICENCE),
    ("GetSmtpSettings", {}, SMTP),
    ("SetSmtpSettings", {"settings": MANUALS_SMTP}, None),
    ("TestSmtpSettings", {}, "server"),
    ("SetServiceCertificate", {"thumbprint": "AB CD"}, "no certificate of this thumbprint"),
    ("GetStores", {}, [STORE]),
    ("GetStores", {"includeSize": "false"}, [STORE]),
    ("CreateStore", {"name": "Third"}, STORE),
    ("CreateStore", {"name": "Third", "type": "FileSystemInternal", "requestedState": "current"}, STORE),
    ("AttachStore", {"name": "Back", "type": "FileSystemInternal", "contentPath": "{loose}"}, STORE),
    ("RenameStore", {"id": "{second}", "name": "Other"}, None),
    ("SetStoreProperties", {"id": "{second}", "type": "FileSystemInternal", "contentPath": "{second_path}"}, None),
    ("SetStoreRequestedState", {"id": "{second}", "requestedState": "writeProtected"}, None),
    ("DetachStore", {"id": "{second}"}, None),
    ("MergeStore", {"id": "{store}", "sourceId": "{second}"}, REPORT),
    ("UnlockStore", {"id": "{second}", "passphrase": "x"}, "recovery key"),
    ("UpgradeStore", {"id": "{store}"}, REPORT),
    ("UpgradeStores", {}, REPORT),
    ("CompactStore", {"id": "{store}"}, REPORT),
    ("VerifyStore", {"id": "{store}", "includeIndexes": "true"}, REPORT),
    ("VerifyStores", {"includeIndexes": "false"}, REPORT),
    ("RecoverStore", {"id": "{store}"}, REPORT),
    ("RecreateRecoveryRecords", {"id": "{store}"}, REPORT),
    ("RepairStoreDatabase", {"id": "{store}"}, REPORT),
    ("RetryOpenStores", {}, {"failed"}),
    ("RefreshAllStoreStatistics", {}, REPORT),
    ("MaintainFileSystemDatabases", {}, REPORT),
    ("CompactMasterDatabase", {}, "inside a transaction"),  # where this test is
    ("GetStoreAutoCreateConfiguration", {}, AUTO_CREATE),
    ("SetStoreAutoCreateConfiguration",
     {"config": {"sizeThreshold": None, "databaseBaseDirectory": "", "contentBaseDirectory": "",
                 "indexBaseDirectory": ""}}, None),
    ("CreateBackup", {"path": "{backups}", "excludeSearchIndexes": "true"}, {"ok", "messages"}),
    ("RenewMasterKey", {}, {"stores"}),
    ("GetStoreIndexes", {}, [{"id", "name", "path", "needsRebuild"}]),
    ("GetStoreIndexes", {"id": "{store}"}, [{"id", "name", "path", "needsRebuild"}]),
    ("SelectAllStoreIndexesForRebuild", {}, None),
    ("RebuildSelectedStoreIndexes", {}, REPORT),
    ("RebuildStoreIndex", {"id": "{store}", "folder": "ada@own.example/Inbox"}, REPORT),
    ("GetChildFolders", {}, [{"name", "folder", "childFolders"}]),
    ("GetChildFolders", {"folder": "ada@own.example", "maxLevels": "1"}, [{"name", "folder", "childFolders"}]),
    ("GetFolderStatistics", {}, [{"folder", "count", "size"}]),
    ("MoveFolder", {"fromFolder": "ada@own.example/Work", "toFolder": "ada@own.example/Projects"}, {"folder"}),
    ("DeleteEmptyFolders", {}, {"folders"}),
    ("DeleteEmptyFolders", {"folder": "ada@own.example"}, {"folders"}),
    ("GetMessages", {"folder": "root@server.example/Inbox"}, [{"id", "subject", "date", "size"}]),
    ("DeleteMessage", {"id": "{message}", "reason": "asked for by its sender"}, None),
    ("GetComplianceConfiguration", {}, COMPLIANCE),
    ("SetComplianceConfiguration", {"config": {
        "adminEmailPreviewEnabled": True, "legalHoldEnabled": False, "passwordPolicyEnabled": True,
        "logSuccessfulUserActivities": ["AdminRestored", "UserAdd", "UserUpdate"]}}, COMPLIANCE),
    ("GetRetentionPolicies", {}, []),
    ("SetRetentionPolicies", {"config": [MANUALS_POLICY]}, {"policies"}),
    ("ProcessRetentionPolicies", {}, {"stores", "deleted"}),
    ("GetProfiles", {"raw": "true"}, [PROFILE]),
    ("CreateProfile", {"properties": MBOX, "raw": "true"}, PROFILE),
    ("DeleteProfile", {"id": "{profile}"}, None),
    ("RunProfile", {"id": "{profile}"}, {"outcome"}),
    ("RunTemporaryProfile", {"properties": MBOX, "raw": "true"}, {"outcome"}),
    ("SetProfileServerSideExecution", {"id": "{profile}", "automatic": "false"}, None),
    ("SetProfileServerSideExecution",
     {"id": "{profile}", "automatic": "true", "automaticPauseBetweenExecutions": "60",
      "automaticMaintenanceWindows": "22:00-04:00"}, None),
    ("GetWorkerResults", TIMES | {"timeZoneID": "$Local"}, [RESULT]),
    ("GetWorkerResults", TIMES | {"timeZoneID": "W. Europe Standard Time", "profileID": "{profile}",
                                  "userName": "root@server.example"}, [RESULT]),
    ("GetWorkerResultReport", {"id": "{result}"}, RESULT | {"folders"}),
    ("CreateJob", {"name": "Daily Backup", "action": "GetServerInfo", "owner": "root@server.example",
                   "timeZoneId": "W. Europe Standard Time", "time": "22:30", "dayOfMonth": "Last"}, JOB),
    ("CreateJob", {"action": "VerifyStores --includeIndexes=false", "timeZoneId": "$Local", "interval": "240"}, JOB),
    ("GetJobs", {}, [JOB]),
    ("RenameJob", {"id": "{job}", "name": "Nightly"}, None),
    ("SetJobEnabled", {"id": "{job}", "enabled": "false"}, None),
    ("SetJobSchedule", {"id": "{job}", "timeZoneId": "$Local", "time": "03:00", "dayOfWeek": "Sunday"}, None),
    ("SetJobSchedule", {"id": "{job}", "timeZoneId": "$Local", "date": "2090-01-01T00:00:00"}, None),
    ("RunJobAsync", {"id": "{job}"}, {"task", "jobId"}),
    ("CancelJobAsync", {"id": "{job}"}, "state"),
    ("DeleteJob", {"id": "{job}"}, None),
    ("GetJobResults", TIMES | {"timeZoneId": "$Local"}, [JOB_RESULT]),
    ("GetJobResults", TIMES | {"timeZoneId": "$Local", "jobId": "{job}"}, [JOB_RESULT]),
    ("GetTimeZones", {}, [{"id"}]),
    ("SendStatusReport", {"timespan": "lastweek", "timeZoneId": "$Local", "recipients": "ada@own.example, b@own.test"},
     "mail"),
    ("GetActiveSessions", {}, []),
    ("GetUsers", {}, [{"userName", "fullName", "distinguishedName"}]),
    ("GetUserInfo", {"userName": "ada@own.example"},
     {"userName", "fullName", "distinguishedName", "authentication", "emailAddresses", "pop3UserNames", "privileges",
      "loginPrivileges", "privilegesOnFolders"}),
    ("CreateUser", {"userName": "new@own.example", "privileges": "login, archive,export"}, {"userName"}),
    ("CreateUser", {"userName": "new@own.example", "privileges": "none", "fullName": "New", "password": "long enough 9",
                    "authentication": "integrated", "loginPrivileges": "web,imap"}, {"userName"}),
    ("RenameUser", {"oldUserName": "ada@own.example", "newUserName": "eve@own.example"}, None),
    ("DeleteUser", {"userName": "ada@own.example"}, None),
    ("SetUserFullName", {"userName": "ada@own.example", "fullName": "Ada"}, None),
    ("SetUserFullName", {"userName": "ada@own.example"}, None),
    ("SetUserEmailAddresses", {"userName": "ada@own.example", "emailAddresses": "ada@own.example,a@own.example"}, None),
    ("SetUserEmailAddresses", {"userName": "ada@own.example"}, None),
    ("SetUserPop3UserNames", {"userName": "ada@own.example", "pop3UserNames": "ada@own.example"}, None),
    ("SetUserPop3UserNames", {"userName": "ada@own.example"}, None),
    ("SetUserDistinguishedName", {"userName": "ada@own.example", "distinguishedName": "cn=ada,dc=own"}, None),
    ("SetUserDistinguishedName", {"userName": "ada@own.example"}, None),
    ("SetUserAuthentication", {"userName": "ada@own.example", "authentication": "integrated"}, None),
    ("SetUserPassword", {"userName": "ada@own.example", "password": "a long enough passphrase 9"}, None),
    ("SetUserPrivileges", {"userName": "ada@own.example", "privileges": "login,changePassword"}, None),
    ("SetUserLoginPrivileges", {"userName": "ada@own.example", "loginPrivileges": "web, windows, outlook"}, None),
    ("SetUserPrivilegesOnFolder",
     {"userName": "ada@own.example", "folder": "ada@own.example", "privileges": "read, write"}, None),
    ("ClearUserPrivilegesOnFolders", {"userName": "ada@own.example"}, None),
    ("DeleteAppPasswords", {"userName": "ada@own.example"}, None),
    ("InitializeMFA", {"userName": "ada@own.example"}, None),
    ("DisableMFA", {"userName": "ada@own.example"}, None),
    ("GetDirectoryServicesConfiguration", {}, {"type", "status"}),
    ("SetDirectoryServicesConfiguration", {"config": LDAP}, None),
    ("SyncUsersWithDirectoryServices", {"dryRun": "true"}, "not set up"),
]  # fmt: skip


# Tasks, for a second person may have to approve them; they are waited for a moment.
OF_TWO_PEOPLE = {"DetachStore", "RenewMasterKey", "DeleteMessage", "SetRetentionPolicies", "SetComplianceConfiguration"}
# Functions that a domain's administrator gets an answer from, about their part; the rest is refused to them.
OF_DELEGATES = {
    "GetServerInfo", "GetTimeZones", "GetChildFolders", "GetFolderStatistics", "GetUsers", "GetUserInfo", "CreateUser",
    "RenameUser", "DeleteUser", "SetUserFullName", "SetUserEmailAddresses", "SetUserPop3UserNames",
    "SetUserAuthentication", "SetUserDistinguishedName", "SetUserPassword", "SetUserPrivileges",
    "SetUserLoginPrivileges",
    "SetUserPrivilegesOnFolder", "ClearUserPrivilegesOnFolders", "DeleteAppPasswords", "InitializeMFA", "DisableMFA",
    "GetActiveSessions", "DeleteEmptyFolders",
}  # fmt: skip
# Values that fit nothing we keep. Those of another kind are tried for each argument anyway.
TOO_MUCH = {"number": ("9" * 30,), "bool": (), "json": ("[[[[", '"text"'), "string": ("\0", "x" * 3000)}


class Stand:
    """The world, and the values of the names in braces."""

    def __init__(self) -> None:
        self.cast = world.build()
        self.token = self.cast.administrator.token
        person = self.cast.own.person
        (message, *_rest) = archive(person, make_mails(3))
        archive(person, make_mails(1, word="work"), folder="Work")
        root = User.objects.get(email="root@server.example")
        archive(root, make_mails(2, word="root"))
        second = create_store(Actor.system(), name="Second")
        loose = create_store(Actor.system(), name="Loose")
        self.values = {"store": message.partition(":")[0], "second": str(second.pk), "message": message}
        self.values |= {"second_path": str(second.root), "loose": str(loose.root)}
        self.values |= {"imports": str(paths.home() / "import"), "backups": str(paths.home() / "backups" / "functions")}
        write(paths.home() / "import" / "functions.mbox", make_mbox(make_mails(2, word="old")))
        assert self.ended("DetachStore", {"id": str(loose.pk)})["error"] is None
        self.values["profile"] = self._made("CreateProfile", {"properties": MBOX, "raw": "true"})
        self._made("RunProfile", {"id": "{profile}"}, "result")
        self.values["job"] = self._made(
            "CreateJob", {"action": "GetServerInfo", "interval": "5", "timeZoneId": "$Local"}
        )
        self._made("RunJobAsync", {"id": "{job}"}, "task")
        run_waiting(int(self.values["task"]))
        dispatching.settle_runs()

    def _made(self, function: str, form: dict[str, Any], name: str = "id") -> str:
        found = self.ended(function, form)
        assert found["error"] is None, found
        self.values[name] = str(found["result"][name])
        return self.values[name]

    def filled(self, form: dict[str, Any]) -> dict[str, str]:
        """As on the wire: JSON as text, names in braces with their values."""
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}
        for name, value in self.values.items():
            texts = {key: text.replace("{" + name + "}", value) for key, text in texts.items()}
        return texts

    def said(self, function: str, form: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        answer = post(f"/api/invoke/{function}", self.filled(form), token=self.token if token is None else token)
        assert answer.status_code == 200, (function, form, answer.status_code, answer.content[:300])
        return said(answer)

    def ended(self, function: str, form: dict[str, Any]) -> dict[str, Any]:
        """The last envelope: a task is run and asked for by its token."""
        found = self.said(function, form)
        if found["statusCode"] != "running":
            assert found["token"] is None
            return found
        assert found["token"] and found["result"] is None
        assert FUNCTIONS[function].kind == "task" or function in OF_TWO_PEOPLE
        run_waiting(Task.objects.latest("pk").pk)
        last = str(found["statusVersion"])
        return said(
            post("/api/get-status", {"token": found["token"], "lastKnownStatusVersion": last}, token=self.token)
        )

    @contextmanager
    def scene(self) -> Iterator[None]:
        """What is written inside is taken back, where a store's state may have been changed its engine too."""
        point = transaction.savepoint()
        try:
            yield
        finally:
            transaction.savepoint_rollback(point)


@pytest.fixture(scope="module")
def stand(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stand]:
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "WAITED_FOR_S", 0.0)  # no worker runs here
        ensure_keys()
        switch_on("mailstore")
        yield Stand()
        transaction.set_rollback(True)
        engines.close_all()
    for folder in (paths.stores_dir(), paths.work_dir(), paths.home() / "import", paths.home() / "backups"):
        shutil.rmtree(folder, ignore_errors=True)


def is_as_told(result: Any, wanted: Any) -> bool:
    if isinstance(wanted, set):
        return isinstance(result, dict) and wanted <= set(result)
    if isinstance(wanted, list):
        return (
            isinstance(result, list) and len(result) >= len(wanted) and all(wanted[0] <= set(each) for each in result)
        )
    return result is None


def test_the_table_has_every_function_of_the_manual() -> None:
    assert {name for name, _form, _wanted in GOOD} == set(FUNCTIONS)
    for name, form, _wanted in GOOD:
        assert set(form) <= {each.name for each in FUNCTIONS[name].arguments}, name


def test_each_function_with_good_arguments_answers_in_its_shape(stand: Stand) -> None:
    wrong: list[str] = []
    for name, form, wanted in GOOD:
        with stand.scene():
            found = stand.ended(name, form)
        if isinstance(wanted, str):
            is_right = found["statusCode"] == "failed" and wanted in found["error"]["message"]
        else:
            is_right = found["statusCode"] == "succeeded" and found["error"] is None
            is_right = is_right and is_as_told(found["result"], wanted)
        if not is_right:
            wrong.append(f"{name}({form}): {found['error']} {json.dumps(found['result'])[:300]}")
    assert not wrong, "\n".join(wrong)


def test_each_function_names_the_argument_that_is_missing_unknown_or_wrong(stand: Stand) -> None:
    wrong: list[str] = []
    for name, form in {name: form for name, form, _wanted in GOOD}.items():
        function = FUNCTIONS[name]
        tries = [(form | {"more": "1"}, "Unknown API argument more.", "more")]
        for each in function.arguments:
            if not each.nullable:
                rest = {key: value for key, value in form.items() if key != each.name}
                tries.append((rest, f"Missing API argument {each.name}.", each.name))
            if each.type != "string":
                tries.append((form | {each.name: "{"}, f"{each.name} must be ", each.name))
        for given, message, argument in tries:
            error = stand.said(name, given)["error"]
            if (
                error is None
                or not error["message"].startswith(message)
                or f"at {name}({argument})" not in error["details"]
            ):
                wrong.append(f"{name}({given}): {error}")
    assert not wrong, "\n".join(wrong)


def test_no_value_makes_a_function_fail_as_a_server(stand: Stand) -> None:
    wrong: list[str] = []
    for name, form in {name: form for name, form, _wanted in GOOD}.items():
        for each in FUNCTIONS[name].arguments:
            for value in TOO_MUCH[each.type]:
                with stand.scene():
                    answer = post(f"/api/invoke/{name}", stand.filled(form | {each.name: value}), token=stand.token)
                    error = said(answer)["error"]
                    if answer.status_code != 200 or (error is None and each.type == "number"):
                        wrong.append(f"{name}({each.name}={value[:20]!r}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_domain_s_administrator_is_answered_about_their_part_and_refused_the_rest(stand: Stand) -> None:
    answered = set()
    for name, form in {name: form for name, form, _wanted in GOOD}.items():
        with stand.scene():
            if stand.said(name, form, stand.cast.delegate.token)["error"] is None:
                answered.add(name)
    assert answered == OF_DELEGATES


def test_what_a_function_reads_it_also_writes(stand: Stand) -> None:
    """Scripts read a configuration, change a value and send it back with all that was answered."""
    with stand.scene():
        assert stand.said("SetSmtpSettings", {"settings": MANUALS_SMTP})["error"] is None
        told = stand.said("GetSmtpSettings", {})["result"]
        assert (
            stand.said("SetSmtpSettings", {"settings": told | {"password": None, "fromDisplayName": "B"}})["error"]
            is None
        )
        assert stand.said("GetSmtpSettings", {})["result"] == told | {"fromDisplayName": "B"}
        for subject in ("Compliance", "StoreAutoCreate"):
            told = stand.said(f"Get{subject}Configuration", {})["result"]
            assert stand.said(f"Set{subject}Configuration", {"config": told})["error"] is None
        stand.ended("SetRetentionPolicies", {"config": [MANUALS_POLICY]})
        policies = stand.said("GetRetentionPolicies", {})["result"]
        assert policies[0].items() >= MANUALS_POLICY.items()
        assert stand.ended("SetRetentionPolicies", {"config": policies})["error"] is None
        (profile,) = stand.said("GetProfiles", {"raw": "true"})["result"]
        again = {name: value for name, value in profile.items() if name not in ("id", "version")}
        assert stand.said("CreateProfile", {"properties": again | {"name": "Again"}, "raw": "true"})["error"] is None


def test_moments_are_local_and_without_a_zone(stand: Stand) -> None:
    (job,) = stand.said("GetJobs", {})["result"]
    (run,) = stand.said("GetJobResults", TIMES | {"timeZoneId": "Tokyo Standard Time"})["result"]
    (here,) = stand.said("GetJobResults", TIMES | {"timeZoneId": "UTC"})["result"]
    moments = [datetime.strptime(each, "%Y-%m-%dT%H:%M:%S") for each in (job["nextRun"], run["ended"], here["ended"])]
    assert moments[1] - moments[2] == timedelta(hours=9)  # Japan has no summer time
