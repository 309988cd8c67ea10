"""The dialects there are, in the order of the pages. A new one is a line here."""

from __future__ import annotations

from api.cleanmail.dialect import DIALECT as CLEANMAIL
from api.communigate.dialect import DIALECT as COMMUNIGATE
from api.dialects.registry import Dialect, register
from api.iredadmin.dialect import DIALECT as IREDADMIN
from api.james.dialect import DIALECT as JAMES
from api.mailstore.dialect import DIALECT as MAILSTORE

DIALECTS: tuple[Dialect, ...] = (COMMUNIGATE, JAMES, MAILSTORE, CLEANMAIL, IREDADMIN)
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
register(DIALECTS)
