"""What the harness must know of a house from inside: its addresses, some objects to look at, and what a page asks.

    manage.py shell -v 0 -c "from benchmarks.directory_facts import tell; tell()"

Everything is printed as one JSON document. Not for measuring time: that is done over HTTP, from outside.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.actors import Actor
from accounts.models import ApiToken, User
from accounts.services import create_token
from domains.expansion import expand
from domains.models import Address, Customer, Domain, Mailbox

SLOW_S = 0.02
SAMPLES = 200
KEPT_TOKENS = 8  # those of this run
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


def tell() -> None:
    """Routes without what only POST answers, objects by the names of arguments, and how many rows there are."""
    counts = {model.__name__: model._base_manager.count() for model in (Customer, Domain, User, Address, Mailbox)}
    _say(
        {
            "routes": list(_routes(get_resolver().url_patterns)),
            "objects": _objects(),
            "samples": _samples(),
            "counts": counts,
            "domain": _largest(),
        }
    )


def tell_queries(email: str, paths: Sequence[str], *, explain: bool = False) -> None:
    """{path: {"count", "slow": [[ms, SQL, plan]]}} as this person; plans only with `explain`."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.get(email=email))
    _say({path: _asked(client, path, explain=explain) for path in paths})


def _asked(client: Client, path: str, *, explain: bool) -> dict[str, Any]:
    client.get(path)  # caches of the process fill once
    with CaptureQueriesContext(
        connection,
    ) as captured:
        status = client.get(path).status_code
    slow = [each for each in captured.captured_queries if float(each["time"]) >= SLOW_S and "SELECT" in each["sql"]]
    found = [[float(each["time"]) * 1000, each["sql"], _plan(each["sql"]) if explain else ""] for each in slow]
    return {"status": status, "count": len(captured), "slow": sorted(found, reverse=True)}


def _plan(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}".replace("%", "%%"), [])
        return "\n".join(line for (line,) in cursor.fetchall())


def _routes(
    patterns: Sequence[URLPattern | URLResolver], before: str = "", space: str = ""
) -> Iterator[dict[str, Any]]:
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from _routes(each.url_patterns, route, inner)
        elif "^" not in route and "(" not in route:
            template = _ARGUMENT.sub(r"{\1}", route)
            yield {"name": f"{space}{each.name}", "path": f"/{template}", "arguments": _ARGUMENT.findall(route)}


def _largest() -> str:
    """The name of the domain with the most mailboxes."""
    return Domain.objects.order_by("-mailbox_count", "pk").values_list("name", flat=True)[0]


def _samples() -> dict[str, list[int]]:
    """Many of a kind, from all over the table; of mailboxes the people's ids, by which the API names users."""
    found = {}
    for name, model, key in (("people", Mailbox, "user_id"), ("domains", Domain, "pk")):
        last = model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
        wanted = [1 + last * number // SAMPLES for number in range(SAMPLES)]
        rows = model._base_manager.filter(pk__in=wanted).exclude(**{key: None})
        found[name] = sorted(rows.values_list(key, flat=True))
    return found


def token(email: str) -> None:
    """Prints a new access token of this person."""
    user = User.objects.get(email=email)
    ours = ApiToken.objects.filter(user=user, name__startswith="benchmark").order_by("-pk")
    ApiToken.objects.filter(pk__in=list(ours.values_list("pk", flat=True)[KEPT_TOKENS:])).delete()
    _say(create_token(Actor.for_user(user), user, name=f"benchmark {time.time_ns()}").value)


def expansion(text: str, times: int) -> None:
    """Prints how many get mail for an address, and in ms how long finding that out took each time."""
    found: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        deliveries = expand(text).deliveries
        found.append((time.perf_counter() - began) * 1000)
    _say({"deliveries": len(deliveries), "ms": found})


def _objects() -> dict[str, int]:
    """The busiest of each kind, by the name that addresses give it."""
    domain = Domain.objects.order_by("-mailbox_count", "pk").first()
    if domain is None:
        return {}
    mailbox = Mailbox.objects.filter(domain=domain).order_by("pk").first()
    group = Address.objects.filter(kind=Address.Kind.GROUP).order_by("-recipient_count").first()
    found = {"domain_id": domain.pk, "customer_id": domain.customer_id}
    if mailbox is not None:
        found |= {"mailbox_id": mailbox.pk, "user_id": mailbox.user_id, "person_id": mailbox.user_id}
    if group is not None:
        found |= {"address_id": group.pk, "group_id": group.pk}
    return {name: key for name, key in found.items() if key is not None}


def _say(value: object) -> None:
    json.dump(value, sys.stdout)
