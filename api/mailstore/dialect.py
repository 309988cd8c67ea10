"""The dialect of MailStore's Management API, for the registry."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from api.dialects.registry import Dialect
from api.mailstore import answers, entry, functions, scripts

DIALECT = Dialect(
    name="mailstore",
    label="MailStore Management API",
    prefix="mailstore",
    about=_("The interface by which MailStore is administered: its PowerShell and Python wrappers and checks call it."),
    credentials=_("An administrator's address with its password, or with an access token in the password's place."),
    operations=functions.operations,
    find_calls=scripts.find,
    answer=entry.answer,
    refuse=answers.refuse,
    is_tls=True,
    example='curl -k -u "$ADDRESS:$TOKEN" -d "" {url}/api/invoke/GetServerInfo',
    body_bytes=4 << 20,
)
