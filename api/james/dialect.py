"""The dialect of Apache James's WebAdmin, for the registry."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from api.dialects import scripts
from api.dialects.registry import Dialect, Option
from api.james import answers, credentials, entry, users
from api.james.asking import DEFAULT_DOMAIN
from api.james.routes import ROUTES

DIALECT = Dialect(
    name="james",
    label="Apache James WebAdmin",
    prefix="james",
    about=_("The HTTP interface by which Apache James is administered, and its command line and LDAP tools call it."),
    credentials=_("An access token in the header Password or as Bearer token, or a JWT signed with the key set below."),
    operations=lambda: [route.operation for route in ROUTES.all],
    find_calls=lambda text: scripts.over_http(ROUTES, text, prefixes=("/james",)),
    answer=entry.answer,
    refuse=answers.refuse,
    example='curl -H "Password: $TOKEN" {url}/domains',
    options=(
        Option(
            credentials.KEY,
            _("Public key of JWTs"),
            _(
                "PEM. A JWT signed with it (RS256) acts as the person whose address is its “sub”, if it says “admin” "
                "and when it ends (“exp”). Only server administrators set it."
            ),
            is_long=True,
            opens_doors=True,
            clean=credentials.clean_key,
        ),
        Option(
            DEFAULT_DOMAIN,
            _("Default domain"),
            _("Names of users without a domain belong to this one (James without virtual hosting). Empty: none do."),
            clean=users.clean_domain,
        ),
        Option(
            users.PASSWORD_RULES,
            _("Hold passwords to the rules"),
            _("“yes” refuses weak passwords. Else they are taken as they come, as provisioning tools expect."),
            clean=users.clean_choice,
        ),
    ),
)
