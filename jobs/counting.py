"""Counters of accounts and domains: written down by the clock, read, set back.

The gateway counts messages and bytes, signing in counts itself (`config.kit.counters`). A domain's counters are its
own, not the sum of its accounts': one that leaves takes nothing away. Source: GETACCOUNTSTAT, RESETACCOUNTSTAT,
GETDOMAINSTAT and RESETDOMAINSTAT of the CommuniGate Pro CLI.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import redis
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, places
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import Level, Right, Text
from accounts.scopes import ScopeRef
from config.kit import clock, counters, monitoring
from config.kit.counters import NAMES, Batch
from config.kit.monitoring import Element
from jobs.commands import About, command
from jobs.errors import BadArguments, BadValue
from jobs.models import CounterBatch, Counters
from jobs.running import TaskRun

Result = dict[str, object]
WRITE_EVERY_S = 10.0
BATCHES_KEPT = timedelta(days=7)
LEVELS = (Level.USER, Level.DOMAIN)
RIGHTS = {Level.USER: (Right.VIEW_USERS, Right.MANAGE_USERS), Level.DOMAIN: (Right.VIEW_DOMAINS, Right.EDIT_DOMAINS)}
LABELS: dict[str, Text] = {
    "messages_received": gettext_lazy("Messages received"),
    "bytes_received": gettext_lazy("Bytes received"),
    "messages_sent": gettext_lazy("Messages sent"),
    "bytes_sent": gettext_lazy("Bytes sent"),
    "logins": gettext_lazy("Sign-ins"),
}
# The names of the CommuniGate Pro CLI.
KEYS = {
    "MessagesReceived": "messages_received",
    "BytesReceived": "bytes_received",
    "MessagesSent": "messages_sent",
    "BytesSent": "bytes_sent",
    "Logins": "logins",
}
_WORDS: dict[str, Text] = {name: LABELS[column] for name, column in KEYS.items()}
_WRITE = """
INSERT INTO jobs_counters AS known
    (level, object_id, messages_received, bytes_received, messages_sent, bytes_sent, logins)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (level, object_id) DO UPDATE SET
    messages_received = known.messages_received + excluded.messages_received,
    bytes_received = known.bytes_received + excluded.bytes_received,
    messages_sent = known.messages_sent + excluded.messages_sent,
    bytes_sent = known.bytes_sent + excluded.bytes_sent,
    logins = known.logins + excluded.logins
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The counters of one scope now. reset_at: since when, None: since there are counters."""

    amounts: dict[str, int]
    reset_at: datetime | None


def register() -> None:
    """The clock writes down; programs watch the server's sums."""
    clock.register_chore(WRITE_EVERY_S, "write down what was counted", write_down)
    for name in NAMES:
        monitoring.register(
            Element(f"counted.{name}", f"Counted since the server's beginning: {name}", _of_server(name), "counter")
        )


def write_down() -> int:
    """Write down what was counted, each batch once; how many batches there were."""
    try:
        batches = counters.take()
        for batch in batches:
            _write(batch)
            counters.done(batch)
    except redis.RedisError:
        return 0  # the next look tries again; the broker's own check says that it is away
    return len(batches)


def get_statistics(actor: Actor, level: Level, object_id: int) -> Statistics:
    """The counters of an account or a domain; one's own account's without a right. Raises: Forbidden, Http404."""
    require_reading(actor, level, object_id)
    row = Counters.objects.filter(level=level, object_id=object_id).first()
    lately = counters.waiting(level, object_id)
    amounts = {name: (getattr(row, name) if row else 0) + lately[name] for name in NAMES}
    return Statistics(amounts, row.reset_at if row else None)


def reset_statistics(actor: Actor, level: Level, object_id: int, *, name: str = "") -> None:
    """Set all counters back, or one. Raises: Forbidden, Http404, BadValue for a counter that there isn't."""
    obj = require_writing(actor, level, object_id)
    if name and name not in NAMES:
        raise BadValue(_("There is no counter of this name."), field="key_name")
    write_down()  # what was counted before now must not come back afterwards
    with transaction.atomic():
        Counters.objects.bulk_create([Counters(level=level, object_id=object_id)], ignore_conflicts=True)
        row = Counters.objects.select_for_update().get(level=level, object_id=object_id)
        names = (name,) if name else NAMES
        before = {each: getattr(row, each) for each in names}
        for each in names:
            setattr(row, each, 0)
        if not name:
            row.reset_at = timezone.now()
        row.save()
        audit.record(actor, "counters.reset", obj, **before)


def require_reading(actor: Actor, level: Level, object_id: int) -> Any:
    """The account or domain. Raises: Http404, Forbidden."""
    own = level == Level.USER and actor.user is not None and actor.user.pk == object_id and actor.acting is None
    return actor.user if own else places.get(actor, ScopeRef(level, object_id), RIGHTS[level][0])


def require_writing(actor: Actor, level: Level, object_id: int) -> Any:
    """The same, for setting it back. Raises: Http404, Forbidden."""
    actor.require_writing()
    places.get(actor, ScopeRef(level, object_id), RIGHTS[level][0])
    return places.get(actor, ScopeRef(level, object_id), RIGHTS[level][1])


