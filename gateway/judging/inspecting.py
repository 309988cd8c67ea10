"""`inspect`: everything that is found out about a message, once, before it is judged.

    inspection = await inspect(incoming, Direction.INCOMING)

Our own work runs in threads (it may wait for DNS), scanners are asked at the same time; a small message of which
everything is known is looked at in the event loop itself, because a thread costs more than that. A scanner without an
answer is named in `missing` or, where the settings say that none may be missing, in `silent`; it is never taken for
"clean". Large messages are looked at one at a time, so that many of them don't fill the memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from django.db import connection

from domains.diagnosis.lookups import Resolver
from domains.policy.facts import AuthResult, Direction, Facts
from domains.policy.reading import READ_BYTES
from gateway.directory import NotRemembered, only_remembered
from gateway.flow import Door, Incoming, Inspection
from gateway.judging.archives.looking import Archives
from gateway.judging.authentication import results
from gateway.judging.authentication.names import NameCache, Questions
from gateway.judging.callouts import Callouts
from gateway.judging.examining import Asked, Examined, examine
from gateway.judging.scanners import clamd, rspamd
from gateway.judging.scanners.connecting import NoVerdict
from gateway.judging.settings import ScannerSettings, SpamScanner, VirusScanner, WhenDown
from gateway.judging.wishes import is_ours, want_verification
from gateway.naming import own_name
from gateway.services.scanning import current_settings, kept_settings

THREADS = 32
LARGE_BYTES = 4 * 1024 * 1024
SMALL_BYTES = 16 * 1024  # a millisecond's work, in which the event loop does nothing else
_FOREIGN_DOORS = frozenset({Door.MX, Door.FILTER})
T = TypeVar("T")
log = logging.getLogger("postkeep.gateway")


class _Workers:
    """The threads and the memory of DNS of this process, made when they are first needed."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._large: ThreadPoolExecutor | None = None
        self._names: NameCache | None = None
        self._database: ThreadPoolExecutor | None = None
        self.archives = Archives()
        self.callouts = Callouts(own_name())

    def pool_for(self, size_bytes: int) -> ThreadPoolExecutor:
        if size_bytes > LARGE_BYTES:
            self._large = self._large or ThreadPoolExecutor(1, thread_name_prefix="inspect large")
            return self._large
        self._pool = self._pool or ThreadPoolExecutor(THREADS, thread_name_prefix="inspect")
        return self._pool

    async def of_database(self, ask: Callable[[], T]) -> T:
        """What the database says, asked in one thread, whose connection is given back: there may be many processes."""

        def work() -> T:
            try:
                return ask()
            finally:
                connection.close()

        self._database = self._database or ThreadPoolExecutor(1, thread_name_prefix="inspect settings")
        return await asyncio.get_running_loop().run_in_executor(self._database, work)

    @property
    def names(self) -> NameCache:
        self._names = self._names or NameCache(Resolver.configured())
        return self._names


_workers = _Workers()


async def inspect(incoming: Incoming, direction: Direction, settings: ScannerSettings | None = None) -> Inspection:
    """What is known of the message. Never raises for what it holds, nor for scanners that don't answer."""
    return (await _inspect(incoming, direction, settings, lambda _inspection: None))[0]


async def inspect_then(
    incoming: Incoming, direction: Direction, then: Callable[[Inspection], T | None]
) -> tuple[Inspection, T | None]:
    """The same, and what `then` makes of it right there (where there is no connection to the database); None too where
    scanners outside were asked, whose answers come to the event loop."""
    return await _inspect(incoming, direction, None, then)


