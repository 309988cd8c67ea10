"""Everything about a message together: what is found, what is said to the next server, what counts for whom."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from domains.models import Domain, Mailbox, SenderRule
from domains.policy.book import RuleBook
from domains.policy.decision import Action, Category, Keeping, Unit
from domains.policy.dlp import DlpRule
from domains.policy.evaluate import Recipient
from domains.policy.facts import AuthResult, Direction, Facts, Text, Where
from domains.policy.policy import Policy
from domains.services.policies import set_policy_values
from gateway.directory import changes
from gateway.flow import Door, Incoming, InFile, InMemory, Inspection, Route, Sending, Ways
from gateway.judging import deciding, inspecting
from gateway.judging.deciding import Law, decide, judge
from gateway.judging.inspecting import inspect_now, inspect_then
from gateway.judging.settings import ScannerSettings, SpamScanner, WhenDown
from tests.dns_server import DnsServer
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.judging.world import ADA, RSA, came_in, signed

SETTINGS = ScannerSettings(authserv_id="mx.example.org", dns_timeout_s=2.0)
INCOMING = Direction.INCOMING


@pytest.fixture
def names(dns_server: DnsServer, settings: object) -> Iterator[DnsServer]:
    dns_server.add_zone(
        "friends.example",
        f'@ TXT "v=spf1 ip4:192.0.2.7 -all"\n_dmarc TXT "v=DMARC1; p=reject"\n@ MX 10 mail\nmail A 192.0.2.7\n'
        f"s1._domainkey TXT ( {' '.join(_strings(RSA.record))} )",
    )
    dns_server.add_zone("com")  # as in the internet
    settings.DNS_SERVERS = (dns_server.endpoint,)  # type: ignore[attr-defined]
    with mock.patch.object(inspecting, "_workers", inspecting._Workers()):
        yield dns_server


def _strings(text: str) -> list[str]:
    return [f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)]


async def _inspected_in(incoming: Incoming) -> tuple[str, Inspection]:
    """The name of the thread that did it, and what it found."""
    with mock.patch.object(inspecting, "kept_settings", lambda: SETTINGS):
        found, name = await inspect_then(incoming, INCOMING, lambda _inspection: threading.current_thread().name)
    assert name is not None
    return name, found


def test_the_event_loop_looks_itself_at_what_needs_no_waiting(names: DnsServer) -> None:
    """A new domain is asked for in a thread; what is known then, of a small message, needs none."""
    message = came_in(signed(ADA, "friends.example", RSA))
    large = replace(message, body=InMemory(ADA + b"x" * inspecting.SMALL_BYTES))

    async def run() -> None:
        here = threading.current_thread().name
        first, found = await _inspected_in(message)
        second, again = await _inspected_in(message)
        third, _found = await _inspected_in(large)
        assert first != here and third != here
        assert second == here
        assert again == found

    asyncio.run(run())


def test_the_event_loop_waits_neither_for_names_nor_for_archives(names: DnsServer) -> None:
    """Of a domain that is known, but with a signature of one that isn't, or with something packed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "hello")
    head, _, _body = ADA.partition(b"\r\n\r\n")
    parcel = (
        head + b"\r\nMIME-Version: 1.0\r\nContent-Type: application/zip; name=a.zip\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(packed.getvalue()).replace(b"\n", b"\r\n")
    )

    async def run() -> None:
        here = threading.current_thread().name
        await _inspected_in(came_in(ADA))
        elsewhere, found = await _inspected_in(came_in(signed(ADA, "others.example", RSA)))
        unpacking, seen = await _inspected_in(came_in(parcel))
        assert here not in (elsewhere, unpacking)
        assert [each.result for each in found.facts.authentication.dkim] == [AuthResult.PERMERROR]  # has no key
        assert [entry.name for entry in seen.facts.attachments[0].entries] == ["a.txt"]
        assert (await _inspected_in(came_in(ADA)))[0] == here

    asyncio.run(run())


