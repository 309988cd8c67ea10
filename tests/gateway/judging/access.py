"""Who gets in where: the scanners."""

from __future__ import annotations

from accounts.permissions import Right
from tests.access import somewhere

ROWS = [
    somewhere("gateway:scanners", need=Right.MANAGE_GATEWAY),
    somewhere("gateway:scanners", 422, need=Right.MANAGE_GATEWAY, method="POST", data={"spam_scanner": "none"}),
    somewhere("gateway:scanner-trial", 303, need=Right.MANAGE_GATEWAY, method="POST"),
    somewhere("gateway:signs", need=Right.TRACK_MAIL),
]