async def _inspect(
    incoming: Incoming, direction: Direction, settings: ScannerSettings | None, then: Callable[[Inspection], T | None]
) -> tuple[Inspection, T | None]:
    loop = asyncio.get_running_loop()
    pool = _workers.pool_for(incoming.body.size_bytes)
    if settings is None:
        kept = kept_settings()
        settings = await _workers.of_database(current_settings) if kept is None else kept
    verifies = False
    if settings.verify_senders and direction is Direction.INCOMING and incoming.door in _FOREIGN_DOORS:
        verifies = await _want_verification(incoming)
    waiting = []
    if settings.spam_scanner is SpamScanner.RSPAMD:
        waiting.append(_ask_rspamd(incoming, settings))
    if settings.virus_scanner is VirusScanner.CLAMD:
        waiting.append(_ask_clamd(incoming, settings))
    if not waiting and not verifies and _is_known(incoming, settings):
        with suppress(NotRemembered), only_remembered():
            return _all_at_once(incoming, direction, settings, verifies, then)
    if not waiting:
        return await loop.run_in_executor(pool, _all_at_once, incoming, direction, settings, verifies, then)
    examining = loop.run_in_executor(pool, _examine, incoming, direction, settings, verifies)
    merges = await asyncio.gather(*waiting)
    together = _Answers()
    for merge in merges:
        together = merge(together)
    return concluded(incoming, await examining, settings, together), None


def _is_known(incoming: Incoming, settings: ScannerSettings) -> bool:
    """Whether nothing will have to be waited for, in all likelihood: a small message of a domain known to DNS."""
    domain = incoming.sender.address.rpartition("@")[2]
    return incoming.body.size_bytes <= SMALL_BYTES and (
        not settings.authenticate or incoming.door not in _FOREIGN_DOORS or _workers.names.knows(domain, "TXT")
    )


def _all_at_once(
    incoming: Incoming,
    direction: Direction,
    settings: ScannerSettings,
    verifies: bool,
    then: Callable[[Inspection], T | None],
) -> tuple[Inspection, T | None]:
    """Without scanners to wait for everything is one piece of work. Raises: NotRemembered where nobody may wait."""
    inspection = concluded(incoming, _examine(incoming, direction, settings, verifies), settings, _Answers())
    return inspection, then(inspection)


async def _want_verification(incoming: Incoming) -> bool:
    try:
        with only_remembered():
            return _wants_verification(incoming)
    except NotRemembered:
        return await _workers.of_database(partial(_wants_verification, incoming))


def inspect_now(incoming: Incoming, direction: Direction, settings: ScannerSettings) -> Inspection:
    """The same for callers who wait themselves."""
    return asyncio.run(inspect(incoming, direction, settings))


def _wants_verification(incoming: Incoming) -> bool:
    """Whether a recipient wants the sender verified, who is somebody else's."""
    sender = incoming.sender.address
    return "@" in sender and not is_ours(sender) and want_verification(each.address for each in incoming.recipients)


def _examine(incoming: Incoming, direction: Direction, settings: ScannerSettings, verifies: bool) -> Examined:
    body = incoming.body
    asked = Asked(
        raw=body.read(READ_BYTES),
        sender=incoming.sender.address,
        recipients=tuple(each.address for each in incoming.recipients),
        direction=direction,
        received_at=incoming.received_at,
        client=incoming.client if incoming.door in _FOREIGN_DOORS else None,
        is_behind=incoming.door is Door.FILTER,
        whole=body if body.size_bytes > READ_BYTES else None,
    )
    examined = examine(asked, settings, _workers.names, _workers.archives)
    said = examined.facts.authentication
    if not verifies or AuthResult.FAIL in (said.spf, said.dmarc):  # the one it names had nothing to do with it
        return examined
    questions = Questions(_workers.names, timeout_s=settings.dns_timeout_s)
    verified = _workers.callouts.verify(asked.sender, questions)
    return replace(examined, facts=replace(examined.facts, sender_verify=verified))


@dataclass(frozen=True, slots=True)
class _Answers:
    """What scanners said. `down`: those that didn't, with what the settings want then."""

    spam: rspamd.Verdict | None = None
    viruses: tuple[str, ...] = ()
    down: tuple[tuple[str, WhenDown], ...] = ()

    def without(self, name: str, then: WhenDown) -> _Answers:
        return replace(self, down=(*self.down, (name, then)))


