"""The dialect of iRedAdmin-Pro, for the registry."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from api.dialects import scripts
from api.dialects.registry import Dialect
from api.iredadmin import answers, entry
from api.iredadmin.routes import ROUTES

WORDS = sorted({route.operation.path.split("/")[2] for route in ROUTES.all})

DIALECT = Dialect(
    name="iredadmin",
    label="iRedAdmin-Pro",
    prefix="iredadmin",
    about=_("The HTTP interface of iRedAdmin-Pro: domains, users, lists, aliases and throttles, by forms."),
    credentials=_(
        "A login with an address and its access token or password; then the cookie that it is answered with."
    ),
    operations=lambda: [route.operation for route in ROUTES.all],
    find_calls=lambda text: scripts.over_http(ROUTES, text, prefixes=("/iredadmin",)),
    answer=entry.answer,
    refuse=answers.refuse,
    example='curl -c cookies -d "username=you@example.org" -d "password=$TOKEN" {url}/api/login\n'
    "curl -b cookies {url}/api/domains",
    also=tuple(f"api/{word}" for word in WORDS),
)
