"""Passports by the million, for following messages to be measured on: two years of mail of an invented directory.

    manage.py shell -c "from benchmarks.tracking_data import fill; fill(10_000_000)"

One recipient per message. PostgreSQL makes the rows itself, the same ones each time. What a passport's page shows but
no list looks at (facts, reasons) is left empty, and only the youngest messages have steps. Not for counting accounts.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Sequence

from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.models import Grant, User
from accounts.permissions import Level
from benchmarks import directory_data
from benchmarks.bulk import loading
from benchmarks.directory_data import ONE_DOMAIN, PASSWORD
from benchmarks.invented import FIRST, LAST, STEMS, TRADES
from domains.models import Domain
from gateway.models import Message, Recipient, Step

MAILBOXES, DOMAINS, CUSTOMERS = 20_000, 200, 10
SMALL_DOMAIN = "small@bench.example"
DAYS, CHUNK = 730, 500_000
SENDERS, HOSTS, HALVES = 60_000, 3_000, 60_000
STEPS = 200_000
SAMPLES = 8
_COMMON = """
invoice order meeting report project offer question answer contract delivery payment reminder update holiday team
status plan budget review agenda minutes ticket support account password newsletter today tomorrow monday friday week
month january march june september december urgent new final draft version schedule call notes request confirmation
booking travel hotel flight training workshop interview application proposal quote price list sample Rechnung Angebot
Termin Bestellung Lieferung Mahnung Besprechung Bericht Urlaub Anfrage Auftrag Protokoll Vertrag facture commande
livraison réunion rapport devis factura pedido reunión faktura ordre møde møte tilbud
"""


def fill(messages: int) -> None:
    """The directory and so many messages; the database must be ours alone. Prints {"seconds", "bytes"}."""
    began = time.monotonic()
    directory_data.fill(MAILBOXES, DOMAINS, CUSTOMERS)
    _people()
    _tables()
    with loading(Message, Recipient, Step):
        for first in range(0, messages, CHUNK):
            _messages(first, min(first + CHUNK, messages), messages)
            print(f"{first:,}", file=sys.stderr)
    with connection.cursor() as cursor:
        for model in (Message, Recipient):
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f'"{model._meta.db_table}"', messages]
            )
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
    json.dump({"seconds": time.monotonic() - began, "bytes": size, "messages": messages}, sys.stdout)


def tell() -> None:
    """Prints for the largest domain and a small one {"administrator", "person", "domain", "samples"}."""
    found = {}
    for name, domain, email in (("large", _largest(), ONE_DOMAIN), ("small", _smallest(), SMALL_DOMAIN)):
        samples = [_sample(row) for row in _spread(domain)]
        person = User.objects.get(email=samples[0]["own"])
        person.password = make_password(PASSWORD)
        person.save(update_fields=["password"])
        who = {"administrator": email, "person": person.email, "domain": domain.name}
        found[name] = {**who, "samples": samples}
    json.dump(found, sys.stdout)


def _spread(domain: Domain) -> list[Recipient]:
    last = Recipient.objects.order_by("-pk").values_list("pk", flat=True)[0]
    rows = Recipient.objects.filter(domain_id=domain.pk).select_related("message", "mailbox").order_by("pk")
    found = [rows.filter(pk__gt=last * at // SAMPLES).first() for at in range(SAMPLES)]
    return [row for row in found if row is not None]


def _sample(row: Recipient) -> dict[str, object]:
    assert row.mailbox is not None
    return {
        "own": row.mailbox.address,
        "to": row.address,
        "sender": row.message.sender,
        "subject": row.message.subject,
        "id": row.message.message_id,
        "key": row.message.key,
        "day": f"{row.received_at:%Y-%m-%d}",
        "month": f"{row.received_at:%Y-%m}",
        "received": row.received_at.isoformat(),
        "passport": row.pk,
    }


def _largest() -> Domain:
    return Domain.objects.order_by("-mailbox_count", "pk")[0]


def _smallest() -> Domain:
    return Domain.objects.order_by("mailbox_count", "pk")[0]


def _people() -> None:
    """Who follows the messages of a small domain; the largest has its administrator."""
    domain, like = _smallest(), Grant.objects.get(user__email=ONE_DOMAIN)
    user = User.objects.create(email=SMALL_DOMAIN, password=make_password(PASSWORD))
    Grant.objects.create(
        user=user,
        role_key=like.role_key,
        level=Level.DOMAIN,
        object_id=domain.pk,
        object_label=domain.name,
        granted_by_label=like.granted_by_label,
    )


def _tables() -> None:
    """What messages are put together from: mailboxes (the largest domain's first), senders, halves of subjects."""
    chance = random.Random(1)  # noqa: S311
    common = _COMMON.split()
    words = [*common, *(f"{stem}{trade}" for stem in STEMS for trade in TRADES), *FIRST, *LAST]
    chance.shuffle(words)
    places = {word: at for at, word in enumerate([*common, *(each for each in words if each not in common)])}
    ranked = list(places)
    halves = [
        " ".join(ranked[int(len(ranked) * chance.random() ** 3)] for _ in range(chance.choice((2, 3, 3, 4))))
        for _ in range(HALVES)
    ]
    stems = [f"{chance.choice(STEMS)}-{chance.choice(TRADES)}{number}.example" for number in range(HOSTS)]
    senders = [
        f"{chance.choice(FIRST)}.{chance.choice(LAST)}@{stems[int(HOSTS * chance.random() ** 2)]}".lower()
        for _ in range(SENDERS)
    ]
    largest = _largest().pk
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE UNLOGGED TABLE bench_box AS SELECT row_number() OVER (ORDER BY domain_id <> %s, id) - 1 AS n, "
            "id, domain_id, customer_id, address FROM domains_mailbox",
            [largest],
        )
    _list("bench_sender", senders)
    _list("bench_half", halves)


