"""Every route of iRedAdmin-Pro's interface, with who answers it. The page, the coverage table and the access sweep read
this list.

A throttle of a domain and one of a user have paths of the same form: what has an @ is a user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.iredadmin import domains
from api.iredadmin.asking import Asked

Handler = Callable[[Asked], Any]
LOGIN = Operation("POST", "/api/login", "begin a session", reads=True, public=True)
DOMAIN, MAIL = "{domain}", "{mail}"


class ByForm(Routes[Handler]):
    """Routes that take a slash too many at the end, and tell `{domain}` from `{mail}`."""

    def find(
        self, method: str, segments: Sequence[str], *, is_raw: bool
    ) -> tuple[Route[Handler], dict[str, str]] | None:
        parts = list(segments)
        if len(parts) > 1 and not parts[-1]:
            parts.pop()
        found = super().find(method, parts, is_raw=is_raw)
        if found is None or "@" not in found[1].get("domain", ""):
            return found
        wanted = found[0].operation.path.replace(DOMAIN, MAIL)
        twin = next(
            (each for each in self.all if (each.operation.method, each.operation.path) == (method, wanted)), None
        )
        return found if twin is None else (twin, {"mail": found[1]["domain"]})


def _one(line: str, handler: Handler, about: str) -> Route[Handler]:
    method, path = line.split(" ")
    return Route(Operation(method, path, about, reads=method == "GET"), handler, takes_slashes=False)


def _nothing(asked: Asked) -> None:
    """A login is answered before anybody is known."""


ROUTES = ByForm(
    [
        Route(LOGIN, _nothing, takes_slashes=False),
        _one("GET /api/domains", domains.list_all, "list the domains"),
        _one("GET /api/domain/{domain}", domains.detail, "how a domain is set"),
        _one("POST /api/domain/{domain}", domains.create, "make a domain"),
        _one("PUT /api/domain/{domain}", domains.update, "change a domain"),
        _one("DELETE /api/domain/{domain}", domains.delete, "delete a domain"),
        _one("DELETE /api/domain/{domain}/keep_mailbox_days/{days}", domains.delete, "delete it after so many days"),
    ]
)