def _write(batch: Batch) -> None:
    with transaction.atomic():
        _row, is_new = CounterBatch.objects.get_or_create(id=batch.id)
        if not is_new:
            return  # the clock died before it said that it was done
        keys = sorted(batch.counts)
        columns = [[batch.counts[key].get(name, 0) for key in keys] for name in NAMES]
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [[level for level, _id in keys], [each for _level, each in keys], *columns])
        CounterBatch.objects.filter(at__lt=timezone.now() - BATCHES_KEPT).delete()


def _of_server(name: str) -> monitoring.Read:
    def read() -> int:
        row = Counters.objects.filter(level=Level.SERVER, object_id=0).values_list(name, flat=True).first()
        return row or 0

    return read


# --- commands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountStatArguments:
    """Whose (* is one's own), and which counter; without one all of them."""

    account_name: Annotated[str, About(gettext_lazy("Account"))]
    key_name: Annotated[str, About(gettext_lazy("Counter"), choices={"": gettext_lazy("All"), **_WORDS})] = ""


@dataclass(frozen=True, slots=True)
class DomainStatArguments:
    """Of which domain (* is one's own), and which counter; without one all of them."""

    domain_name: Annotated[str, About(gettext_lazy("Domain"))]
    key_name: Annotated[str, About(gettext_lazy("Counter"), choices={"": gettext_lazy("All"), **_WORDS})] = ""


@command("GetAccountStat", needs=None, arguments=AccountStatArguments, label=gettext_lazy("Counters of an account"))
def get_account_stat(actor: Actor, run: TaskRun, arguments: AccountStatArguments) -> Result:
    """Read what was counted of an account."""
    return _stat(actor, _account(actor, arguments.account_name), arguments.key_name)


@command(
    "ResetAccountStat",
    needs=Right.MANAGE_USERS,
    arguments=AccountStatArguments,
    label=gettext_lazy("Reset of an account's counters"),
)
def reset_account_stat(actor: Actor, run: TaskRun, arguments: AccountStatArguments) -> Result:
    """Set the counters of an account back."""
    return _reset(actor, _account(actor, arguments.account_name), arguments.key_name)


@command(
    "GetDomainStat",
    needs=Right.VIEW_DOMAINS,
    arguments=DomainStatArguments,
    label=gettext_lazy("Counters of a domain"),
)
def get_domain_stat(actor: Actor, run: TaskRun, arguments: DomainStatArguments) -> Result:
    """Read what was counted of a domain."""
    return _stat(actor, _domain(actor, arguments.domain_name), arguments.key_name)


@command(
    "ResetDomainStat",
    needs=Right.EDIT_DOMAINS,
    arguments=DomainStatArguments,
    label=gettext_lazy("Reset of a domain's counters"),
)
def reset_domain_stat(actor: Actor, run: TaskRun, arguments: DomainStatArguments) -> Result:
    """Set the counters of a domain back."""
    return _reset(actor, _domain(actor, arguments.domain_name), arguments.key_name)


def _stat(actor: Actor, scope: ScopeRef, key: str) -> Result:
    try:
        found = get_statistics(actor, scope.level, scope.id)
    except Http404 as error:
        raise _unknown(scope.level) from error
    all_of_them: Result = {
        "StatReset": None if found.reset_at is None else found.reset_at.isoformat(),
        **{name: found.amounts[column] for name, column in KEYS.items()},
    }
    return {key: all_of_them[key]} if key else all_of_them


def _reset(actor: Actor, scope: ScopeRef, key: str) -> Result:
    if key == "StatReset":
        raise BadArguments(_("There is no counter of this name."), field="key_name")
    try:
        reset_statistics(actor, scope.level, scope.id, name=KEYS.get(key, key))
    except Http404 as error:
        raise _unknown(scope.level) from error
    return _stat(actor, scope, key)


def _account(actor: Actor, name: str) -> ScopeRef:
    """Raises: BadArguments, also for somebody whom the actor may not see."""
    if name == "*":
        if actor.user is None:
            raise _unknown(Level.USER)
        return ScopeRef(Level.USER, actor.user.pk)
    try:
        person = User.objects.filter(email=str(parse_address(name))).first()
    except BadAddress as error:
        raise BadArguments(str(error), field="account_name") from error
    if person is None:
        raise _unknown(Level.USER)
    return ScopeRef(Level.USER, person.pk)


def _domain(actor: Actor, name: str) -> ScopeRef:
    """Raises: BadArguments."""
    if name == "*":
        own = actor.user.home_domain_id if actor.user is not None else None
        found = None if own is None else ScopeRef(Level.DOMAIN, own)
    else:
        found = places.find(Level.DOMAIN, name)
    if found is None:
        raise _unknown(Level.DOMAIN)
    return found


def _unknown(level: Level) -> BadArguments:
    if level == Level.USER:
        text = _("There is nobody with this address, or nobody that you may see.")
        return BadArguments(text, field="account_name")
    return BadArguments(_("There is no domain of this name, or none that you may see."), field="domain_name")