def _list(name: str, values: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE UNLOGGED TABLE {name} AS SELECT n - 1 AS n, t FROM unnest(%s::text[]) WITH ORDINALITY AS x(t, n)",  # noqa: S608
            [list(values)],
        )
        cursor.execute(f"ANALYZE {name}")


_FACTS = """
    SELECT i, now() - interval '1 day' * {days} * (1 - i::float8 / {total}) AS at,
        {half1} AS half1, {half2} AS half2, {sender} AS sender_n, {of_largest} AS of_largest, {box} AS box_n,
        {fate} AS fate, {kind} AS kind, {re} AS re, {way} AS way
    FROM generate_series({first}, {last}) AS i
"""
_MADE = """
    CREATE TEMP TABLE made AS
    SELECT f.i, f.at, f.fate, b.id AS mailbox_id, b.domain_id, b.customer_id,
        CASE WHEN f.way < 0.7 THEN 'incoming' ELSE 'outgoing' END AS direction,
        CASE WHEN f.way < 0.7 THEN s.t ELSE b.address END AS sender,
        CASE WHEN f.way < 0.7 THEN b.address ELSE s.t END AS address,
        CASE WHEN f.re < 0.3 THEN 'Re: ' WHEN f.re < 0.33 THEN '[#' || f.i % 100000 || '] ' ELSE '' END
            || h1.t || ' ' || h2.t AS subject,
        CASE WHEN f.fate < 0.03 OR f.kind < 0.02 THEN
            CASE WHEN f.kind < 0.3 THEN 'spam' WHEN f.kind < 0.6 THEN 'spam' WHEN f.kind < 0.7 THEN 'advert'
                WHEN f.kind < 0.8 THEN 'blocked_sender' WHEN f.kind < 0.9 THEN 'bad_attachment' ELSE 'virus' END
            ELSE 'clean' END AS category,
        CASE WHEN f.i > {total} - 2000 THEN 'queued' WHEN f.fate < 0.03 THEN 'held' WHEN f.fate < 0.04 THEN 'refused'
            WHEN f.fate < 0.043 THEN 'bounced' WHEN f.fate < 0.05 THEN 'released' ELSE 'delivered' END AS state
    FROM ({facts}) AS f
    JOIN (
        SELECT count(*) AS all_n, count(*) FILTER (WHERE domain_id = {largest}) AS large_n FROM bench_box
    ) AS c ON true
    JOIN bench_box b ON b.n = CASE WHEN f.of_largest < 1.0 / 3 THEN floor(c.large_n * f.box_n)
        ELSE c.large_n + floor((c.all_n - c.large_n) * f.box_n) END
    JOIN bench_sender s ON s.n = floor({senders} * power(f.sender_n, 2))
    JOIN bench_half h1 ON h1.n = floor({halves} * f.half1)
    JOIN bench_half h2 ON h2.n = floor({halves} * f.half2)
"""
_INSERT_MESSAGES = """
    INSERT INTO gateway_message (id, key, received_at, door, direction, client_name, helo, tls, sender, header_from,
        subject, message_id, size_bytes, sha256, facts)
    SELECT i + 1, lpad(to_hex((extract(epoch FROM at) * 1000000)::bigint), 13, '0') || left(md5(i::text), 8), at,
        CASE direction WHEN 'incoming' THEN 'mx' ELSE 'submission' END, direction, 'mail.example', 'mail.example',
        'TLSv1.3', sender, sender, subject, '<' || md5('m' || i) || '@' || split_part(sender, '@', 2) || '>',
        4000 + i % 60000, sha256(i::text::bytea), '{}'
    FROM made ORDER BY i
"""
_INSERT_RECIPIENTS = """
    INSERT INTO gateway_recipient (id, message_id, received_at, direction, asked, address, way, mailbox_id, domain_id,
        customer_id, category, action, score, decision, state, state_at, held_text)
    SELECT i + 1, i + 1, at, direction, address, address, '[]', mailbox_id, domain_id, customer_id, category,
        CASE state WHEN 'held' THEN 'hold' WHEN 'refused' THEN 'refuse' ELSE 'deliver' END,
        CASE category WHEN 'clean' THEN 0.5 ELSE 7.5 END, '{}', state, at,
        CASE state WHEN 'held' THEN lower(subject || E'\\n' || sender || E'\\n' || sender) ELSE '' END
    FROM made ORDER BY i
"""
_INSERT_STEPS = """
    INSERT INTO gateway_step (message_id, recipient_id, at, kind, data)
    SELECT i + 1, CASE kind WHEN 'received' THEN NULL ELSE i + 1 END, at, kind, '{}'
    FROM made, unnest(ARRAY['received', 'judged', 'queued', 'delivered']) AS kind WHERE i >= %s
"""


def _messages(first: int, last: int, total: int) -> None:
    names = ("half1", "half2", "sender", "of_largest", "box", "fate", "kind", "re", "way")
    chances = {
        name: f"(hashint8extended(i, {at}) & 1073741823) / 1073741824.0::float8" for at, name in enumerate(names)
    }
    facts = _FACTS.format(days=DAYS, total=total, first=first, last=last - 1, **chances)
    made = _MADE.format(facts=facts, total=total, largest=_largest().pk, senders=SENDERS, halves=HALVES)
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(made)
        cursor.execute(_INSERT_MESSAGES)
        cursor.execute(_INSERT_RECIPIENTS)
        cursor.execute(_INSERT_STEPS, [total - STEPS])
        cursor.execute("DROP TABLE made")
        cursor.execute("RESET work_mem")
