"""The dialect of Cleanmail, for the registry."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from api.cleanmail import entry
from api.cleanmail.routes import ROUTES
from api.dialects import scripts
from api.dialects.registry import Dialect

DIALECT = Dialect(
    name="cleanmail",
    label="Cleanmail",
    prefix="cleanmail",
    about=_("The HTTP interface of the filtering platform Cleanmail, whose paths and names our own API keeps."),
    credentials=_("An access token in the header: Authorization: Bearer …"),
    operations=lambda: [route.operation for route in ROUTES.all],
    find_calls=lambda text: scripts.over_http(ROUTES, text, prefixes=("/cleanmail/api/v3", "/api/v3", "/cleanmail")),
    answer=entry.answer,
    refuse=entry.refuse,
    example='curl -H "Authorization: Bearer $TOKEN" {url}/api/v3/domains',
    body_bytes=10 << 20,
)