def test_what_is_too_large_to_be_read_whole_is_still_proved_whole(
    names: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beginning is read; its signature is of all of it."""
    raw = signed(ADA.rstrip() + b"\r\n" + b"one more line\r\n" * 200, "friends.example", RSA)
    monkeypatch.setattr(inspecting, "READ_BYTES", raw.index(b"one more line") + 5)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the body
    file.write(raw)
    body = InFile(file, len(raw), hashlib.sha256(raw).digest())
    found = inspect_now(replace(came_in(raw), body=body), INCOMING, SETTINGS)
    assert found.facts.authentication.dkim[0].result is AuthResult.PASS
    assert found.facts.size_bytes == len(raw)
    assert "".join(text.text for text in found.facts.texts).count("one m") == 1
    broken = InMemory(raw[:-8] + b"time" + raw[-4:])
    found = inspect_now(replace(came_in(raw), body=broken), INCOMING, SETTINGS)
    assert found.facts.authentication.dkim[0].result is AuthResult.FAIL
    body.close()


def test_a_message_is_inspected_once_for_all(names: DnsServer) -> None:
    found = inspect_now(came_in(signed(ADA, "friends.example", RSA)), INCOMING, SETTINGS)
    said = found.facts.authentication
    assert (said.spf, said.spf_domain, said.dmarc, said.dmarc_policy) == (
        AuthResult.PASS, "friends.example", AuthResult.PASS, "reject",
    )  # fmt: skip
    assert [(each.domain, each.result) for each in said.dkim] == [("friends.example", AuthResult.PASS)]
    assert (found.subject, found.header_from, found.message_id) == (
        "Dinner  \t on Friday?", "ada@friends.example", "<1@friends.example>",
    )  # fmt: skip
    assert found.scanner == "builtin"
    assert found.facts.spam_score is not None
    assert found.facts.spam_score < 0
    results, points = found.headers
    assert results.startswith("Authentication-Results: mx.example.org; spf=pass")
    assert "dkim=pass header.d=friends.example" in results
    assert points == f"X-Spam-Score: {found.facts.spam_score:.1f} (builtin)"
    asked = len(names.asked)
    inspect_now(came_in(signed(ADA, "friends.example", RSA)), INCOMING, SETTINGS)
    assert len(names.asked) == asked  # answers are kept as long as their zone says


def test_a_forged_sender_scores_and_our_own_name_in_results_is_noticed(names: DnsServer) -> None:
    raw = b"Authentication-Results: mx.example.org; dkim=pass\r\n" + ADA
    found = inspect_now(came_in(raw, address="192.0.2.66", name=""), INCOMING, SETTINGS)
    assert {"spf-fail", "dmarc-reject", "client-nameless", "forged-results"} <= {name for name, _ in found.score_parts}


def signs_of(sender: str, address: str) -> set[str]:
    message = replace(came_in(address=address, name=""), sender=Sending(sender))
    found = inspect_now(message, INCOMING, SETTINGS)
    return {name for name, _ in found.score_parts} & {"client-nameless", "no-way-back"}


def test_a_name_that_is_missing_counts_where_names_are_known(names: DnsServer) -> None:
    assert signs_of("eve@nowhere.example", "192.0.2.66") == {"client-nameless", "no-way-back"}
    assert signs_of("eve@nowhere.example", "10.0.0.3") == {"no-way-back"}  # a machine of one's own needs no name


def test_in_a_closed_network_nobody_is_blamed_for_what_its_name_servers_do_not_know(
    names: DnsServer,
) -> None:
    names.remove_zone("com")
    assert signs_of("ada@gmail.com", "192.0.2.66") == set()


def test_the_client_that_a_postfix_in_front_names_is_the_one_that_counts(names: DnsServer) -> None:
    top = b"Received: from mail.friends.example (mail.friends.example [192.0.2.7])\r\n\tby mx.example.org (Postfix)\r\n"
    found = inspect_now(came_in(top + ADA, address="127.0.0.1", door=Door.FILTER), INCOMING, SETTINGS)
    assert found.facts.authentication.spf is AuthResult.PASS
    elsewhere = inspect_now(came_in(top + ADA, address="127.0.0.1", door=Door.MX), INCOMING, SETTINGS)
    assert elsewhere.facts.authentication.spf is AuthResult.FAIL


def test_silence_of_dns_is_said_or_refuses_and_never_counts_as_failed(names: DnsServer) -> None:
    names.fail("friends.example")
    found = inspect_now(came_in(), INCOMING, SETTINGS)
    assert found.facts.authentication.spf is AuthResult.TEMPERROR
    assert found.facts.authentication.dmarc is AuthResult.TEMPERROR
    assert (found.missing, found.silent) == (("dns",), ())
    assert "X-Postkeep-Unchecked: dns" in found.headers
    assert "unchecked-dns" in found.facts.incomplete
    assert not {"spf-fail", "dmarc-reject"} & {name for name, _ in found.score_parts}
    strict = inspect_now(came_in(), INCOMING, replace(SETTINGS, dns_when_down=WhenDown.REFUSE))
    assert (strict.missing, strict.silent) == ((), ("dns",))


def test_what_we_send_is_scored_but_not_authenticated(names: DnsServer) -> None:
    found = inspect_now(came_in(door=Door.SUBMISSION), Direction.OUTGOING, SETTINGS)
    assert found.facts.authentication.spf is AuthResult.NONE
    assert found.headers == ()
    assert found.facts.spam_score is not None
    assert names.asked == []
    unscored = inspect_now(came_in(), INCOMING, replace(SETTINGS, spam_scanner=SpamScanner.NONE, authenticate=False))
    assert (unscored.facts.spam_score, unscored.scanner) == (None, "")


def test_the_loop_goes_on_while_a_message_is_read(names: DnsServer) -> None:
    names.silence("friends.example")

    async def both() -> float:
        waiting = asyncio.create_task(inspecting.inspect(came_in(), INCOMING, replace(SETTINGS, dns_timeout_s=1.0)))
        started = time.monotonic()
        await asyncio.sleep(0.05)
        late = time.monotonic() - started
        await waiting
        return late

    assert asyncio.run(both()) < 0.5


# --- judging -----------------------------------------------------------------------------------------------------


def route_to(box: Mailbox | None, domain: Domain, address: str = "", direction: Direction = INCOMING) -> Route:
    pk = box.pk if box is not None else None
    return Route(
        asked=address or (box.address if box else ""), address=address or (box.address if box else ""),
        ends=Ways.MAILBOX, direction=direction, domain_id=domain.pk, mailbox_id=pk, policy_of=pk,
    )  # fmt: skip


def inspected(**facts: object) -> Inspection:
    return Inspection(Facts(envelope_sender="ada@friends.example", spam_score=6.0, **facts))  # type: ignore[arg-type]


@pytest.mark.django_db
def test_each_recipient_has_a_decision_of_its_own() -> None:
    domain = make_domain()
    strict, patient = make_mailbox_in(domain), make_mailbox_in(domain)
    set_policy_values(Actor.system(), patient, {"spam_score": 8.0})
    SenderRule.objects.create(domain=domain, mailbox=strict, type="BLOCK", value="ada@friends.example")
    first, second, third = judge(
        inspected(), [route_to(strict, domain), route_to(patient, domain), route_to(None, domain, f"x@{domain.name}")]
    )
    assert first.decision.category is Category.BLOCKED_SENDER
    assert second.decision.category is Category.CLEAN
    assert third.decision.category is Category.SPAM
    (nobodys,) = judge(inspected(), [Route("x@y.example", "x@y.example", Ways.EXTERNAL, INCOMING, None)])
    assert nobodys.decision.category is Category.SPAM


@pytest.mark.django_db(transaction=True)
def test_nothing_is_asked_while_the_directory_stays_as_it_is() -> None:
    domain = make_domain()
    box = make_mailbox_in(domain)
    routes = [route_to(box, domain), route_to(None, domain, f"x@{domain.name}")]
    changes.start()
    try:
        _until(lambda: changes.stamp() is not None)
        judge(inspected(), routes)
        with CaptureQueriesContext(connection) as queries:
            judge(inspected(), routes)
        assert len(queries) == 0
        set_policy_values(Actor.system(), box, {"spam_score": 8.0})
        _until(lambda: judge(inspected(), routes)[0].decision.category is Category.CLEAN)
    finally:
        changes.stop()


def _until(is_so: object) -> None:
    ends = time.monotonic() + 5
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_outgoing_mail_is_judged_once_and_an_expression_has_a_limited_time() -> None:
    rules = [DlpRule(number, "example.org", f"a[ab]{{90}}{number}c", targets_content=True) for number in range(1, 6)]
    policy = Policy(outgoing=True, quarantine=True)
    law = Law(policy, RuleBook(dlp=rules), Recipient("bob@example.org"))
    text = ("ab" * 9 + "ba") * 1500
    facts = Facts(direction=Direction.OUTGOING, envelope_sender="bob@example.org", texts=(Text(Where.BODY, text),))
    started = time.monotonic()
    decision = decide(facts, law, time_s=0.0)
    assert time.monotonic() - started < 2
    assert (decision.category, decision.action) == (Category.DLP, Action.HOLD)
    assert decision.quarantine == Keeping(policy.quarantine_props.duration_days, Unit.DAYS)
    assert "time" in str(decision.as_data())
    assert decide(replace(facts, texts=()), law).action is Action.DELIVER
    # incoming mail isn't looked through for leaks: it goes on, and the note says what wasn't read
    hurried = decide(replace(facts, direction=INCOMING), law, time_s=0.0)
    assert hurried.category is Category.CLEAN


def test_a_large_message_is_read_in_part() -> None:
    body = InMemory(ADA + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 480_000)
    found = inspect_now(replace(came_in(), body=body), INCOMING, replace(SETTINGS, authenticate=False))
    assert "size" in found.facts.incomplete
    assert found.facts.size_bytes == body.size_bytes
    assert deciding.TIME not in found.facts.incomplete
