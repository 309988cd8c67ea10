"""The delivery process: takes what is due, keeps each destination as busy as it may be, writes down what came of it.

One asyncio loop; what blocks (database, DNS) runs in threads. `manage.py deliver` starts it, a child of `manage.py up`;
any number of them may run, on any number of machines.

Crash: what was in hand is tried again by the next process, counted as a possible duplicate. A database or broker that
is away for a while costs nothing but time: what came of a try is held until it can be written.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

import redis
import redis.asyncio
from django.conf import settings as django_settings
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, connections
from django.utils import timezone

from config.kit import heartbeat
from gateway import loops
from gateway.delivery.client import Client
from gateway.delivery.lanes import Lane
from gateway.delivery.reaching import Reacher, Unreached
from gateway.delivery.routing import NoRoute, Router
from gateway.delivery.said import End, Outcome
from gateway.delivery.trying import Work, hand_over, works_of
from gateway.inserting import forget_numbers
from gateway.models import DestinationHour, QueueItem, QueueSettings
from gateway.naming import own_name
from gateway.queue import adding, claiming
from gateway.queue.settings import read_settings
from gateway.queue.settling import settle
from gateway.queue.tried import Tried
from gateway.threads import keep_connection_fresh

logger = logging.getLogger("postkeep.delivery")

PART = "delivery"
LOOK_EVERY_S = 2.0
ORPHANS_EVERY_S = 15.0
MOST_IN_HAND, FIRST_ITEMS = 1_500, 20
STATISTICS_KEPT = timedelta(days=35)
FORGET_EVERY_S = 3600.0
READERS = 4
MOST_DESTINATIONS = 200
MOST_SETTLED = 200
STOP_S = 7.0
GATHERING_S = 0.02  # between statements: a handful costs what one costs
AFTER_FAILURE_S = 1.0

T = TypeVar("T")


def run(stop: Callable[[], bool], *, reacher: Reacher | None = None, beat: Callable[[], None] | None = None) -> None:
    """Deliver until `stop` says so; then what is under way may end, for some seconds."""
    loops.run(Delivery(stop, reacher=reacher, beat=beat).run())


class Delivery:
    """The state of one process. Everything here runs in the loop's thread but what goes through `_db`."""

    def __init__(
        self, stop: Callable[[], bool], *, reacher: Reacher | None = None, beat: Callable[[], None] | None = None
    ) -> None:
        self._stop = stop
        self._naming = ThreadPoolExecutor(16, thread_name_prefix="names")
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="settle")
        self._claiming = ThreadPoolExecutor(1, thread_name_prefix="claim")
        self._reacher = reacher or Reacher(Router.configured(), self._naming, own_name())
        self._beat_now = beat or (lambda: heartbeat.beat(PART))
        self.worker = claiming.worker_name()
        self.lanes: dict[str, Lane] = {}
        self._due: set[str] = set()
        self._look_at = 0.0
        self._done: list[Tried] = []
        self._wake, self._news = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._settings = QueueSettings()
        self._in_hand = 0
        self._ending = False

    async def run(self) -> None:
        """The life of the process."""
        helpers = [asyncio.create_task(work()) for work in (self._listen, self._write_down, self._keep_house)]
        try:
            while not self._stop():
                more = await self._turn()
                await asyncio.sleep(GATHERING_S)
                if not more:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.25):
                            await self._wake.wait()
                self._wake.clear()
            await self._end()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self._naming.shutdown(wait=False)
            for pool, size in ((self._reading, READERS), (self._writing, 1), (self._claiming, 1)):
                _shut(pool, size)

    # --- taking ---

    async def _turn(self) -> bool:
        """One look at what can be taken and begun; whether there may be more right now."""
        try:
            if time.monotonic() >= self._look_at:
                self._due.update(await self._db(self._claiming, claiming.due_destinations))
                self._settings = await self._db(self._claiming, read_settings)
                self._look_at = time.monotonic() + LOOK_EVERY_S
            rooms = self._rooms()
            claimed = await self._db(self._claiming, claiming.claim, self.worker, rooms) if rooms else []
        except (DatabaseError, InterfaceError) as error:
            logger.warning("nothing can be taken from the queue: %s", error)
            await asyncio.sleep(AFTER_FAILURE_S)
            return False
        counts = dict.fromkeys(rooms, 0)
        for each in claimed:
            counts[each.item.destination] += 1
        for destination, count in counts.items():
            self.lanes[destination].items += count
            if count < rooms[destination]:
                self._due.discard(destination)
        self._in_hand += len(claimed)
        for work in works_of(claimed, self._settings.most_recipients):
            self.lanes[work.destination].waiting.append(work)
        self._begin()
        return bool(claimed)

    def _rooms(self) -> dict[str, int]:
        """How many items may be taken for which destination."""
        left = MOST_IN_HAND - self._in_hand
        depth = max(2 * self._settings.per_destination, self._settings.most_recipients)
        rooms: dict[str, int] = {}
        for destination in list(self._due):
            lane = self.lanes.setdefault(destination, Lane(destination))
            most = depth if lane.is_known else min(depth, FIRST_ITEMS)
            room = min(most - lane.items, left)
            # little by little costs as many statements as much at once
            if lane.is_down or room < min(most // 4, left) or room <= 0:
                continue
            rooms[destination] = room
            left -= room
            if left <= 0 or len(rooms) >= MOST_DESTINATIONS:
                break
        return rooms

    def _begin(self) -> None:
        """Start what may be started, one connection for each destination in turn."""
        lanes = [lane for lane in self.lanes.values() if lane.waiting]
        while lanes and len(self._tasks) < self._settings.connections:
            for lane in list(lanes):
                if not lane.waiting or lane.active >= lane.limit(self._settings.per_destination):
                    lanes.remove(lane)
                elif len(self._tasks) < self._settings.connections:
                    lane.active += 1
                    task = asyncio.create_task(self._work_through(lane))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    # --- delivering ---

    async def _work_through(self, lane: Lane) -> None:
        """One connection's worth: message after message while there are some."""
        client: Client | None = None
        key: object = None
        try:
            while lane.waiting and not self._ending:
                work = lane.waiting.popleft()
                wanted = _key(work)
                lane.turn_to(wanted)
                if client is not None and (key != wanted or not lane.put_idle(client, key)):
                    await client.leave()
                client, key = None, wanted
                try:
                    client = await self._deliver(lane, work)
                except Exception:
                    logger.exception("delivery to %s failed in a way nobody thought of", lane.destination)
                    self._note(work.all_are(Outcome(End.DEFERRED, "4.3.0", "an error of this server")))
        finally:
            if client is not None and not lane.put_idle(client, key):
                await client.leave()
            lane.active -= 1
            self._wake.set()

    async def _deliver(self, lane: Lane, work: Work) -> Client | None:
        """Try one message; the connection, where it can be used again."""
        began = time.monotonic()
        while True:
            client = lane.take_idle()
            if client is None:
                try:
                    client = await self._connect(lane, work)
                except Unreached as error:
                    self._note_unreached(lane, work, error.outcome, time.monotonic() - began)
                    return None
            tried = await hand_over(client, work, self._reading)
            if tried is not None:
                break
            client.abort()  # it was closed while it lay idle: once more on another
        self._note(tried)
        return client if client.is_alive else None

    async def _connect(self, lane: Lane, work: Work) -> Client:
        """Raises: Unreached."""
        hops = lane.known_hops()
        if not hops:
            item, loop = work.claimed[0].item, asyncio.get_running_loop()
            try:
                relay = item.relay if item.relay_id is not None else None
                hops = await loop.run_in_executor(self._naming, self._reacher.router.hops, item.destination, relay)
            except NoRoute as error:
                end = End.FAILED if error.permanent else End.DEFERRED
                raise Unreached(Outcome(end, error.status, str(error))) from error
            lane.keep_hops(hops)
        client = await self._reacher.reach(hops)
        if not lane.is_known:
            self._wake.set()  # more may be begun
        lane.note_reached()
        return client

    def _note_unreached(self, lane: Lane, work: Work, outcome: Outcome, seconds: float) -> None:
        """What this message hears, and what everything else for this destination hears that was not tried at all."""
        timed = Outcome(
            outcome.end, outcome.status, outcome.text, outcome.code, is_remote=outcome.is_remote, host=outcome.host,
            address=outcome.address, port=outcome.port, seconds=seconds,
        )  # fmt: skip
        lane.hops = []
        if outcome.end is End.FAILED:
            self._note(work.all_are(timed))
            return
        if not lane.is_down:
            lane.note_unreached()
        again = timezone.now() + timedelta(seconds=max(lane.down_until - time.monotonic(), 1.0))
        self._note([Tried(each.item, timed, again) for each in work.claimed])
        returned = Outcome(End.RETURNED, "", timed.reply)
        for other in lane.waiting:
            self._note([Tried(each.item, returned, again) for each in other.claimed])
        lane.waiting.clear()

    # --- writing down ---

    def _note(self, tried: list[Tried]) -> None:
        self._done += tried
        self._news.set()

    async def _write_down(self) -> None:
        """Outcomes as they come, as many in one transaction as came during the one before."""
        while True:
            await self._news.wait()
            batch = self._done[:MOST_SETTLED]
            try:
                await self._db(self._writing, _settle, batch)
            except (OperationalError, InterfaceError) as error:
                logger.warning("what was delivered can't be written down yet: %s", error)
                await asyncio.sleep(AFTER_FAILURE_S)
                continue
            except Exception:
                logger.exception("what came of %d tries can't be written down together", len(batch))
                if not await self._settled_singly(batch):
                    continue
            del self._done[: len(batch)]
            if not self._done:
                self._news.clear()
            for each in batch:
                self.lanes[each.item.destination].items -= 1
            self._in_hand -= len(batch)
            self._wake.set()
            await asyncio.sleep(GATHERING_S)

    async def _settled_singly(self, batch: list[Tried]) -> bool:
        try:
            await self._db(self._writing, _settle_singly, batch)
        except (OperationalError, InterfaceError):
            await asyncio.sleep(AFTER_FAILURE_S)
            return False
        return True

    async def _end(self) -> None:
        """Give back what wasn't begun; what is under way may end."""
        self._ending = True
        for lane in self.lanes.values():
            for work in lane.waiting:
                self._note(work.all_are(Outcome(End.RETURNED, "", "")))
            lane.waiting.clear()
            lane.close_idle()
        until = time.monotonic() + STOP_S
        while (self._tasks or self._done) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()  # still in hand when this process ends: tried again, as a possible duplicate

    # --- beside it ---

    async def _listen(self) -> None:
        """Signals that something was added or is to be tried now."""
        while True:
            client = redis.asyncio.Redis.from_url(django_settings.CACHES["default"]["LOCATION"])
            try:
                async with client.pubsub() as ears:
                    await ears.subscribe(adding.CHANNEL)
                    async for message in ears.listen():
                        if message["type"] == "message":
                            self._hear(message["data"].decode())
            except (redis.RedisError, OSError):
                await asyncio.sleep(AFTER_FAILURE_S)
            finally:
                with suppress(redis.RedisError, OSError):
                    await client.aclose()

    def _hear(self, text: str) -> None:
        if text == adding.EVERYWHERE:
            self._look_at = 0.0
            named = set(self.lanes)
        else:
            named = set(text.split("\n"))
            self._due |= named
        for destination in named & self.lanes.keys():
            self.lanes[destination].down_until = 0.0
        self._wake.set()

    async def _keep_house(self) -> None:
        """Proof of life, leases, connections that lie idle, claims of processes that ended."""
        renewed = time.monotonic()
        orphans_at = forget_at = 0.0
        while True:
            await asyncio.get_running_loop().run_in_executor(self._naming, self._beat_now)
            try:
                if time.monotonic() - renewed > claiming.RENEW_S:
                    await self._db(self._claiming, claiming.renew, self.worker)
                    renewed = time.monotonic()
                if time.monotonic() >= orphans_at:
                    if await self._db(self._claiming, claiming.free_orphans):
                        self._look_at = 0.0
                        self._wake.set()
                    orphans_at = time.monotonic() + ORPHANS_EVERY_S
                if time.monotonic() >= forget_at:
                    await self._db(self._claiming, _forget_old)
                    forget_at = time.monotonic() + FORGET_EVERY_S
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the leases can't be renewed: %s", error)
            for lane in list(self.lanes.values()):
                for client in lane.too_long_idle():
                    await client.leave()
                if lane.is_unused and lane.destination not in self._due:
                    del self.lanes[lane.destination]
            await asyncio.sleep(1.0)

    async def _db(self, pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, _with_connection, function, *arguments)


def _with_connection(function: Callable[..., T], *arguments: object) -> T:
    keep_connection_fresh()
    try:
        return function(*arguments)
    except (OperationalError, InterfaceError):
        connection.close()
        raise


def _forget_old() -> None:
    """Statistics of long ago."""
    DestinationHour.objects.filter(hour__lt=timezone.now() - STATISTICS_KEPT).delete()


def _shut(pool: ThreadPoolExecutor, size: int) -> None:
    """End its threads, each of which may have a connection to the database."""
    together = threading.Barrier(size)

    def close() -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(2.0)
        connections.close_all()

    for _ in range(size):
        pool.submit(close)
    pool.shutdown(wait=True)


def _settle(batch: list[Tried]) -> None:
    settle(batch)


def _settle_singly(batch: list[Tried]) -> None:
    """One of them can't be written: the others must be, and that one isn't tried again until somebody looks at it."""
    for each in batch:
        try:
            _settle_one(each)
        except (OperationalError, InterfaceError):
            connection.close()
            raise
        except Exception as error:
            logger.exception("item %d of the queue is held back", each.item.pk)
            QueueItem.objects.filter(pk=each.item.pk, claimed_by=each.item.claimed_by).update(
                state=QueueItem.State.HELD, last_reply=f"{each.outcome.reply} ({type(error).__name__})", claimed_by="",
                claimed_until=None,
            )  # fmt: skip


def _settle_one(tried: Tried) -> None:
    """Once more where the numbers for its rows were at fault, which is no reason to hold anything back."""
    try:
        settle([tried])
    except IntegrityError:
        forget_numbers()
        settle([tried])


def _key(work: Work) -> object:
    relay = work.claimed[0].item.relay
    return (work.destination, relay.pk if relay else None, relay.version if relay else 0)
