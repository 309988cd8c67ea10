"""Groups and forwards from CSV files: read (`shared_rows`), judged (`shared_judging`), made (`shared_writing`)."""

from __future__ import annotations

from functools import partial

from accounts.permissions import Right
from domains.models import Address
from domains.services.importing import shared_judging, shared_writing
from domains.services.importing.running import Importer
from domains.services.importing.shared_rows import (
    FORWARD_COLUMNS,
    GROUP_COLUMNS,
    SharedRow,
    read_forward,
    read_group,
)

GROUPS: Importer[SharedRow] = Importer(
    name="groups",
    columns=GROUP_COLUMNS,
    required=("email",),
    require=lambda actor: actor.require_somewhere(Right.MANAGE_ADDRESSES),
    make_tables=shared_judging.make_tables,
    read=read_group,
    stage=shared_judging.stage,
    judge=partial(shared_judging.judge, kind=Address.Kind.GROUP),
    count=shared_writing.count,
    write=partial(shared_writing.write, kind=Address.Kind.GROUP),
)
FORWARDS: Importer[SharedRow] = Importer(
    name="forwards",
    columns=FORWARD_COLUMNS,
    required=("email",),
    require=lambda actor: actor.require_somewhere(Right.MANAGE_ADDRESSES),
    make_tables=shared_judging.make_tables,
    read=read_forward,
    stage=shared_judging.stage,
    judge=partial(shared_judging.judge, kind=Address.Kind.FORWARD),
    count=shared_writing.count,
    write=partial(shared_writing.write, kind=Address.Kind.FORWARD),
)
