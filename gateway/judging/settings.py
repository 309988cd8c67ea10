"""How messages are inspected: which scanners, how long to wait for them, and what to do without their answer.

Plain data; the row it comes from is `gateway.models.Scanning`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SpamScanner(StrEnum):
    NONE = "none"
    BUILT_IN = "builtin"
    RSPAMD = "rspamd"


class VirusScanner(StrEnum):
    NONE = "none"
    CLAMD = "clamd"


class WhenDown(StrEnum):
    """What happens to a message that a scanner gave no answer about."""

    DELIVER = "deliver"  # with a header that says so
    REFUSE = "refuse"  # for now (4xx): the sending server tries again


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """rspamd_learn_url: of its controller, which learns ("": it isn't taught). authserv_id: our name in
    Authentication-Results. verify_senders: whether the server allows callouts at all."""

    spam_scanner: SpamScanner = SpamScanner.BUILT_IN
    rspamd_url: str = "http://127.0.0.1:11333"
    rspamd_learn_url: str = ""
    rspamd_password: str = ""
    spam_timeout_s: float = 10.0
    spam_when_down: WhenDown = WhenDown.DELIVER
    virus_scanner: VirusScanner = VirusScanner.NONE
    clamd_address: str = "127.0.0.1:3310"
    virus_timeout_s: float = 30.0
    virus_when_down: WhenDown = WhenDown.REFUSE
    authenticate: bool = True
    dns_timeout_s: float = 8.0
    dns_when_down: WhenDown = WhenDown.DELIVER
    verify_senders: bool = False
    authserv_id: str = "localhost"
