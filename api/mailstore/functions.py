"""The 89 functions of the Management API, each with the arguments that its clients are told of (`get-metadata`).

Clients refuse by themselves what isn't in here: names, order and types of arguments are those of the manual, whatever
our commands take beside. A function is one of our commands of the same name. Not for what a function does.
Source: the MailStore administration API, function reference; what clients send and expect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from api.dialects.registry import Operation
from jobs.commands import Command, get_command
from jobs.errors import UnknownCommand

INVOKE = "/api/invoke/"
METADATA, STATUS, CANCEL = "/api/get-metadata", "/api/get-status", "/api/cancel-async"
UNSUPPORTED = "Postkeep has no such function."

_PLACE = (
    "databaseName?: string, databasePath?: string, contentPath?: string, indexPath?: string, "
    "serverName?: string, userName?: string, password?: string"
)
_WHEN = "date?: string, interval?: number, time?: string, dayOfWeek?: string, dayOfMonth?: string"
_SIGNATURES = """
write AttachStore(name: string, type: string, PLACE, requestedState?: string)
write CreateStore(name: string, type?: string, PLACE, requestedState?: string)
read GetStores(includeSize?: bool)
write RenameStore(id: number, name: string)
write SetStoreProperties(id: number, type?: string, PLACE)
write SetStoreRequestedState(id: number, requestedState?: string)
write DetachStore(id: number)
task MergeStore(id: number, sourceId: number)
write UnlockStore(id: number, passphrase: string)
task UpgradeStore(id: number)
task UpgradeStores()
task CompactStore(id: number)
task VerifyStore(id: number, includeIndexes?: bool)
task VerifyStores(includeIndexes?: bool)
task RecoverStore(id: number, encryptionKey?: string, recoverDeletedMessages?: bool)
task RecreateRecoveryRecords(id: number)
task RepairStoreDatabase(id: number)
write RetryOpenStores()
task RefreshAllStoreStatistics()
task MaintainFileSystemDatabases()
task CompactMasterDatabase()
read GetStoreAutoCreateConfiguration()
write SetStoreAutoCreateConfiguration(config: json)
task CreateBackup(path: string, excludeSearchIndexes?: bool)
write RenewMasterKey()
read GetStoreIndexes(id?: number)
write SelectAllStoreIndexesForRebuild()
task RebuildSelectedStoreIndexes()
task RebuildStoreIndex(id: number, folder: string)
read GetChildFolders(folder?: string, maxLevels?: number)
read GetFolderStatistics()
write MoveFolder(fromFolder: string, toFolder: string)
write DeleteEmptyFolders(folder?: string)
read GetMessages(folder?: string)
write DeleteMessage(id: string, reason: string)
read GetComplianceConfiguration()
write SetComplianceConfiguration(config: json)
read GetRetentionPolicies()
write SetRetentionPolicies(config: json)
task ProcessRetentionPolicies()
read GetProfiles(raw: bool)
write CreateProfile(properties: json, raw: bool)
write DeleteProfile(id: number)
task RunProfile(id: number)
task RunTemporaryProfile(properties: json, raw: bool)
write SetProfileServerSideExecution(id: number, automatic: bool, automaticPauseBetweenExecutions?: number,
    automaticMaintenanceWindows?: string)
read GetWorkerResults(fromIncluding: string, toExcluding: string, timeZoneID: string,
    profileID?: number, userName?: string)
read GetWorkerResultReport(id: number)
write CreateJob(name?: string, action?: string, owner?: string, timeZoneId?: string, WHEN)
read GetJobs()
write RenameJob(id?: number, name?: string)
write SetJobEnabled(id?: number, enabled?: bool)
write SetJobSchedule(id: number, timeZoneId: string, WHEN)
task RunJobAsync(id: number)
write CancelJobAsync(id: number)
write DeleteJob(id: string)
read GetJobResults(fromIncluding: string, toExcluding: string, timeZoneId: string, jobId?: number)
read GetTimeZones()
task SendStatusReport(timespan: string, timeZoneId: string, recipients: string)
read GetActiveSessions()
read GetUsers()
read GetUserInfo(userName: string)
write CreateUser(userName: string, privileges: string, fullName?: string, distinguishedName?: string,
    authentication?: string, password?: string, loginPrivileges?: string)
