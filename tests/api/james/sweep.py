"""What the access sweep needs to know of the James dialect."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from api.dialects.registry import Operation
from tests.api.dialects.calling import call
from tests.api.dialects.sweep import Sweep
from tests.api.world import Place


def send(operation: Operation, place: Place, token: str) -> Any:
    """About things of a place; the body and the query are right for every operation that takes any."""
    domain = place.domain.name
    values = {
        "domain": domain, "alias": f"alias.{domain}", "user": place.mailbox.address, "new": f"new@{domain}",
        "delegate": place.mailbox.address, "mailbox": "Work", "id": "1", "uid": "1", "message": "1",
        "source": f"other@{domain}", "group": f"group@{domain}", "member": place.mailbox.address,
        "target": "out@there.example", "queue": "outgoing", "repository": "var%2Fmail%2Ferror", "mail": "x",
        "rule": "1",
        "task": "00000000-0000-4000-8000-000000000001", "component": "Database",
    }  # fmt: skip
    path = re.sub(r"\{(\w+)\}", lambda found: quote(values[found[1]], safe="@%"), operation.path)
    headers: dict[str, Any] = {"Password": token} if token else {}
    plain = re.search(r"/(count|size)$|^/sieve|/upgrade$", operation.path) is not None
    body = "5" if plain else '{"password":"a long passphrase 12","count":5,"size":5,"rules":[],"delayed":false}'
    query = "?task=reIndex&action=reprocess&protocol=file&delayed=true&force"
    query = {
        "/quota/users": "?task=RecomputeCurrentQuotas", "/users/{user}/rename/{new}": "?action=rename",
        "/mailQueues/{queue}/mails": "?delayed=true", "/tasks": "" if operation.method == "GET" else "?olderThan=15day",
        "/domains/{domain}": "?action=deleteData", "/users/{user}": "?action=deleteData",
        "/mailQueues": "?action=RepublishNotProcessedMails",
    }.get(operation.path, query)  # fmt: skip
    sent = "" if operation.method in ("GET", "HEAD") else body
    return call(operation.method, f"/james{path}{query}", sent, **headers)


def is_refused(answer: Any) -> bool:
    """No, nothing there, an empty list; or that something isn't there any more, which is said of what never was too."""
    gone = answer.request["REQUEST_METHOD"] == "DELETE" and answer.status_code == 204
    is_no_password = answer.status_code == 401 and not answer.content  # said of who isn't there, too
    return answer.status_code in (403, 404) or is_no_password or answer.content in (b"[]", b"{}") or gone


# lists show what the caller may see (their own tasks; a delegate's own users), and may be asked by everybody
OWN = frozenset(
    {
        "GET /domains", "GET /users", "GET /tasks", "GET /quota/users", "GET /address/aliases", "GET /address/groups",
        "GET /address/forwards", "GET /mappings",
        # 400: to somebody from elsewhere the domain, or the user, isn't there
        "PUT /users/{user}", "PUT /address/aliases/{user}/sources/{source}", "PUT /address/groups/{group}/{member}",
        "POST /users/{user}/rename/{new}",
    }
)  # fmt: skip

SWEEP = Sweep(
    dialect="james",
    send=send,
    is_unauthenticated=lambda answer: answer.status_code == 401,
    is_refused=is_refused,
    is_not_served=lambda answer: answer.status_code in (400, 405, 501),  # what is sent is right, so that 400 is its no
    open_to_all=OWN,
)
