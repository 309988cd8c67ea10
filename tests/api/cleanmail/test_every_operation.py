"""All 93 operations of Cleanmail's manual with its samples, in an order in which each has what it needs.

A row: the operation, the manual's body, its status, the names that its sample answers, and under which name the id of
the answer is kept for later rows. Source: cleanmail.md §5, §6.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from accounts.actors import Actor
from api.cleanmail.routes import ROUTES
from domains.services import policies
from tests.api import world
from tests.api.dialects.calling import call, switch_on
from tests.archive.django.conftest import stores
from tests.archive.django.factories import archive, make_raw
from tests.gateway.factories import held_for

__all__ = ["stores"]
pytestmark = pytest.mark.django_db
ROOT, USER = "administrator", "user"


@dataclass(frozen=True)
class Row:
    """One call. names: of the answer, or of each entry of a list. keep: under which the id of the answer is kept."""

    line: str
    body: Any = None
    status: int = 200
    names: frozenset[str] = frozenset()
    is_list: bool = False
    keep: str = ""
    who: str = ROOT


def one(line: str, names: str = "", *, body: Any = None, status: int = 200, keep: str = "", who: str = ROOT) -> Row:
    return Row(line, body, status, frozenset(names.split()), keep=keep, who=who)


def many(line: str, names: str = "", *, body: Any = None, status: int = 200, keep: str = "", who: str = ROOT) -> Row:
    return Row(line, body, status, frozenset(names.split()), True, keep, who)


def done(line: str, body: Any = None, *, status: int = 204, who: str = ROOT) -> Row:
    return Row(line, body, status, who=who)


DOMAIN = {
    "name": "got.example", "status": "ENABLED", "incoming": True, "outgoing": False, "quarantine": True,
    "retention": True, "archive": True, "defaultLanguage": "DE", "autoProvisioningOn": True, "senderVerifyOn": True,
    "externalId": "HBO-2019", "outgoingSubnets": ["92.123.51.204/31", "92.23.81.244/31"],
    "platforms": [{"name": "platform", "transportDest": "1.2.3.4", "transportType": "SMTPS_MAY", "transportPort": 25,
                   "apiType": "IMAP"}],
}  # fmt: skip
POLICY = {"name": "policyA", "quarantine": True, "retention": False, "archive": False, "mailSizeLimit": 8,
          "spamScore": 7.2, "incoming": True}  # fmt: skip
ADMIN = {"login": "arya@admins.example", "displayName": "Arya", "email": "arya@admins.example",
         "password": "a long passphrase 77", "enabled": True, "language": "EN",
         "permissions": ["view_users"]}  # fmt: skip
ALLOWED = {"value": "daenerys@goodguys.example", "type": "ALLOW", "spfOn": True}
BLOCKED = {"value": "baelish@badguys.example", "type": "BLOCK", "expireAt": 4070908800000, "description": "a traitor"}
RELAY = {"id": "{platform}", "transportDest": "127.0.0.1", "transportPort": 25, "authType": "local", "apiType": "IMAP"}
WB = "id value owner type createdDate expireAt description spfOn"
USER_OF = {"email": "tywin@got.example", "firstname": "Tywin", "lastname": "Lannister", "status": "ENABLED",
           "language": "EN", "password": "a long passphrase 78", "domainId": "{domain}",
           "sendNotification": False}  # fmt: skip

ROWS = [
    one("POST /domains", "id name status", body=DOMAIN, status=201, keep="domain"),
    one("GET /domains/{domain}", "id name status policy platforms"),
    many("GET /domains", "id name status"),
    done("PATCH /domains/{domain}", {"defaultLanguage": "ES"}),
    many(
        "POST /domains/{domain}/aliases", "id name", body=["starks.example", "wolves.example"], status=201, keep="alias"
    ),
    many("GET /domains/{domain}/aliases", "id name"),
    done("DELETE /domains/{domain}/aliases/{alias}"),
    done("PUT /domains/{domain}/aliases", ["lions.example"]),
    one("POST /domains/{domain}/policies", "id name domainId", body=POLICY, status=201, keep="policy"),
    one("GET /policies/{policy}", "id name domainId spamScore mailSizeLimit"),
    many("GET /domains/{domain}/policies", "id name"),
    done("PATCH /policies/{policy}", {"name": "policyC"}),
    done("DELETE /policies/{policy}"),
    many("GET /domains/{domain}/options", "value option"),
    one(
        "POST /domains/{domain}/options",
        "value parentValue option",
        body={"name": "{option}", "value": "{value}"},
        status=201,
    ),
    done("DELETE /domains/{domain}/options/{option}"),
    many("POST /domains/{domain}/dkim", status=201),
    many("GET /domains/{domain}/dkim"),
    many("PUT /domains/{domain}/dkim"),
    done("DELETE /domains/{domain}/dkim"),
    one(
        "POST /domains/{domain}/filters/attachments",
        "id action checkType filter scope priority description createdDate",
        body={"action": "ALLOW", "checkType": "CONTENTTYPE", "filter": ".xlsx", "description": "Allow xlsx"},
        status=201,
        keep="attachment",
    ),
    many("GET /domains/{domain}/filters/attachments", "id action checkType filter"),
    done("PATCH /filters/attachments/{attachment}", {"action": "DENY", "filter": ".xls", "description": "Deny"}),
    done("DELETE /filters/attachments/{attachment}"),
    one(
        "POST /domains/{domain}/filters/uris",
        "id action filter scope priority description createdDate",
        body={"action": "URIDNSBL_SKIP_DOMAIN", "filter": "bulist.com", "description": "Rule"},
        status=201,
        keep="uri",
    ),
    many("GET /domains/{domain}/filters/uris", "id action filter"),
    done("PATCH /filters/uris/{uri}", {"action": "WHITELIST_URI_HOST", "description": "Rule bulist.com"}),
    done("DELETE /filters/uris/{uri}"),
    many("POST /domains/{domain}/wblist", WB, body=[ALLOWED, BLOCKED], status=201, keep="item"),
    many("GET /domains/{domain}/wblist", WB),
    one("PUT /domains/{domain}/wblist/{item}", WB, body={"value": "rickon@stark.example", "type": "BLOCK"}),
    done("DELETE /domains/{domain}/wblist/{item}"),
    many("PUT /domains/{domain}/wblist", WB, body=[ALLOWED, {"value": "tywin.example", "type": "BLOCK"}]),
    one("POST /users", "id email firstname lastname status language domainId", body=USER_OF, status=201, keep="user"),
    one("GET /users/{user}", "id email firstname lastname status language domainId"),
    many("GET /users", "id email"),
    many("GET /domains/{domain}/users", "id email"),
    done("PATCH /users/{user}", {"lastname": "Stark", "language": "DE"}),
    many("GET /users/{user}/options", "value option"),
    one(
        "POST /users/{user}/options",
        "value parentValue option",
        body={"name": "{option}", "value": "{value}"},
        status=201,
    ),
    done("DELETE /users/{user}/options/{option}"),
    many("POST /users/{user}/wblist", WB, body=[ALLOWED, BLOCKED], status=201, keep="item"),
    many("GET /users/{user}/wblist", WB),
    one("PUT /users/{user}/wblist/{item}", WB, body={"value": "done@stark.example", "type": "BLOCK"}),
    done("DELETE /users/{user}/wblist/{item}"),
    many("PUT /users/{user}/wblist", WB, body=[{"value": "rickon@stark.example", "type": "BLOCK"}]),
    many(
        "POST /wblist",
        WB,
        body=[
            {"value": "a@new.example", "type": "BLOCK", "owner": name} for name in ("got.example", "tywin@got.example")
        ],
        status=201,
    ),
    one(
        "POST /domains/{domain}/groups",
        "id email recipients",
        body={"email": "children@got.example"},
        status=201,
        keep="group",
    ),
    one(
        "POST /domains/{domain}/groups/{group}/addresses", "id email recipients", body=["tywin@got.example"], status=201
    ),
    one("GET /domains/{domain}/groups/{group}", "id email recipients"),
    many("GET /domains/{domain}/groups", "id email"),
    done("PATCH /domains/{domain}/groups/{group}", {"email": "dead@got.example", "recipients": ["tywin@got.example"]}),
    done("DELETE /domains/{domain}/groups/{group}/addresses/{recipient}"),
    done("DELETE /groups/{group}"),
    many("GET /security/admins", "id email"),
    many("GET /security/permissions?scope=domain&id={domain}"),
    one("POST /domains/{domain}/admins", "id", body=ADMIN, status=201, keep="admin"),
    many("GET /domains/{domain}/admins", "id email"),
    one("GET /domains/{domain}/admins/{admin}", "id email"),
    one("GET /security/admins/{admin}", "id email"),
    done("PATCH /security/admins/{admin}", {"displayName": "Arya Stark"}),
    done("PUT /domains/{domain}/admins/{admin}/authorities", ["view_users"], status=200),
    many("GET /domains/{domain}/access"),
    many("PUT /domains/{domain}/access", body=[]),
    done("DELETE /domains/{domain}/admins/{admin}"),
    one("POST /domains/{domain}/admins", "id", body=ADMIN, status=201, keep="admin"),  # who has nothing left is gone
    done("DELETE /security/admins/{admin}"),
    one(
        "POST /admins/{self}/tokens",
        "id name value expiration createdAt",
        body={"name": "mytoken", "expiration": "{soon}"},
        status=201,
        keep="token",
        who=USER,
    ),
    many("GET /admins/{self}/tokens", "id name", who=USER),
    done("DELETE /admins/{self}/tokens/{token}", who=USER),
    one("POST /domains/{domain}/health", "performedAt report", status=201),
    one("GET /domains/{domain}/health", "performedAt report"),
    one("POST /platforms/{platform}/health", "performedAt report", status=201),
    one("GET /platforms/{platform}/health", "performedAt report"),
    many("GET /health"),
    one("POST /health/try-relay", body=RELAY),
    done("POST /tasks", {"command": "send_welcome_mail", "params": {"recipient": "tywin@got.example"}}, status=422),
    done("GET /token?username=ada@own.example", status=202),
    many("GET /users/{self}/emails/folders", "name path", who=USER),
    many("GET /users/{self}/emails/folders/Work", who=USER),
    many("GET /users/{self}/emails/Work", "id subject from to size sentDate", who=USER),
    one("GET /users/{self}/emails/Work/{mail}", "id subject from to headers attachments", who=USER),
    one("GET /users/{self}/emails/Work/{mail}/attachments", "attachments count", who=USER),
    done("GET /users/{self}/emails/Work/{mail}/attachments/{part}", status=200, who=USER),
    one(
        "POST /emails/attachments",
        "name uid size",
        body={"name": "plan.txt", "content": "dGhlIHBsYW4="},
        who=USER,
        keep="uid",
    ),
    done("GET /emails/attachments/{uid}/plan.txt", status=200, who=USER),
    done("DELETE /emails/attachments/{uid}/plan.txt", who=USER),
    done(
        "POST /users/{self}/emails/send",
        {"to": ["a@example.net"], "subject": "S", "body": "<p>B</p>"},
        status=200,
        who=USER,
    ),
    done("POST /users/{self}/emails/Quarantine/{held}/release", who=USER),
    one("PUT /users/{self}/sign", "sign", body={"sign": "PGI+VGhlIGVuZDwvYj4="}, who=USER),
    one("GET /users/{self}/sign", "sign", who=USER),
    done("DELETE /users/{self}/sign", who=USER),
    done("DELETE /users/{user}"),
    done("DELETE /domains/{domain}"),
]


class Caller:
    """Calls rows one after the other, and remembers what their answers are named by."""

    def __init__(self) -> None:
        switch_on("cleanmail")
        cast = world.build()
        policy = cast.own.domain.default_policy
        assert policy is not None
        policies.update_policy(Actor.system(), policy, {"outgoing": True})
        person = cast.own.person
        (mail,) = archive(person, [make_raw(attachments=[("plan.bin", b"the plan")])], folder="Work")
        self.tokens = {ROOT: cast.administrator.token, USER: cast.user.token}
        self.values = {"self": str(person.pk), "mail": mail, "held": held_for(cast.own.mailbox).message.key}
        self.values |= {"soon": "4070908800000"}

    def filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if isinstance(value, str) and value[:1] == "{":
            name = value.strip("{}")
            return int(self.values[name]) if name == "soon" else self.values[name]
        return value

    def __call__(self, row: Row) -> Any:
        method, _, path = row.line.partition(" ")
        path = re.sub(r"\{(\w+)\}", lambda found: quote(self.values[found[1]], safe=""), path)
        body = "" if row.body is None else json.dumps(self.filled(row.body))
        token = self.tokens[row.who]
        return call(method, f"/cleanmail/api/v3{path}", body, Authorization=f"Bearer {token}")

    def remember(self, row: Row, found: Any) -> None:
        if row.keep:
            entry = found[0] if isinstance(found, list) else found
            self.values[row.keep] = entry["uid" if row.keep == "uid" else "id"]
        if row.line == "GET /domains/{domain}":
            self.values["platform"] = found["platforms"][0]["id"]
        if row.line.endswith("/options") and row.line.startswith("GET"):
            simple = next(
                each for each in found if each["option"]["type"] == "BOOL" and not each["option"]["restricted"]
            )
            self.values |= {"option": simple["option"]["name"], "value": str(simple["value"] or simple["parentValue"])}
        if row.line.endswith("/addresses"):
            self.values["recipient"] = found["recipients"][0]["id"]
        if row.line.endswith("/{mail}/attachments"):
            self.values["part"] = found["attachments"][0]["partId"]


def fault(row: Row, answer: Any) -> str:
    """What is wrong with an answer, or nothing."""
    if answer.status_code != row.status:
        return f"{answer.status_code} {answer.content[:300].decode(errors='replace')}"
    if row.status == 204:
        return "" if not answer.content else "204 with a body"
    if not row.names and not row.is_list:
        return ""
    found = answer.json()
    if isinstance(found, list) != row.is_list:
        return f"not a list: {found}" if row.is_list else f"a list: {found}"
    entries = found if row.is_list else [found]
    if row.names and not entries:
        return "an empty list"
    lacking = {name for each in entries for name in row.names - set(each)} if row.names else set()
    numbers = [each["id"] for each in entries if isinstance(each, dict) and not isinstance(each.get("id", ""), str)]
    dates = [each for each in entries if isinstance(each, dict) and isinstance(each.get("createdDate", 0), str)]
    return "".join([f"lacks {sorted(lacking)} in {entries[0]}" if lacking else "", f"ids {numbers}" if numbers else "",
                    f"dates {dates}" if dates else ""])  # fmt: skip


def shape(line: str) -> str:
    """An operation without the names of what it is about, and without its query."""
    return re.sub(r"\{\w+\}|(?<=/emails/)(?:Work|Quarantine)|(?<=folders/)Work|plan\.txt", "{}", line.partition("?")[0])


def test_the_rows_are_the_manual_s_operations() -> None:
    assert {shape(row.line) for row in ROWS} == {shape(route.operation.name) for route in ROUTES.all}


def test_every_operation_takes_the_manual_s_body_and_answers_its_status_and_shape(stores: None) -> None:
    ask = Caller()
    wrong: list[str] = []
    for row in ROWS:
        try:
            answer = ask(row)
        except KeyError as error:
            wrong.append(f"{row.line}: nothing to ask about, {error}")
            continue
        said = fault(row, answer)
        if said:
            wrong.append(f"{row.line}: {said}")
        if answer.status_code < 300 and answer.content and answer["Content-Type"] == "application/json":
            ask.remember(row, answer.json())
    assert not wrong, "\n".join(wrong)