_Merge = Callable[[_Answers], _Answers]


async def _ask_rspamd(incoming: Incoming, settings: ScannerSettings) -> _Merge:
    server = rspamd.Server(settings.rspamd_url, settings.rspamd_password, settings.spam_timeout_s)
    try:
        found = await rspamd.check(
            server,
            incoming.body,
            sender=incoming.sender.address,
            recipients=[each.address for each in incoming.recipients],
            client=incoming.client,
            queue_id=incoming.key,
        )
    except NoVerdict as error:
        log.warning("no verdict of rspamd about %s: %s", incoming.key, error)
        return lambda answers: answers.without("rspamd", settings.spam_when_down)
    return lambda answers: replace(answers, spam=found)


async def _ask_clamd(incoming: Incoming, settings: ScannerSettings) -> _Merge:
    try:
        found = await clamd.scan(settings.clamd_address, incoming.body, timeout_s=settings.virus_timeout_s)
    except NoVerdict as error:
        log.warning("no verdict of clamd about %s: %s", incoming.key, error)
        return lambda answers: answers.without("clamd", settings.virus_when_down)
    return lambda answers: replace(answers, viruses=found)


def concluded(incoming: Incoming, examined: Examined, settings: ScannerSettings, answers: _Answers) -> Inspection:
    """All findings together, with the headers that tell the next server of them."""
    down = list(answers.down)
    if examined.authenticated is not None and examined.authenticated.has_temporary_error:
        down.append(("dns", settings.dns_when_down))
    score, parts, scanner = _score(examined, settings, answers)
    missing = tuple(name for name, then in down if then is WhenDown.DELIVER)
    facts = replace(
        examined.facts,
        spam_score=score,
        virus_names=answers.viruses,
        incomplete=(*examined.facts.incomplete, *(f"unchecked-{name}" for name in missing)),
    )
    return Inspection(
        facts=facts,
        subject=facts.subject,
        message_id=examined.head.first("message-id").strip()[:998],
        header_from=examined.header_from,
        missing=missing,
        silent=tuple(name for name, then in down if then is WhenDown.REFUSE),
        score_parts=parts,
        scanner=scanner,
        virus_scanner=settings.virus_scanner.value,
        headers=tuple(_headers(incoming, examined, settings, facts, missing, scanner)),
    )


def _score(
    examined: Examined, settings: ScannerSettings, answers: _Answers
) -> tuple[float | None, tuple[tuple[str, float], ...], str]:
    """Points, their parts, and whose they are; None: nobody scored it."""
    if settings.spam_scanner is SpamScanner.RSPAMD:
        found = answers.spam
        return (None, (), "") if found is None else (found.score, found.parts, SpamScanner.RSPAMD.value)
    if settings.spam_scanner is SpamScanner.BUILT_IN:
        return examined.score.points, examined.score.parts, SpamScanner.BUILT_IN.value
    return None, (), ""


def _headers(
    incoming: Incoming,
    examined: Examined,
    settings: ScannerSettings,
    facts: Facts,
    missing: tuple[str, ...],
    scanner: str,
) -> list[str]:
    unchecked = [f"X-Postkeep-Unchecked: {', '.join(missing)}"] if missing else []
    if facts.direction is not Direction.INCOMING:
        return unchecked
    lines = []
    client = examined.client
    if examined.authenticated is not None and client is not None:
        sender = incoming.sender.address
        lines.append(
            results.header_line(
                settings.authserv_id, examined.authenticated, client=client.address, sender=sender, helo=client.helo
            )
        )
    if facts.spam_score is not None:
        lines.append(f"X-Spam-Score: {facts.spam_score:.1f} ({scanner})")
    return [*lines, *unchecked]
