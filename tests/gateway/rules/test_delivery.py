"""Mail rules at work: from the end of the data to the rows of passport, queue and archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes
from email.message import Message as Mime
from email.policy import default
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from domains.models import Domain, Mailbox, SenderRule
from domains.policy.facts import Authentication, AuthResult
from domains.services.profiles import set_absence
from gateway import content
from gateway.filing import file_batch
from gateway.flow import Filed, Incoming, Inspection, Judged
from gateway.intake import judge_all, refusal_of
from gateway.models import Content, Kept, Message, QueueItem, Recipient, RepositoryItem, RuleSettings, VacationAnswer
from gateway.refusing import owe
from gateway.resolving import resolve
from gateway.ruling import rule
from gateway.services.mail_rules.away import set_note
from gateway.services.mail_rules.scripts import change_settings, create_script
from gateway.wording import rule_did
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import RAW, incoming
from tests.gateway.intake.test_intake import served, take, through

SYSTEM = Actor.system()
AUTHENTIC = Authentication(spf=AuthResult.PASS, spf_domain="friends.example")


def inspected(message: Incoming, authentication: Authentication = AUTHENTIC) -> Inspection:
    from domains.policy.facts import Envelope
    from domains.policy.reading import facts_from_message

    envelope = Envelope(sender=message.sender.address, received_at=message.received_at, authentication=authentication)
    facts = facts_from_message(message.body.read(), envelope)
    return Inspection(facts, facts.subject, "<bridge@friends.example>", facts.header_from[0].address, scanner="none")


def deliver(
    to: Sequence[str], raw: bytes = RAW, *, authentication: Authentication = AUTHENTIC, **more: Any
) -> tuple[Message, tuple[Judged, ...]]:
    """A message through resolving, judging, rules and filing."""
    message = incoming(raw, to=to, **more)
    inspection = inspected(message, authentication)
    routes = []
    for address in to:
        for route in resolve(address, message.sender.address).routes:
            routes.append(replace(route, return_path=message.sender.address))
    judged = rule(message, inspection, judge_all(inspection, routes))
    if refusal_of(judged) is None:
        judged = owe(judged)
    (row,) = file_batch([Filed(message, inspection, judged)])
    return row, judged


def states(message: Message) -> dict[str, str]:
    return {row.address: row.state for row in message.recipients.all()}


def steps(message: Message, address: str = "") -> list[dict[str, Any]]:
    rows = message.steps.filter(kind="ruled").order_by("pk")
    return [row.data for row in (rows.filter(recipient__address=address) if address else rows)]


def mail_of(item: QueueItem) -> Mime:
    return message_from_bytes(b"".join(content.chunks_of(item.content)), policy=default)


@pytest.fixture
def domain(db: None) -> Domain:
    return served()


@pytest.fixture
def ada(domain: Domain) -> Mailbox:
    return make_mailbox_in(domain, "ada", name="Ada Lovelace")


def test_a_folder_is_told_to_the_server_behind_and_is_the_archives(ada: Mailbox, domain: Domain) -> None:
    text = 'require ["fileinto", "imap4flags"];\n# rule:[Bridges]\nif header :contains "subject" "bridge" {\n' \
           '  addflag "\\\\Flagged";\n  fileinto "Work/Bridges";\n}'  # fmt: skip
    create_script(SYSTEM, ada, name="mine", text=text)
    message, _judged = deliver([ada.address])
    item = QueueItem.objects.get()
    assert states(message) == {ada.address: "queued"} and item.address == ada.address
    assert item.headers == ["X-Postkeep-Folder: Work/Bridges", "X-Postkeep-Flags: \\Flagged"]
    assert Kept.objects.get(folder="Archive").path == "Archive/Work/Bridges"
    assert Kept.objects.get(folder="Retention").path == "Retention"
    (said,) = steps(message)
    assert {name: said[name] for name in ("rule", "level", "line", "action", "detail")} == {
        "rule": "Bridges", "level": "user", "line": 5, "action": "fileinto", "detail": "Work/Bridges",
    }  # fmt: skip
    change_settings(SYSTEM, domain, folders=RuleSettings.Folders.DETAIL)
    deliver([ada.address])
    assert QueueItem.objects.order_by("pk").last().address == "ada+Work/Bridges@example.org"  # type: ignore[union-attr]


def test_server_domain_and_person_are_asked_in_turn(ada: Mailbox, domain: Domain) -> None:
    ben = make_mailbox_in(domain, "ben")
    create_script(SYSTEM, None, name="all", text='if header :contains "subject" "stop here" { discard; }')
    create_script(SYSTEM, domain, name="domain", text='require "fileinto"; if size :over 1 { fileinto "ours"; keep; }')
    create_script(SYSTEM, ada, name="mine", text="discard;")
    message, _judged = deliver([ada.address, ben.address])
    assert states(message) == {ada.address: "queued", ben.address: "queued"}  # filed by the domain before Ada's drop it
    assert [(each["level"], each["action"]) for each in steps(message, ada.address)] == [
        ("domain", "fileinto"), ("domain", "keep"), ("user", "discard"),
    ]  # fmt: skip
    dropped, _judged = deliver([ada.address], RAW.replace(b"The bridge", b"stop here"))
    assert states(dropped) == {ada.address: "discarded"}
    assert [each["level"] for each in steps(dropped)] == ["server"] and not dropped.queued.exists()
    assert Kept.objects.filter(recipient__message=dropped, folder="Archive").exists()  # rules don't empty the archive


def test_what_is_sent_on_leaves_as_from_whose_rule_it_is_and_never_goes_round(ada: Mailbox, domain: Domain) -> None:
    ben = make_mailbox_in(domain, "ben")
    create_script(SYSTEM, ada, name="mine", text=f'redirect "far@away.example"; redirect "{ben.address}";')
    create_script(SYSTEM, ben, name="back", text=f'require "copy"; redirect :copy "{ada.address}";')
    message, _judged = deliver([ada.address])
    assert states(message) == {ada.address: "redirected", "far@away.example": "queued", ben.address: "queued"}
    leaving = QueueItem.objects.get(address="far@away.example")
    assert (leaving.sender, leaving.destination) == (ada.address, "mx:away.example")
    assert leaving.headers == [f"X-Loop: {ada.address}"]
    inside = QueueItem.objects.get(address=ben.address)
    assert inside.sender == "bob@friends.example" and inside.headers == [f"X-Loop: {ada.address}"]
    assert message.recipients.get(address=ben.address).way == [ada.address, ben.address]
    assert set(message.steps.filter(kind="redirected").values_list("data__to", flat=True)) >= {"far@away.example"}

    again, _judged = deliver([ada.address], f"X-Loop: {ada.address}\r\n".encode() + RAW)
    assert states(again) == {ada.address: "queued"}
    assert [each["problem"] for each in steps(again)] == ["loop", "loop"]
    bounce, _judged = deliver([ada.address], sender=replace(incoming().sender, address=""))
    assert bounce.queued.get(address="far@away.example").sender == ""


def test_what_leads_nowhere_is_kept(ada: Mailbox, domain: Domain) -> None:
    create_script(SYSTEM, ada, name="mine", text='redirect "nobody@example.org";')
    message, _judged = deliver([ada.address])
    assert states(message) == {ada.address: "queued"} and [each["problem"] for each in steps(message)] == ["nowhere"]


def test_what_is_refused_where_it_was_to_go_is_kept(ada: Mailbox, domain: Domain) -> None:
    other = served("other.example")
    ben, cleo = make_mailbox_in(other, "ben"), make_mailbox_in(served("third.example"), "cleo")
    SenderRule.objects.create(domain=other, value="friends.example", type=SenderRule.Type.BLOCK)
    create_script(SYSTEM, ada, name="mine", text=f'redirect "{ben.address}"; redirect "{cleo.address}";')
    message, _judged = deliver([ada.address])
    assert states(message) == {ada.address: "queued", cleo.address: "queued"}
    assert [each.get("problem", "") for each in steps(message)] == ["refused", ""]
    assert "refused there" in rule_did("redirect", ben.address, "refused")
    assert not QueueItem.objects.filter(address="bob@friends.example").exists()  # nobody hears where it was to go


def test_who_is_refused_hears_of_it_only_if_they_are_who_they_say(ada: Mailbox, domain: Domain) -> None:
    ben = make_mailbox_in(domain, "ben")
    create_script(SYSTEM, ada, name="no", text='require "reject"; reject "Not by mail, Ä\nplease";')
    alone, judged = deliver([ada.address])
    answer = refusal_of(judged)
    assert answer is not None and (answer.code, answer.text) == (550, "Not by mail, ? please")
    assert states(alone) == {ada.address: "refused"} and not QueueItem.objects.exists()
    assert not Kept.objects.exists()
    both, judged = deliver([ada.address, ben.address])
    assert refusal_of(judged) is None and states(both) == {ada.address: "refused", ben.address: "queued"}
    notice = QueueItem.objects.get(address="bob@friends.example")
    assert notice.sender == "" and "Not by mail" in str(mail_of(notice))
    forged, _judged = deliver([ada.address, ben.address], authentication=Authentication())
    assert QueueItem.objects.filter(address="bob@friends.example").count() == 1
    assert states(forged) == {ada.address: "stored", ben.address: "queued"}
    lies = RepositoryItem.objects.get()
    assert (lies.repository.name, lies.addresses) == ("var/mail/refused", [ada.address]) and "Not by mail" in lies.why


def test_somebody_away_answers_each_sender_once(ada: Mailbox, domain: Domain) -> None:
    set_note(SYSTEM, ada, {"is_on": True, "inside": 'Back on "Monday"\nAda', "outside": "Out.", "subject": "Away"})
    message, _judged = deliver([ada.address])
    answer = QueueItem.objects.get(address="bob@friends.example")
    said = mail_of(answer)
    assert answer.sender == "" and said["from"] == "Ada Lovelace <ada@example.org>" and said["subject"] == "Away"
    assert said["auto-submitted"] == "auto-replied (vacation)" and said["in-reply-to"] == "<bridge@friends.example>"
    assert said.get_payload(decode=True) == b"Out."
    assert states(message) == {ada.address: "queued"}
    deliver([ada.address])
    assert QueueItem.objects.filter(address="bob@friends.example").count() == 1
    ben = make_mailbox_in(domain, "ben")
    inside = RAW.replace(b"Bob Builder <bob@friends.example>", b"ben@example.org")
    deliver([ada.address], inside, sender=replace(incoming().sender, address=ben.address))
    assert b"Back on" in mail_of(QueueItem.objects.filter(address=ben.address).get()).get_payload(decode=True)
    VacationAnswer.objects.update(until="2020-01-01T00:00Z")
    deliver([ada.address])
    assert QueueItem.objects.filter(address="bob@friends.example").count() == 2


def test_the_absence_note_of_a_profile_answers_too(ada: Mailbox) -> None:
    set_absence(SYSTEM, ada, on=True, text="Back in May", subject="Gone")
    deliver([ada.address])
    assert mail_of(QueueItem.objects.get(address="bob@friends.example"))["subject"] == "Gone"


@pytest.mark.parametrize(
    ("before", "sender", "why"),
    [
        (b"List-Id: <x.example>\r\n", "bob@friends.example", "list"),
        (b"Precedence: bulk\r\n", "bob@friends.example", "bulk"),
        (b"Auto-Submitted: auto-generated\r\n", "bob@friends.example", "automatic"),
        (b"", "", "bounce"),
        (b"", "mailer-daemon@friends.example", "robot"),
        (b"", "things-request@friends.example", "robot"),
        (b"", "no-reply@friends.example", "robot"),
        (b"To: others@elsewhere.example\r\n", "bob@friends.example", "not_named"),
    ],
)
def test_programs_lists_and_strangers_get_no_answer(ada: Mailbox, before: bytes, sender: str, why: str) -> None:
    set_note(SYSTEM, ada, {"is_on": True, "inside": "Away", "outside": "Out."})
    raw = RAW.replace(b"To: ada@example.org\r\n", b"") if why == "not_named" else RAW
    message, _judged = deliver([ada.address], before + raw, sender=replace(incoming().sender, address=sender))
    assert [each["problem"] for each in steps(message)] == [why]
    assert QueueItem.objects.count() == 1


def test_a_forged_sender_gets_no_answer(ada: Mailbox) -> None:
    set_note(SYSTEM, ada, {"is_on": True, "inside": "Away", "outside": "Out."})
    message, _judged = deliver([ada.address], authentication=Authentication(spf=AuthResult.SOFTFAIL))
    assert [each["problem"] for each in steps(message)] == ["forged"] and QueueItem.objects.count() == 1


def test_a_script_that_fails_keeps_the_message_and_the_passport_says_why(ada: Mailbox) -> None:
    text = 'require ["variables", "fileinto"];\nset "f" "";\nfileinto "${f}";'
    create_script(SYSTEM, ada, name="odd", text=text)
    message, _judged = deliver([ada.address])
    (said,) = steps(message)
    assert states(message) == {ada.address: "queued"} and said["line"] == 3 and "folder" in said["problem"]


@pytest.mark.django_db(transaction=True)
def test_a_rule_that_refuses_is_heard_at_the_end_of_the_data() -> None:
    domain = served()
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    create_script(SYSTEM, ada, name="no", text='require "reject"; reject "Not by mail";')
    create_script(SYSTEM, ben, name="no", text="discard;")
    refused, dropped = through(take(to=[ada.address]), take(to=[ben.address]))
    assert (refused.code, refused.text.partition(" (")[0]) == (550, "Not by mail") and dropped.code == 250
    assert list(Recipient.objects.order_by("pk").values_list("state", flat=True)) == ["refused", "discarded"]
    assert not QueueItem.objects.exists() and Content.objects.count() == 1


def test_redirects_that_lead_round_lose_nothing(domain: Domain) -> None:
    from domains.services.aliases import add_alias
    from domains.services.groups import create_group

    names = ("ada", "ben", "cy", "dan", "eve", "flo", "gus")
    box = {name: make_mailbox_in(domain, name) for name in names}
    create_group(SYSTEM, domain, email="both@example.org", members=["flo@example.org", "gus@example.org"])
    add_alias(SYSTEM, box["dan"], email="danny@example.org")
    ways = {"ada": "ben", "ben": "ada", "cy": "eve", "eve": "dan", "dan": "danny", "flo": "both", "gus": "both"}
    for name, to in ways.items():
        create_script(SYSTEM, box[name], name="on", text=f'redirect "{to}@example.org";')
    for asked in (["ada"], ["ada", "ben"], ["cy"], ["dan"], ["flo"], ["both"]):
        message, _judged = deliver([f"{name}@example.org" for name in asked])
        assert message.queued.exists() and "queued" in states(message).values(), asked
    create_script(SYSTEM, box["dan"], name="round", text='redirect "cy@example.org";', activate=True)
    message, _judged = deliver(["cy@example.org"])
    assert states(message) == {
        "cy@example.org": "redirected", "eve@example.org": "redirected", "dan@example.org": "queued",
    }  # fmt: skip
    assert [each["problem"] for each in steps(message, "dan@example.org")] == ["loop"]


def test_nobody_answers_as_somebody_else(ada: Mailbox, domain: Domain) -> None:
    def answers_as(owner: Mailbox | Domain, claimed: str) -> str:
        QueueItem.objects.all().delete()
        VacationAnswer.objects.all().delete()
        text = f'require "vacation"; vacation :from "{claimed}" "Gone";'
        create_script(SYSTEM, owner, name=f"{claimed} {len(claimed)}", text=text, activate=True)
        deliver([ada.address])
        return str(mail_of(QueueItem.objects.get(address="bob@friends.example"))["from"])

    assert answers_as(ada, "boss@other.example") == "Ada Lovelace <ada@example.org>"
    assert answers_as(ada, "ben@example.org") == "Ada Lovelace <ada@example.org>"
    assert answers_as(ada, "Countess <ada@example.org>") == "Countess <ada@example.org>"
    create_script(SYSTEM, ada, name="none", text="keep;", activate=True)
    assert answers_as(domain, "desk@example.org") == "desk@example.org"
    assert answers_as(domain, "boss@other.example") == "Ada Lovelace <ada@example.org>"


def test_what_is_written_for_inside_leaves_only_for_inside(ada: Mailbox, domain: Domain) -> None:
    set_note(SYSTEM, ada, {"is_on": True, "inside": "Secret", "outside": "Out."})
    forged = RAW.replace(b"Bob Builder <bob@friends.example>", b"ben@example.org")
    deliver([ada.address], forged)
    assert mail_of(QueueItem.objects.get(address="bob@friends.example")).get_payload(decode=True) == b"Out."


def test_what_cant_be_sent_on_comes_back_to_whose_rule_it_is(ada: Mailbox, domain: Domain) -> None:
    from gateway.delivery.said import End
    from gateway.delivery.said import Outcome as Said
    from gateway.queue.settling import settle
    from gateway.queue.tried import Tried

    create_script(SYSTEM, ada, name="on", text='redirect "far@away.example";')
    message, _judged = deliver([ada.address], authentication=Authentication())
    item = message.queued.get(address="far@away.example")
    settle([Tried(item, Said(End.FAILED, "5.1.1", "no such user", 550))])
    assert QueueItem.objects.get().address == ada.address and QueueItem.objects.get().sender == ""


def test_flags_fit_into_a_line(ada: Mailbox) -> None:
    flags = ", ".join(f'"{str(number) * 59}"' for number in range(1, 21))
    create_script(SYSTEM, ada, name="many", text=f'require "imap4flags"; addflag [{flags}];')
    deliver([ada.address])
    (line,) = QueueItem.objects.get().headers
    assert 500 < len(line) < 990


def test_who_tries_rules_sees_only_those_they_may_see(ada: Mailbox, domain: Domain) -> None:
    from gateway.services.mail_rules.trying import try_rules

    create_script(SYSTEM, None, name="all", text='require "copy"; redirect :copy "watch@away.example";')
    create_script(SYSTEM, domain, name="ours", text='require "fileinto"; fileinto "Seen"; keep;')
    create_script(SYSTEM, ada, name="mine", text='redirect "far@away.example";')
    everything = try_rules(SYSTEM, ada, RAW)
    assert [layer.level for layer, _outcome in everything.asked] == ["server", "domain", "user"]
    assert everything.ruled.sent_on == ("watch@away.example", "far@away.example")
    assert ada.user is not None
    own = try_rules(Actor.for_user(ada.user), ada, RAW)
    assert [layer.level for layer, _outcome in own.asked] == ["user"] == [each.level for each in own.ruled.said]
    assert own.ruled.sent_on == ("far@away.example",) and own.ruled.folders == ()


def test_a_rule_is_changed_by_its_name_under_a_lock(ada: Mailbox) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from gateway.services.mail_rules import simple
    from gateway.sieve.simple import Act, Rule

    for name in ("one", "two", "three"):
        simple.put_rule(SYSTEM, ada, Rule(name, 5, (), (Act("keep"),)))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert simple.delete_rule(SYSTEM, ada, "two") and not simple.delete_rule(SYSTEM, ada, "two")
    texts = [each["sql"] for each in queries if "gateway_sievescript" in each["sql"] or "FOR UPDATE" in each["sql"]]
    assert "FOR UPDATE" in texts[0]
    simple.set_priority(SYSTEM, ada, "three", 0)
    assert [(each.name, each.priority) for each in simple.list_rules(ada)] == [("one", 5), ("three", 0)]


def test_the_page_deletes_the_rule_that_was_shown(ada: Mailbox, client: Client) -> None:
    from gateway.services.mail_rules import simple
    from gateway.sieve.simple import Act, Rule

    for name in ("one", "two"):
        simple.put_rule(SYSTEM, ada, Rule(name, 5, (), (Act("keep"),)))
    assert ada.user is not None
    client.force_login(ada.user)
    shown = client.get(reverse("gateway:mailrule-edit", args=["own", 1])).content.decode()
    url = reverse("gateway:mailrule-delete", args=["own", 1]) + "?name=one"
    assert url in shown
    simple.put_rule(SYSTEM, ada, Rule("zero", 9, (), (Act("keep"),)))  # now the first
    assert client.post(url).status_code == 303
    assert [each.name for each in simple.list_rules(ada)] == ["zero", "two"]
    assert client.post(url).status_code == 404