write RenameUser(oldUserName: string, newUserName: string)
write DeleteUser(userName: string)
write SetUserFullName(userName: string, fullName?: string)
write SetUserEmailAddresses(userName: string, emailAddresses?: string)
write SetUserPop3UserNames(userName: string, pop3UserNames?: string)
write SetUserDistinguishedName(userName: string, distinguishedName?: string)
write SetUserAuthentication(userName: string, authentication: string)
write SetUserPassword(userName: string, password: string)
write SetUserPrivileges(userName: string, privileges: string)
write SetUserLoginPrivileges(userName: string, loginPrivileges: string)
write SetUserPrivilegesOnFolder(userName: string, folder: string, privileges: string)
write ClearUserPrivilegesOnFolders(userName: string)
write DeleteAppPasswords(userName: string)
write InitializeMFA(userName: string)
write DisableMFA(userName: string)
read GetDirectoryServicesConfiguration()
write SetDirectoryServicesConfiguration(config: json)
task SyncUsersWithDirectoryServices(dryRun?: bool)
read GetServerInfo()
read GetServiceConfiguration()
read GetCredentials()
read GetLicenseInformation()
write SetServiceCertificate(thumbprint: string)
read GetSmtpSettings()
write SetSmtpSettings(settings: json)
task TestSmtpSettings()
"""
_ARGUMENT = re.compile(r"(\w+)(\??): (\w+)")
_QUICK = frozenset({"RunJobAsync"})  # only starts a run, and is answered at once


@dataclass(frozen=True, slots=True)
class Argument:
    """type: string, number, bool or json."""

    name: str
    type: str
    nullable: bool

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "type": self.type, "nullable": self.nullable}


@dataclass(frozen=True, slots=True)
class Function:
    """kind: read, write or task (answered with a token)."""

    name: str
    kind: str
    arguments: tuple[Argument, ...]

    @property
    def command(self) -> Command | None:
        """Who does it; None for what Postkeep doesn't do."""
        try:
            return get_command(self.name)
        except UnknownCommand:
            return None

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "args": [each.as_json() for each in self.arguments]}


def _function(line: str) -> Function:
    kind, name, arguments = re.fullmatch(r"(\w+) (\w+)\((.*)\)", line).groups()  # type: ignore[union-attr]  # ours
    if name in _QUICK:
        kind = "write"
    text = arguments.replace("PLACE", _PLACE).replace("WHEN", _WHEN)
    found = (Argument(each[1], each[3], bool(each[2])) for each in _ARGUMENT.finditer(text))
    return Function(name, kind, tuple(found))


def _functions() -> dict[str, Function]:
    lines = _SIGNATURES.strip().replace("\n    ", " ").split("\n")
    found = sorted(map(_function, lines), key=lambda each: each.name)
    return {each.name: each for each in found}


FUNCTIONS = _functions()


def metadata() -> list[dict[str, object]]:
    """What `get-metadata` answers: every function of the manual, by name."""
    return [each.as_json() for each in FUNCTIONS.values()]


@cache
def operations() -> tuple[Operation, ...]:
    """Every function, and the three calls beside them."""
    return (
        Operation("POST", METADATA, "list the functions with their arguments", reads=True, public=True),
        Operation("POST", STATUS, "wait for news of a running function", reads=True),
        Operation("POST", CANCEL, "ask a running function to stop"),
        *(_operation(each) for each in FUNCTIONS.values()),
    )


def _operation(function: Function) -> Operation:
    command = function.command
    about, refused = (command.help, "") if command is not None else ("", UNSUPPORTED)
    return Operation("POST", INVOKE + function.name, about, refused, reads=function.kind == "read")
