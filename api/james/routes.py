"""Every route of WebAdmin, with who answers it. The page, the coverage table and the access sweep read this list."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.james import domains
from api.james.asking import Asked

Handler = Callable[[Asked], HttpResponse]


def _route(method: str, path: str, handler: Handler, about: str) -> Route[Handler]:
    operation = Operation(method, path, about, reads=method in ("GET", "HEAD"))
    return Route(operation, handler)


ROUTES: Routes[Handler] = Routes(
    [
        _route("GET", "/domains", domains.list_all, "list the domains"),
        _route("GET", "/domains/{domain}", domains.exists, "whether a domain exists"),
        _route("PUT", "/domains/{domain}", domains.put, "make a domain"),
        _route("DELETE", "/domains/{domain}", domains.delete, "delete a domain"),
    ]
)
