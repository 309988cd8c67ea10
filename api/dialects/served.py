"""The dialects there are, in the order of the pages. A new one is a line here."""

from __future__ import annotations

from api.dialects.registry import Dialect
from api.james.dialect import DIALECT as JAMES
from api.mailstore.dialect import DIALECT as MAILSTORE

DIALECTS: tuple[Dialect, ...] = (JAMES, MAILSTORE)
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
