"""What our commands answer as clients of the Management API read it, and what those send as our commands take it.

Keys that its clients read are there under their names and with the types they calculate with; what we tell beyond that
stays beside them. Functions that only set something answer nothing. Source: result shapes that clients read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from archive.models import ProfileKind, RunOutcome
from archive.profiles.fields import fields_of
from archive.remote.connecting import TIMEOUT_S
from jobs.mail_server import NAMES as SMTP_NAMES
from jobs.schedules import LOCAL, zone_of

Result = Mapping[str, Any]
NO_LIMIT = 2_147_483_647  # checks divide by the number of licences: the largest number their integers hold
READS_NOTHING_BACK = frozenset(
    {
        "CancelJobAsync", "ClearUserPrivilegesOnFolders", "DeleteAppPasswords", "DeleteJob", "DeleteMessage",
        "DeleteProfile", "DeleteUser", "DetachStore", "DisableMFA", "InitializeMFA", "RenameJob", "RenameStore",
        "RenameUser", "SelectAllStoreIndexesForRebuild", "SetDirectoryServicesConfiguration",
        "SetJobEnabled", "SetJobSchedule", "SetProfileServerSideExecution", "SetServiceCertificate", "SetSmtpSettings",
        "SetStoreAutoCreateConfiguration", "SetStoreProperties", "SetStoreRequestedState", "SetUserAuthentication",
        "SetUserDistinguishedName", "SetUserEmailAddresses", "SetUserFullName", "SetUserLoginPrivileges",
        "SetUserPassword", "SetUserPop3UserNames", "SetUserPrivileges", "SetUserPrivilegesOnFolder", "UnlockStore",
    }
)  # fmt: skip
_LISTS = {
    "GetJobs": "jobs",
    "GetJobResults": "results",
    "GetTimeZones": "timeZones",
    "GetActiveSessions": "sessions",
    "GetRetentionPolicies": "policies",
    "GetCredentials": "credentials",
}
_JOB = ("nextRun", "lastRun")
_RUN = ("due", "started", "ended")
_MOMENTS = {
    "CreateJob": _JOB,
    "GetActiveSessions": ("since", "lastUsed", "ends"),
    "GetFolderStatistics": ("oldest", "newest"),
    "GetJobResults": _RUN,
    "GetJobs": _JOB,
    "GetMessages": ("date",),
    "RunJobAsync": _RUN,
}
_TEXTS = ("text", "secret", "long", "choice", "")
_TARGET, _PROTOCOL = "targetUserFolder", "protocol"
_ONLY_TOLD = (_TARGET, _PROTOCOL, "emailAddress", "timeout")
# Protocol and encryption are one word there: IMAP, IMAP-TLS (which begins in plain), IMAP-SSL.
_SECURITY = {"": "none", "TLS": "starttls", "SSL": "tls"}
_ENCRYPTED = {security: f"-{word}" if word else "" for word, security in _SECURITY.items()}
_SPEAKS = {"imap": "IMAP", "imapUsers": "IMAP", "exportImap": "IMAP", "pop3": "POP3", "exportSmtp": "SMTP"}
_PORTS = {("imap", "tls"): 993, ("imap", ""): 143, ("pop3", "tls"): 995, ("pop3", ""): 110}
_PORTS |= {("smtp", "tls"): 465, ("smtp", ""): 587}
_OF_PROFILES = ("id", "version", "name", "type", "serverSideExecution")
# How runs of ours end, in the words of clients, which know no others.
_OUTCOMES = {"incomplete": "completedWithErrors", "paused": "cancelled", "interrupted": "failed"}


def shaped(function: str, result: Result, form: Mapping[str, str] | None = None) -> Any:
    """A command's result as the function's; `form` is what was asked, and may name the time zone of its moments."""
    if function in READS_NOTHING_BACK:
        return None
    if function in _MOMENTS:
        names, zone = _MOMENTS[function], zone_of((form or {}).get("timeZoneId") or LOCAL)
        result = _dated(result, names, zone)
    if function in _LISTS:
        return result.get(_LISTS[function], [])
    shape = _SHAPES.get(function)
    return result if shape is None else shape(result)


def _dated(entry: Result, names: tuple[str, ...], zone: tzinfo) -> dict[str, Any]:
    """An entry and those it lists, with their moments as `YYYY-MM-DDThh:mm:ss` in a zone, an entry's own before it."""
    where = zone_of(str(entry["timeZoneId"])) if entry.get("timeZoneId") else zone
    found = {**entry, **{name: _moment(entry[name], where) for name in names if entry.get(name)}}
    lists = {name: value for name, value in entry.items() if isinstance(value, list)}
    for name, value in lists.items():
        found[name] = [_dated(each, names, zone) if isinstance(each, Mapping) else each for each in value]
    return found


def _moment(text: Any, zone: tzinfo) -> str:
    return datetime.fromisoformat(str(text)).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def given(function: str, form: dict[str, str]) -> dict[str, str]:
    """A function's fields, where clients mean by them what our command says otherwise."""
    if function in ("CreateProfile", "RunTemporaryProfile") and "properties" in form:
        return form | {"properties": _flat(form["properties"])}
    return form


def _stores(result: Result) -> Any:
    return [_store(each) for each in result.get("stores", [])]


def _store(each: Result) -> dict[str, Any]:
    return {
        **each,
        "statisticsSize": each.get("sizeBytes") or 0,
        "statisticsCount": each.get("messages") or 0,
        "searchIndexesNeedRebuild": bool(each.get("indexSelected")),
        "needsUpgrade": False,  # a store is brought to the present format when it is opened
    }


def _users(result: Result) -> Any:
    names = ("userName", "fullName", "distinguishedName")
    return [{name: each[name] for name in names} for each in result.get("users", [])]


