"""E-discovery cases: whose mail, searches, tags, notes, holds, delays and packages; and who is kept out."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Callable

import pytest
from django.http import Http404
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from archive import case_selectors, engines
from archive.errors import ArchiveClosed, BadArguments, BadCase, BadPolicy, MessageUnknown
from archive.models import ArchiveAccess, Case, CaseMessage, EvidencePackage, NoticeDelay, Store
from archive.ruling import Block, may_delete
from archive.services import case_messages, cases, holds
from archive.services.cases import CaseTerms, Choice
from archive.services.stores import current_store
from archive.store import Ingest
from config.kit.versions import ChangedMeanwhile
from domains.models import Mailbox
from jobs import approvals, services
from jobs.commands import get_command
from tests import factories
from tests.archive.django.factories import archive, make_raw
from tests.archive.evidence.making import load_verifier

pytestmark = pytest.mark.django_db
WHY = "The court asks for it"
verifier = load_verifier()


@pytest.fixture
def investigator(administrator: User) -> Actor:
    return Actor.for_user(administrator)


@pytest.fixture
def case(investigator: Actor, user: User, stranger: User) -> Case:
    """About two people's mail of 2004, in two stores; a third person's lies beside it."""
    archive(user, [make_raw("The budget", number=1), make_raw("A holiday", number=2)])
    archive(factories.make_user("other@example.org"), [make_raw("Their budget", number=3)])
    Store.objects.update(state="normal")
    second = current_store(Actor.system())
    theirs = factories.make_mailbox(stranger)
    opened = engines.open_store(second)
    with Ingest(opened, theirs.pk, index="feed") as ingest:
        ingest.put("Inbox", content=make_raw("Budget again", number=4))
        ingest.put("Inbox", content=make_raw("Budget of 2010", date="Sat, 30 Jan 2010 10:00:00 +0000", number=5))
    boxes = [Mailbox.objects.get(user=each) for each in (user, stranger)]
    end = datetime.date(2004, 12, 31)
    return cases.create_case(investigator, CaseTerms("Case 42", WHY, boxes, date_to=end))


def find(actor: Actor, case: Case, query: str) -> list[str]:
    opened, _closed = case_selectors.open_archives(actor, case)
    return [hit.public_id for hit in case_selectors.search(case, opened, query).hits]


def test_mail_is_searched_over_every_store_only_while_it_is_open_and_each_owner_sees_it(
    investigator: Actor, case: Case, user: User, stranger: User
) -> None:
    opened, closed = case_selectors.open_archives(investigator, case)
    assert (opened, len(closed)) == ([], 2)
    with pytest.raises(BadCase, match="No archive"):
        case_messages.add_matching(investigator, case, "budget")
    assert cases.open_case(investigator, case, minutes=30) == 2
    assert cases.open_case(investigator, case, minutes=30) == 0
    found = find(investigator, case, "budget")
    assert len(found) == 2 and len({each.partition(":")[0] for each in found}) == 2
    opened, _closed = case_selectors.open_archives(investigator, case)
    cases.note_search(investigator, case, opened, "budget")
    for owner in (user, stranger):
        access = ArchiveAccess.objects.get(mailbox__user=owner)
        assert access.reason == f"Case 42: {WHY}"
    assert AuditEvent.objects.filter(action="archive.search", details__query="budget").count() == 2
    ArchiveAccess.objects.update(expires_at=timezone.now())
    assert case_selectors.open_archives(investigator, case)[0] == []


def test_messages_are_put_in_tagged_written_about_and_taken_out(investigator: Actor, case: Case) -> None:
    cases.open_case(investigator, case, minutes=30)
    ids = find(investigator, case, "budget")
    assert case_messages.add_messages(investigator, case, ids[:1], tag="Relevant") == 1
    assert case_messages.add_matching(investigator, case, "budget", tag="Money") == 1
    assert case_messages.add_matching(investigator, case, "budget") == 0
    assert [(tag.name, tag.messages.count()) for tag in case_selectors.list_tags(investigator, case)] == [
        ("Money", 2), ("Relevant", 1),
    ]  # fmt: skip
    rows = {each.public_id: each for each in case_selectors.list_messages(investigator, case)}
    assert set(rows) == set(ids)
    one = rows[ids[0]]
    case_messages.add_note(investigator, case, "Look at the second line.", message=one)
    case_messages.add_note(investigator, case, "Nothing else so far.")
    assert case_messages.tag_messages(investigator, case, [one.pk], "money") == 1  # the same word
    assert case_messages.untag_messages(investigator, case, [one.pk], "Relevant") == 1
    assert [tag.name for tag in case_selectors.list_tags(investigator, case)] == ["Money"]
    assert case_selectors.list_messages(investigator, case, tag="money").count() == 2
    assert case_selectors.list_messages(investigator, case, tag="-").count() == 0
    assert case_messages.remove_messages(investigator, case, [one.pk]) == 1
    notes = [(note.about, note.text) for note in case_selectors.list_notes(investigator, case)]
    assert notes == [("", "Nothing else so far."), (str(one), "Look at the second line.")]  # what was written stays
    for wrong in ("", " ", "x" * 61, "-", "a\nb" * 30):
        with pytest.raises(BadCase):
            case_messages.tag_messages(investigator, case, [rows[ids[1]].pk], wrong)
    actions = set(AuditEvent.objects.filter(action__startswith="case.").values_list("action", flat=True))
    assert actions == {"case.create", "case.add", "case.tag", "case.untag", "case.note", "case.remove"}


def test_only_custodians_mail_gets_into_a_case(investigator: Actor, case: Case) -> None:
    cases.open_case(investigator, case, minutes=30)
    (foreign,) = archive(User.objects.get(email="other@example.org"), [make_raw("Their secret", number=9)])
    for wrong in (foreign, "1:999", "nonsense"):
        with pytest.raises(MessageUnknown):
            case_messages.add_messages(investigator, case, [wrong])
    assert not CaseMessage.objects.exists()


def test_who_may_not_read_all_custodians_mail_sees_nothing_of_it(case: Case, user: User) -> None:
    nobody = Actor.for_user(user)
    for work in (
        lambda: case_selectors.get_case(nobody, case.pk),
        lambda: cases.create_case(nobody, CaseTerms("Mine", WHY, list(case.mailboxes.all()))),
        lambda: case_selectors.list_messages(nobody, case),
        lambda: case_selectors.list_notes(nobody, case),
        lambda: case_messages.add_note(nobody, case, "x"),
        lambda: cases.export_case(nobody, case, Choice(reason=WHY)),
    ):
        with pytest.raises(Forbidden):
            work()
    token = Actor.for_user(User.objects.get(email="administrator@example.org")).restricted(None, read_only=True)
    with pytest.raises(Forbidden):
        cases.create_case(token, CaseTerms("Mine", WHY, list(case.mailboxes.all())))
    with pytest.raises(Forbidden):
        cases.close_case(token, case, reason="x")


def test_a_custodian_doesn_t_look_through_their_own_case(investigator: Actor, case: Case) -> None:
    assert investigator.user is not None
    mine = factories.make_mailbox(investigator.user)
    terms = CaseTerms("Case 42", WHY, [*case.mailboxes.all(), mine])
    cases.change_case(investigator, case, terms)
    opened, _closed = case_selectors.open_archives(investigator, case)
    assert [each.mailbox for each in opened] == [mine]  # one's own needs no opening


def test_a_case_is_made_of_sense_and_changed_by_one_at_a_time(investigator: Actor, case: Case) -> None:
    boxes = list(case.mailboxes.all())
    day = datetime.date(2004, 1, 1)
    for wrong in (
        CaseTerms("", WHY, boxes),
        CaseTerms("x" * 201, WHY, boxes),
        CaseTerms("Other", "no", boxes),
        CaseTerms("Other", WHY, []),
        CaseTerms("Other", WHY, boxes, day, day - datetime.timedelta(days=1)),
        CaseTerms("Case 42", WHY, boxes),
    ):
        with pytest.raises(BadCase):
            cases.create_case(investigator, wrong)
    cases.change_case(investigator, case, CaseTerms("Case 42a", WHY, boxes[:1]), expected=case.version)
    with pytest.raises(ChangedMeanwhile):
        cases.change_case(investigator, case, CaseTerms("Case 42b", WHY, boxes), expected=1)
    event = AuditEvent.objects.get(action="case.change")
    assert set(event.changes) == {"name", "date_to", "mailboxes"}
    with pytest.raises(Http404):
        case_selectors.get_case(investigator, 999_999)


def test_searches_are_kept_with_what_they_found(
    investigator: Actor, case: Case, client_for: Callable[[User], Client]
) -> None:
    assert investigator.user is not None
    search = cases.save_search(investigator, case, name="Money", query="budget")
    for name, query in (("", "x"), ("x", ""), ("x", "(")):
        with pytest.raises(BadCase):
            cases.save_search(investigator, case, name=name, query=query)
    cases.open_case(investigator, case, minutes=30)
    page = client_for(investigator.user).get(reverse("archive:case-search", args=[case.pk]), {"search": search.pk})
    assert page.status_code == 200 and "The budget" in page.content.decode()
    search.refresh_from_db()
    assert search.found == 2
    again = cases.save_search(investigator, case, name="money", query="budget OR holiday")
    assert (again.pk, again.found) == (search.pk, None)
    cases.remove_search(investigator, again)
    assert not case.searches.exists()


def test_a_case_owns_its_holds_and_closes_only_when_they_have_ended(investigator: Actor, case: Case) -> None:
    terms = holds.HoldTerms("Of case 42", WHY, mailboxes=list(case.mailboxes.all()), case=case)
    hold = holds.place_hold(investigator, terms)
    store = Store.objects.order_by("pk").first()
    assert store is not None
    row = engines.open_store(store).row(1)
    assert row is not None and Block.HELD in may_delete(store, row).blocks
    assert case_selectors.owned(investigator, case).holds == [hold]
    with pytest.raises(BadCase, match="Of case 42"):
        cases.close_case(investigator, case, reason="Over")
    holds.release_hold(investigator, hold, reason="Over")
    cases.close_case(investigator, case, reason="Over")
    assert not case.is_open
    with pytest.raises(BadPolicy, match="closed"):
        holds.place_hold(investigator, terms)
    cases_open = (
        lambda: cases.save_search(investigator, case, name="x", query="y"),
        lambda: cases.open_case(investigator, case, minutes=5),
        lambda: case_messages.add_note(investigator, case, "x"),
        lambda: cases.export_case(investigator, case, Choice(reason=WHY)),
        lambda: cases.close_case(investigator, case, reason="Again"),
        lambda: cases.change_case(investigator, case, CaseTerms("x", WHY, list(case.mailboxes.all()))),
    )
    for work in cases_open:
        with pytest.raises(BadCase):
            work()
    cases.reopen_case(investigator, case)
    assert cases.save_search(investigator, case, name="x", query="y").pk


def test_a_delayed_notice_belongs_to_its_case_and_takes_a_second_person(
    investigator: Actor, case: Case, user: User
) -> None:
    second = Actor.for_user(factories.make_administrator("second@example.org"))
    until = (timezone.now() + datetime.timedelta(days=30)).date().isoformat()
    command = get_command("DelayNotice")
    asked = approvals.ask(
        investigator, command.name, command.arguments(user.email, case.name, until, case.pk), reason=WHY
    )
    decided = approvals.approve(second, asked)
    assert decided.task is not None
    services.run_waiting(decided.task.pk)
    delay = NoticeDelay.objects.get()
    assert (delay.of_case, delay.mailbox.user) == (case, user)
    cases.open_case(investigator, case, minutes=30)
    assert ArchiveAccess.objects.get(mailbox__user=user).notice_at == delay.until
    with pytest.raises(Exception, match="no open case"):
        wrong = command.arguments("other@example.org", case.name, until, case.pk)
        approvals.ask(investigator, command.name, wrong, reason=WHY)


def test_a_package_of_a_case_has_tags_and_log_and_is_checked_offline(investigator: Actor, case: Case) -> None:
    assert investigator.user is not None
    cases.open_case(investigator, case, minutes=30)
    search = cases.save_search(investigator, case, name="Money", query="budget")
    case_messages.add_messages(investigator, case, find(investigator, case, "budget"), tag="Money")
    case_messages.add_messages(investigator, case, find(investigator, case, "holiday"), tag="Other")
    made = {}
    for name, choice in {
        "tag": Choice(tag="money", reason=WHY),
        "all": Choice(reason=WHY),
        "search": Choice(search=search, reason=WHY, format="mbox"),
    }.items():
        task = cases.export_case(investigator, case, choice)
        services.run_waiting(task.pk)
        made[name] = EvidencePackage.objects.get(task=task)
        assert verifier.main([str(made[name].path)]) == 0
    assert {name: package.messages for name, package in made.items()} == {"tag": 2, "all": 3, "search": 2}
    assert case_selectors.owned(investigator, case).packages == list(made.values())[::-1]
    with zipfile.ZipFile(made["all"].path) as file:
        manifest, log = json.loads(file.read("manifest.json")), json.loads(file.read("log.json"))
    assert manifest["case"] == "Case 42"
    assert sorted(each["tags"] for each in manifest["messages"]) == [["Money"], ["Money"], ["Other"]]
    assert {"case.create", "case.add", "case.save_search", "package.create"} <= {each["what"] for each in log}
    for wrong in (Choice(tag="nothing", reason=WHY), Choice(reason="")):
        with pytest.raises(BadCase):
            cases.export_case(investigator, case, wrong)
    command = get_command("ExportPackage")
    for boxes, number in ((["other@example.org"], case.pk), ([], case.pk), (["user@example.org"], 999_999)):
        with pytest.raises((BadArguments, ArchiveClosed, Exception)):
            services.submit(investigator, command.name, command.arguments(WHY, boxes, case=number))


def test_the_pages_of_a_case_lead_from_one_to_the_next(
    investigator: Actor, case: Case, client_for: Callable[[User], Client], user: User
) -> None:
    assert investigator.user is not None
    client = client_for(investigator.user)

    def post(route: str, *args: object, **data: object) -> None:
        assert client.post(reverse(f"archive:{route}", args=[case.pk, *args]), data).status_code == 303

    url = reverse("archive:case-detail", args=[case.pk])
    assert "Open the archives" in client.get(url).content.decode()
    post("case-open", minutes="30")
    search = reverse("archive:case-search", args=[case.pk])
    page = client.get(search, {"q": "budget"}).content.decode()
    assert "2 messages found" in page and "Budget of 2010" not in page
    assert client.get(search, {"q": "("}).status_code == 422
    post("case-add", q="budget", all="1", tag="Money")
    post("case-save-search", name="Money", query="budget")
    page = client.get(search, {"q": "budget"}).content.decode()
    assert page.count("in the case</strong>") == 2
    message = CaseMessage.objects.filter(subject="The budget").get()
    post("case-messages", message=[message.pk], word="Seen", tag="1")
    post("case-message", message.pk, text="A remark")
    page = client.get(reverse("archive:case-messages", args=[case.pk]), {"tag": "Seen"}).content.decode()
    assert "The budget" in page and "Budget again" not in page and "1 note" in page
    assert client.get(reverse("archive:message", args=[message.public_id])).status_code == 200
    assert AuditEvent.objects.filter(action="archive.read").count() == 1
    post("case-package", what="all", reason=WHY, format="eml")
    page = client.get(url).content.decode()
    assert "A remark" in page and "Money" in page
    hold = client.get(reverse("archive:hold-create"), {"case": case.pk}).content.decode()
    assert user.email in hold and WHY in hold
    post("case-close", reason="Over")
    assert "Open the case again" in client.get(url).content.decode()
    assert client_for(user).get(url).status_code == 403
