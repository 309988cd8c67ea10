"""Who gets in where: writing a mail. One writes as oneself alone."""

from __future__ import annotations

from accounts.permissions import Right
from tests.access import Row, somewhere

ROWS = [
    somewhere("gateway:mail-trial", need=Right.MANAGE_FILTERS),
    somewhere("gateway:mail-trial", 422, method="POST", need=Right.MANAGE_FILTERS, data={"to": "nonsense"}),
    Row("gateway:mail-write", own=200, administrator=200),
    # who has no mailbox is told so
    Row("gateway:mail-write", own={200, 422}, administrator=200, method="POST", data={"send": "1", "to": "nonsense"}),
]