def _user(result: Result) -> Any:
    folders = [
        {"folder": each.get("path") or each["folder"], "privileges": each["privileges"]}
        for each in result.get("privilegesOnFolders", [])
    ]
    return {**result, "privilegesOnFolders": folders}


def _license(result: Result) -> Any:
    if result.get("maxNamedUsers") is not None:
        return result
    return {**result, "maxNamedUsers": NO_LIMIT, "unusedNamedUsers": NO_LIMIT - int(result.get("namedUsers") or 0)}


def _smtp(result: Result) -> Any:
    """All of its names, also where none or only the environment's server is set up."""
    told: dict[str, Any] = {
        name: [] if name == "recipientEmailAddresses" else None for name in SMTP_NAMES if name != "password"
    }
    return {**told, **result}


def _indexes(result: Result) -> Any:
    return [{**each, "needsRebuild": each.get("selectedForRebuild")} for each in result.get("indexes", [])]


def _children(result: Result) -> Any:
    return [_child(each) for each in result.get("folders", [])]


def _child(each: Result) -> dict[str, Any]:
    below = [_child(one) for one in each.get("folders", [])]
    return {"name": each["name"], "folder": each["folder"], "messages": each["messages"], "childFolders": below}


def _statistics(result: Result) -> Any:
    return [
        {
            "folder": each["folder"],
            "count": each["messages"],
            "size": each["size_bytes"],
            "oldest": each["oldest"],
            "newest": each["newest"],
        }
        for each in result.get("folders", [])
    ]


def _messages(result: Result) -> Any:
    return [
        {**{name: value for name, value in each.items() if name != "size_bytes"}, "size": each["size_bytes"]}
        for each in result.get("messages", [])
    ]


def _profiles(result: Result) -> Any:
    return [_profile(each) for each in result.get("profiles", [])]


def _profile(each: Result) -> dict[str, Any]:
    """`type` says whether it archives (I) or exports (E), `connector` of what kind it is; the rest are its details."""
    kind = str(each["type"])
    details = {name: _text(value) for name, value in each.items() if name not in _OF_PROFILES}
    if kind in _SPEAKS:
        details[_PROTOCOL] = _SPEAKS[kind] + _ENCRYPTED.get(details.get("security", ""), "")
        details["timeout"] = str(round(TIMEOUT_S))
    if details.get("mailbox"):
        details |= {_TARGET: details["mailbox"], "emailAddress": details["mailbox"]}
    return {
        "id": each["id"],
        "version": each["version"],
        "name": each["name"],
        "owner": "admin",  # profiles are the server's
        "type": "E" if kind.startswith("export") else "I",
        "connector": kind,
        "details": details,
        "serverSideExecution": each["serverSideExecution"],
    }


def _text(value: Any) -> str:
    """Details are texts."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _flat(text: str) -> str:
    """A profile as `GetProfiles` tells it, as our commands take it; what isn't one is left for them to refuse."""
    try:
        profile = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(profile, dict) or not isinstance(profile.get("details"), dict):
        return text
    passed = ("id", "version", "owner", "type", "connector", "details")
    found = {name: value for name, value in profile.items() if name not in passed}
    kind = profile.get("connector", profile.get("type"))
    kinds = {each.outside: each.kind for each in fields_of(kind)} if kind in ProfileKind.values else {}
    for name, value in profile["details"].items():
        if name not in _ONLY_TOLD or name in kinds:
            found[name] = _value(kinds.get(name, ""), value)
    word = profile["details"].get(_PROTOCOL)
    if word is not None and (_PROTOCOL not in kinds or "-" in str(word)):
        found = {**_spoken(word, kinds), **found, **_named(word, kinds)}
    if "mailbox" in kinds and "mailbox" not in found and isinstance(profile["details"].get(_TARGET), str):
        found["mailbox"] = profile["details"][_TARGET].partition("/")[0]
    return json.dumps(found | {"type": kind})


def _spoken(word: Any, kinds: Mapping[str, str]) -> dict[str, Any]:
    """What a protocol in one word says beside its name; one that isn't known is left for our commands to refuse."""
    name, _dash, way = str(word).strip().lower().partition("-")
    security = _SECURITY.get(way.upper())
    port = _PORTS.get((name, "tls" if security == "tls" else ""))
    if "security" not in kinds or security is None or port is None:
        return {_PROTOCOL: word}
    return {"security": security, "port": port}


def _named(word: Any, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Its name, for a kind of profile that speaks several."""
    return {_PROTOCOL: str(word).partition("-")[0].strip().lower()} if _PROTOCOL in kinds else {}


def _value(kind: str, value: Any) -> Any:
    """A detail: a text as clients send them, read where the property is none."""
    if kind in _TEXTS or not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError):
        return value


def _worker_results(result: Result) -> Any:
    """Those that have ended: clients calculate with the time of their end."""
    ended = [each for each in result.get("results", []) if each["result"] != RunOutcome.RUNNING]
    return [_worker_result(each) for each in ended]


def _worker_result(each: Result) -> dict[str, Any]:
    return {**each, "result": _OUTCOMES.get(each["result"], each["result"])}


_SHAPES: dict[str, Callable[[Result], Any]] = {
    "AttachStore": _store,
    "CreateStore": _store,
    "CreateProfile": _profile,
    "GetChildFolders": _children,
    "GetFolderStatistics": _statistics,
    "GetLicenseInformation": _license,
    "GetMessages": _messages,
    "GetProfiles": _profiles,
    "GetSmtpSettings": _smtp,
    "GetStoreIndexes": _indexes,
    "GetStores": _stores,
    "GetUserInfo": _user,
    "GetUsers": _users,
    "GetWorkerResultReport": _worker_result,
    "GetWorkerResults": _worker_results,
}
