"""What the access sweep needs to know of the MailStore dialect."""

from __future__ import annotations

import json
from typing import Any

from api.dialects.registry import Operation
from api.mailstore.functions import FUNCTIONS, INVOKE, UNSUPPORTED
from tests.api.dialects.sweep import Sweep
from tests.api.mailstore.client import post, said
from tests.api.world import Place


def send(operation: Operation, place: Place, token: str) -> Any:
    name = operation.path.removeprefix(INVOKE)
    function = FUNCTIONS.get(name)
    form = {"token": "x"} if function is None else {each.name: value(each.name, place) for each in function.arguments}
    for besides in ("interval", "time", "dayOfWeek", "dayOfMonth"):
        form.pop(besides, None)
    return post(operation.path, form, token=token)


def value(name: str, place: Place) -> str:
    """Something that its function could take."""
    domain = place.domain.name
    known = {
        "id": "1",
        "sourceId": "2",
        "userName": place.person.email,
        "oldUserName": place.person.email,
        "newUserName": f"new@{domain}",
        "emailAddresses": f"{place.person.email},other@{domain}",
        "pop3UserNames": place.person.email,
        "privileges": "none",
        "loginPrivileges": "web",
        "authentication": "integrated",
        "password": "a long enough passphrase 9",
        "folder": f"{place.person.email}/Inbox",
        "fromFolder": f"{place.person.email}/Inbox",
        "toFolder": f"{place.person.email}/Other",
        "config": "{}",
        "settings": "{}",
        "properties": json.dumps({"name": "x", "type": "mbox", "path": "/nowhere", "mailbox": place.person.email}),
        "timeZoneId": "$Local",
        "timeZoneID": "W. Europe Standard Time",
        "date": "2030-01-01T00:00:00",
        "fromIncluding": "2022-01-01T00:00:00",
        "toExcluding": "2030-01-01T00:00:00",
        "timespan": "today",
        "recipients": place.person.email,
        "action": "GetServerInfo",
        "requestedState": "normal",
        "type": "FileSystemInternal",
        "maxLevels": "1",
        "jobId": "1",
        "profileID": "1",
        "automaticPauseBetweenExecutions": "60",
        "automaticMaintenanceWindows": "22:00-04:00",
    }
    flags = ("raw", "includeSize", "includeIndexes", "automatic", "enabled", "dryRun", "excludeSearchIndexes",
             "recoverDeletedMessages")  # fmt: skip
    return known.get(name, "true" if name in flags else "x")


def is_refused(answer: Any) -> bool:
    return answer.status_code in (403, 404) or said(answer)["error"] is not None


SWEEP = Sweep(
    dialect="mailstore",
    send=send,
    is_unauthenticated=lambda answer: answer.status_code in (401, 429),
    is_refused=is_refused,
    is_not_served=lambda answer: UNSUPPORTED in answer.content.decode(),
    open_to_all=frozenset(
        f"POST {INVOKE}{name}"
        for name in (
            "GetTimeZones",  # of nobody
            "GetServerInfo",  # whose version and name are no secret of who may enter
            "GetChildFolders",  # their own archive
            "GetFolderStatistics",
            "GetMessages",
            "GetUsers",  # those that one sees
            "GetActiveSessions",
        )
    ),
)
