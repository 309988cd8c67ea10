"""Teaching the spam scanner what people say of messages that it judged wrong.

Only rspamd learns; the built-in scorer is rules only. Not for deciding who may report.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from gateway.flow import Body
from gateway.judging.scanners import rspamd
from gateway.judging.settings import SpamScanner
from gateway.services.scanning import current_settings


class Taught(StrEnum):
    LEARNT = "learnt"
    KNEW = "knew"  # it had learnt this message before
    NOBODY = "nobody"  # there is no scanner that learns


def teach(body: Body, *, is_spam: bool) -> Taught:
    """Waits for the scanner. Raises: NoVerdict when it doesn't answer; try again later."""
    settings = current_settings()
    if settings.spam_scanner is not SpamScanner.RSPAMD or not settings.rspamd_learn_url:
        return Taught.NOBODY
    server = rspamd.Server(settings.rspamd_learn_url, settings.rspamd_password, settings.spam_timeout_s)
    return Taught.LEARNT if asyncio.run(rspamd.learn(server, body, is_spam=is_spam)) else Taught.KNEW
