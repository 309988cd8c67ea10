"""What is kept goes into stores, once for all who have it, and out again when its time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import Actor
from archive import engines
from archive.indexing import IndexerLoop
from archive.models import LegalHold, RetentionPolicy, Store, StoreState
from archive.owners import passing
from archive.selectors import Scope, search
from archive.services.holds import HoldTerms, place_hold
from archive.services.passing import find_copy
from archive.services.retention_dates import follow
from archive.services.stores import NewStore, create_store
from config.kit import health
from domains.models import Mailbox
from domains.policy.facts import Direction
from gateway import content
from gateway.keeping import moving
from gateway.keeping.expiring import expire_due
from gateway.keeping.health import check_keeping
from gateway.keeping.moving import Patience, keep_waiting
from gateway.models import Content, Folder, Kept, Recipient, Step
from tests.archive.django.factories import make_raw
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.gateway.factories import EVERYTHING, HELD, arrive, held_for, spam

pytestmark = pytest.mark.django_db
State = Kept.State


@pytest.fixture
def ada(db: None) -> Mailbox:
    return make_mailbox_in(make_domain("example.org"), "ada")


def keep_all(patience: Patience | None = None) -> int:
    patience, count = patience or Patience(), 0
    while done := keep_waiting(patience):
        count += done
    return count


def later(days: int = 32) -> None:
    """As if the rows had been made so many days ago."""
    for row in Kept.objects.exclude(until=None):
        assert row.until is not None
        row.until -= timedelta(days=days)
        row.save()


def test_a_message_for_many_is_kept_once_and_placed_for_each(ada: Mailbox) -> None:
    bob, raw = make_mailbox_in(ada.domain, "bob"), spam()
    message = arrive(ada, bob, raw=raw)
    assert keep_all() == 2
    rows = list(Kept.objects.order_by("pk"))
    assert {row.state for row in rows} == {State.KEPT} and {row.content_id for row in rows} == {None}
    assert rows[0].number == rows[1].number and rows[0].store_id is not None
    store = engines.open_store(Store.objects.get(pk=rows[0].store_id))
    assert store.catalogue.counter("messages") == 1 and store.read(rows[0].number or 0) == raw
    assert [folder.path for box in (ada, bob) for folder in store.folders(passing(box.pk))] == ["Quarantine"] * 2
    assert store.catalogue.mailbox_label(passing(ada.pk)) == "ada@example.org (gateway)"
    steps = Step.objects.filter(message=message, kind="kept")
    assert {step.recipient_id for step in steps} == {row.recipient_id for row in rows}
    assert steps[0].data["folder"] == "Quarantine" and steps[0].data["number"] == rows[0].number
    Content.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert content.sweep() == 1, "the bytes in the database aren't needed any more"


def test_quarantine_and_recent_mail_are_in_nobodys_archive_and_the_archive_is(ada: Mailbox) -> None:
    arrive(ada, raw=make_raw("Lantern"), score=0.0, policy=EVERYTHING)
    held_for(ada, raw=spam("Lantern for free"))
    keep_all()
    folders = {row.folder for row in Kept.objects.all()}
    assert folders == {"Retention", "Archive", "Quarantine"}
    store = Store.objects.get()
    opened = engines.open_store(store)
    assert [folder.path for folder in opened.folders(ada.pk)] == ["Archive"]
    IndexerLoop(lambda: False, beat=lambda: None).run_once()
    assert search(Scope(frozenset([ada.pk])), "lantern").total == 1
    assert search(Scope(frozenset([passing(ada.pk)])), "lantern").total == 2, "they are indexed for their own pages"


def test_mail_of_a_customer_goes_to_the_customers_own_store(ada: Mailbox) -> None:
    customer = make_customer("Ours")
    create_store(Actor.system(), name="Shared")
    create_store(Actor.system(), name="Theirs", wanted=NewStore("Theirs", customer=customer, state="current"))
    eve = make_mailbox_in(make_domain("ours.example", customer), "eve")
    rows = {held_for(ada).pk: "Shared", held_for(eve).pk: "Theirs"}
    keep_all()
    names = dict(Store.objects.values_list("pk", "name"))
    assert {row.recipient_id: names[row.store_id or 0] for row in Kept.objects.all()} == rows


def test_a_keeper_that_was_killed_before_it_could_say_so_places_nothing_twice(ada: Mailbox) -> None:
    held_for(ada)
    keep_all()
    before = Kept.objects.get()
    # The store has it, the database never heard: the transaction was lost.
    row = Content.objects.get()
    Kept.objects.update(state=State.WAITING, store_id=None, number=None, content=row)
    Step.objects.filter(kind="kept").delete()
    keep_all()
    after = Kept.objects.get()
    assert (after.state, after.store_id, after.number) == (State.KEPT, before.store_id, before.number)
    opened = engines.open_store(Store.objects.get())
    assert [folder.messages for folder in opened.folders(passing(ada.pk))] == [1]


def test_a_store_that_is_away_lets_its_mail_wait_says_why_and_keeps_nobody_else_waiting(ada: Mailbox) -> None:
    customer = make_customer("Ours")
    create_store(Actor.system(), name="Theirs", wanted=NewStore("Theirs", customer=customer, state="current"))
    eve = make_mailbox_in(make_domain("ours.example", customer), "eve")
    theirs, patience = Store.objects.get(), Patience()
    engines.close_store(theirs)
    theirs.root.rename(theirs.root.with_name("away"))
    waiting = held_for(eve)
    keep_all(patience)
    after = held_for(ada, raw=spam("Second"))
    assert keep_all(patience) == 1, "what failed isn't tried again at once, and stands in nobody's way"
    assert Kept.objects.get(recipient=after).state == State.KEPT
    row = Kept.objects.get(recipient=waiting)
    assert row.state == State.WAITING and "Theirs" in row.problem and row.content is not None
    report = check_keeping()
    assert report.state == "error" and "Theirs" in str(report.text)
    theirs.root.with_name("away").rename(theirs.root)
    engines.close_store(theirs)
    patience.stores.clear()
    keep_all(patience)
    row.refresh_from_db()
    assert row.state == State.KEPT and row.problem == "" and check_keeping().state == "ok"


def test_mail_of_a_customer_whose_store_takes_none_waits_says_why_and_keeps_nobody_else_waiting(
    ada: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH_ROWS", 1)  # so that what waits longest is all that is looked at
    customer = make_customer("Ours")
    create_store(Actor.system(), name="Theirs", wanted=NewStore("Theirs", customer=customer, state="current"))
    eve = make_mailbox_in(make_domain("ours.example", customer), "eve")
    Store.objects.filter(name="Theirs").update(state=StoreState.WRITE_PROTECTED)
    waiting, after = held_for(eve), held_for(ada, raw=spam("Second"))
    patience = Patience()
    assert [keep_waiting(patience) for _time in range(3)] == [1, 1, 0], "each is tried once"
    assert Kept.objects.get(recipient=after).state == State.KEPT
    row = Kept.objects.get(recipient=waiting)
    assert row.state == State.WAITING and "Theirs" in row.problem
    Store.objects.filter(name="Theirs").update(state=StoreState.CURRENT)
    keep_all(Patience())
    row.refresh_from_db()
    assert row.state == State.KEPT and row.problem == ""


def test_damaged_bytes_keep_only_their_own_row_waiting(ada: Mailbox) -> None:
    broken, sound = held_for(ada), held_for(ada, raw=spam("Sound"))
    Content.objects.filter(kept__recipient=broken).update(data=b"something else")
    keep_all()
    assert Kept.objects.get(recipient=sound).state == State.KEPT
    row = Kept.objects.get(recipient=broken)
    assert row.state == State.WAITING and "not what was written" in row.problem


def test_what_is_nobodys_here_stays_with_its_message(ada: Mailbox) -> None:
    raw = spam()
    row = held_for((ada.domain, "relayed"), raw=raw)
    keep_all()
    kept = row.kept.get()
    assert kept.state == State.KEPT and kept.store_id is None and kept.content is not None
    Content.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert content.sweep() == 0 and b"".join(content.chunks_of(kept.content)) == raw
    later()
    assert expire_due().expired == 1
    assert content.sweep() == 1
    row.refresh_from_db()
    assert row.state == Recipient.State.EXPIRED


def test_what_is_due_goes_and_what_others_still_need_stays(ada: Mailbox) -> None:
    bob, raw = make_mailbox_in(ada.domain, "bob"), spam()
    message = arrive(ada, bob, raw=raw)
    again = held_for(ada, raw=raw)  # the very same bytes a second time
    keep_all()
    opened = engines.open_store(Store.objects.get())
    Kept.objects.filter(recipient__message=message).update(until=timezone.now() - timedelta(minutes=1))
    assert expire_due().expired == 2
    assert [folder.messages for folder in opened.folders(passing(bob.pk))] == [0]
    assert [folder.messages for folder in opened.folders(passing(ada.pk))] == [1], "the second one's time isn't over"
    assert set(message.recipients.values_list("state", flat=True)) == {"expired"}
    assert Step.objects.filter(message=message, kind="expired").count() == 2
    later()
    assert expire_due().expired == 1
    opened.refresh()
    assert opened.catalogue.counter("messages") == 0
    again.refresh_from_db()
    assert again.state == "expired" and expire_due().expired == 0


def test_a_hold_reaches_quarantine_and_ends_there_too(ada: Mailbox) -> None:
    bob = make_mailbox_in(ada.domain, "bob")
    arrive(ada, bob)
    keep_all()
    hold = place_hold(Actor.system(), HoldTerms("Ada's", "a lawsuit", mailboxes=[ada]))
    later()
    passed = expire_due()
    assert (passed.expired, passed.staying) == (1, 1), "Bob's copy isn't held"
    row = Kept.objects.get(mailbox=ada)
    assert row.state == State.KEPT and "hold" in row.problem
    LegalHold.objects.filter(pk=hold.pk).update(state=LegalHold.State.RELEASED)
    assert expire_due().expired == 1
    assert engines.open_store(Store.objects.get()).catalogue.counter("messages") == 0


def test_policies_of_retention_are_about_the_archive_only(ada: Mailbox) -> None:
    RetentionPolicy.objects.create(name="Ten years", position=0, period=10, interval="year", reference="ArchiveDate")
    arrive(ada, raw=make_raw("Kept for long"), score=0.0, policy=EVERYTHING)
    keep_all()
    follow(Store.objects.get())
    later(3000)  # the gateway's own time is over for both
    passed = expire_due()
    assert (passed.expired, passed.staying) == (1, 1)
    assert Kept.objects.get(folder=Folder.RETENTION).state == State.GONE
    assert Kept.objects.get(folder=Folder.ARCHIVE).state == State.KEPT
    opened = engines.open_store(Store.objects.get())
    assert [folder.messages for folder in opened.folders(ada.pk)] == [1]


def test_outgoing_mail_in_quarantine_is_one_copy_for_all_its_recipients(ada: Mailbox) -> None:
    message = arrive(
        ada, to=("a@far.example", "b@far.example"), direction=Direction.OUTGOING, virus="Eicar", sender=ada.address,
        policy=HELD.__class__(name="out", outgoing=True, quarantine=True, quarantine_props=HELD.quarantine_props),
    )  # fmt: skip
    assert set(message.recipients.values_list("state", flat=True)) == {"held"}
    keep_all()
    assert Kept.objects.count() == 1
    later()
    assert expire_due().expired == 1
    assert set(message.recipients.values_list("state", flat=True)) == {"expired"}


def test_a_copy_is_found_again_in_another_store(ada: Mailbox) -> None:
    held_for(ada)
    keep_all()
    row = Kept.objects.get()
    assert row.sha256 is not None
    found = find_copy(99, 5, bytes(row.sha256))
    assert found is not None and found.public_id == f"{row.store_id}:{row.number}"
    assert find_copy(row.store_id, row.number, b"x" * 32) is None


def test_health_names_the_keeper(db: None) -> None:
    assert {"Keeper", "Keeping"} <= set(health.names())
