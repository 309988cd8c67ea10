"""A small house with people, tasks and mail in it, so that pages have something to show; all of it invented here."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import OptionValue, User
from accounts.permissions import Level
from accounts.secrets import new_token, token_hash
from accounts.services import create_user
from archive import engines, selectors
from archive.backup_commands import RunBackupArguments, VerifyBackupArguments
from archive.foldertree import tree_of
from archive.models import Gap
from archive.services import case_messages, cases
from archive.services.backup.destinations import create_destination
from archive.services.folders import create_folder
from archive.services.imports import ImportArguments
from archive.services.packages import PackageArguments
from archive.services.profiles.arguments import ProfileArguments
from archive.services.profiles.keeping import create_profile, set_automatic
from archive.services.sharing import set_folder_privileges
from config.kit import paths, secrets
from domains.selectors import mailbox_of
from gateway.digests.making import password_mark
from gateway.keeping.moving import Patience, keep_waiting
from gateway.models import Digest, DigestLink, Recipient
from gateway.release_options import ON_REQUEST
from gateway.services.release_requests import request_release
from jobs.models import Job, Task, TaskLog
from jobs.services import run_here
from tests import factories
from tests.archive.texts import makers
from tests.gateway.factories import EVERYTHING, arrive, held_for, spam


@dataclass
class World:
    administrator: User
    user: User
    pages: list[tuple[str, str]]  # (name, path) of pages of single objects

    def pages_of(self, role: str) -> list[tuple[str, str]]:
        """What this role has to open, and for users what they must not: mail is its owner's alone."""
        other = {"administrator": "user-mail-", "user": "administrator-mail-"}.get(role, "")
        return [page for page in self.pages if not other or not page[0].startswith(other)]


def build() -> World:
    engines.close_all()
    if not (paths.keys_dir() / "recovery.pub").exists():
        secrets.make_recovery_key()
    administrator = create_user(
        Actor.system(), email="ada@example.org", name="Ada Okafor", administrator=True, password=factories.PASSWORD
    )
    user = create_user(Actor.system(), email="bela@example.org", name="Béla Nagy", password=factories.PASSWORD)
    for number in range(6):
        factories.make_user(f"person{number}@example.net", name=f"Person {number}")
    tasks = [_task(administrator, state, number) for number, state in enumerate(Task.State.values)]
    pages = [(f"task-{task.state}", reverse("jobs:task-detail", args=[task.pk])) for task in tasks]
    pages.append(("user", reverse("accounts:user-detail", args=[user.pk])))
    pages += [("task-import", _import(administrator)), ("task-import-user", _import(user))]
    pages += _mail_pages(administrator, "administrator-mail") + _mail_pages(user, "user-mail")
    pages += _folder_pages(user)
    pages += _clock_pages(administrator, user)
    store = selectors.list_stores(Actor.for_user(administrator))[0]
    pages.append(("store", reverse("archive:store-detail", args=[store.pk])))
    pages.append(("store-recover", reverse("archive:store-action", args=[store.pk, "recover"])))
    pages += _case_pages(administrator, user)
    _evidence(administrator, user)
    pages.append(("store-evidence", reverse("archive:store-evidence", args=[store.pk])))
    pages += _profile_pages(user)
    pages += _quarantine_pages(user)
    pages += _backup_pages(administrator)
    return World(administrator, user, pages)


def _case_pages(administrator: User, user: User) -> list[tuple[str, str]]:
    """A case about somebody's mail, with tagged messages and a note on one."""
    actor, mailbox = Actor.for_user(administrator), mailbox_of(user)
    assert mailbox is not None
    name, reason = "Harbour authority against Lighthouse Ltd.", "The authority asks what was written about the lanterns"
    case = cases.create_case(actor, cases.CaseTerms(name, reason, [mailbox]))
    cases.open_case(actor, case, minutes=30)
    case_messages.add_matching(actor, case, "lamps", tag="relevant")
    found = case.messages.order_by("-pk")[0]
    case_messages.add_note(actor, case, "Names the price before the tender was over.", message=found)
    pages = [(page, reverse(f"archive:{page}", args=[case.pk])) for page in ("case-detail", "case-messages")]
    pages.append(("case-search", f"{reverse('archive:case-search', args=[case.pk])}?q=lamps"))
    return [*pages, ("case-message", reverse("archive:case-message", args=[case.pk, found.pk]))]


def _evidence(administrator: User, user: User) -> None:
    """A package of somebody's mail, which signs the store."""
    arguments = PackageArguments(
        reason="Harbour authority against Lighthouse Ltd., file 4711", mailboxes=[user.email], query="harbour"
    )
    task = run_here(Actor.for_user(administrator), "ExportPackage", arguments)
    assert task.result, task.error


def _clock_pages(administrator: User, user: User) -> list[tuple[str, str]]:
    """Jobs with their runs, and alerts of each kind."""
    nightly = factories.make_job(administrator, name="Tidy up by night", time="02:30", timeZoneId="Europe/Berlin")
    factories.make_job(
        administrator, "GetTimeZones", name="First Monday", time="06:00", dayOfWeek="Monday", dayOfMonth="1"
    )
    stopped = factories.make_job(administrator, "VerifyAuditTrail", name="Verify the trail", interval=60)
    Job.objects.filter(pk=stopped.pk).update(is_enabled=False, stopped="right_gone")
    now = timezone.now()
    runs = [
        factories.make_job_run(
            nightly, result={"purged": 1204, "results": 3}, started_at=now - dt.timedelta(seconds=73)
        ),
        factories.make_job_run(nightly, state="failed", error="The disk is full: 0 bytes left in /srv/postkeep."),
        factories.make_job_run(nightly, state="skipped", skipped="overlap", times=3, started_at=None),
    ]
    Job.objects.filter(pk=nightly.pk).update(last_state="failed", last_run_at=now)
    failed = {"name": "Tidy up by night", "why": "the disk is full"}
    alerts = [
        factories.make_alert(
            severity="error",
            url=reverse("jobs:job-detail", args=[nightly.pk]),
            source="job:1",
            kind="job.failed",
            params=failed,
        ),
        factories.make_alert(text="Webmail moves to a new house on Monday.", audience="everybody", severity="info"),
        factories.make_alert(user, "Your archive is nearly full.", audience="everybody"),
    ]
    return [
        ("job", reverse("jobs:job-detail", args=[nightly.pk])),
        ("job-stopped", reverse("jobs:job-detail", args=[stopped.pk])),
        ("job-edit", reverse("jobs:job-edit", args=[nightly.pk])),
        ("job-create", reverse("jobs:job-create", args=["CreateJob"])),
        *((f"job-run-{run.state}", reverse("jobs:run-detail", args=[run.pk])) for run in runs),
        ("alert", reverse("jobs:alert-detail", args=[alerts[0].pk])),
        ("alert-everybody", reverse("jobs:alert-detail", args=[alerts[1].pk])),
    ]


def _backup_pages(administrator: User) -> list[tuple[str, str]]:
    """A folder with a checked backup, one with a damaged one, and a bucket that had none yet."""
    actor, folder = Actor.for_user(administrator), paths.home() / "backups"
    place = create_destination(actor, name="Every night", kind="folder", path=str(folder / "nightly"))
    for _number in range(2):
        run_here(actor, "RunBackup", RunBackupArguments(place.name))
    run_here(actor, "VerifyBackup", VerifyBackupArguments(place.name))
    bucket = create_destination(
        actor, name="Other side of the river", kind="s3", endpoint="https://s3.example.org", bucket="mail-backups",
        prefix="lighthouse/archive", access_key="AKIAEXAMPLE", secret_key="secret", keep_days=400,
    )  # fmt: skip
    good, other = place.sets.all()[:2]
    other.check_ok, other.check_problems = False, ["stores/4f/packs/00000001.pack.77: it is not what was written"]
    other.save()
    return [
        ("backup", reverse("archive:backup-detail", args=[place.pk])),
        ("backup-bucket", reverse("archive:backup-detail", args=[bucket.pk])),
        ("backup-run", reverse("archive:backup-run", args=[place.pk])),
        ("backup-edit", reverse("archive:backup-edit", args=[bucket.pk])),
        ("backup-new", reverse("archive:backup-create", args=["folder"])),
        ("backup-set", reverse("archive:backup-set", args=[good.pk])),
        ("backup-set-damaged", reverse("archive:backup-set", args=[other.pk])),
        ("restore-mailbox", reverse("archive:restore-mailbox", args=[good.pk])),
        ("restore-store", reverse("archive:restore-store", args=[good.pk])),
        ("restore-archive", reverse("archive:restore-archive", args=[good.pk])),
    ]


def _profile_pages(person: User) -> list[tuple[str, str]]:
    """A profile that ran, one that only has its settings, and a gap."""
    folder = paths.home() / "import" / "pictures"
    for number in range(12):
        place = folder / ("Letters" if number % 3 else "Letters/2026")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.eml").write_bytes(_mail(person, number + 500))
    values = {"path": str(folder), "mailbox": person.email}
    files = create_profile(Actor.system(), name="Letters of the harbour", kind="files", values=values)
    run_here(Actor.console(), "RunProfile", ProfileArguments(id=files.pk))
    source = files.source_folders.get()
    day = dt.date(2026, 5, 1)
    Gap.objects.create(folder=source, key="77", message_id="<lost@example.org>", day=day, reason="it would not come")
    server = {
        "host": "imap.example.org", "user_name": "ada", "password": "secret", "mailbox": person.email,
        "folder_mapping": [{"from": "Sent Items", "to": "Sent"}],
    }  # fmt: skip
    imap = create_profile(Actor.system(), name="Mail server", kind="imap", values=server)
    set_automatic(Actor.system(), imap, automatic=True, pause_s=300, window="22:00-04:00")
    result = files.runs.get()
    return [
        ("profile", reverse("archive:profile-detail", args=[files.pk])),
        ("profile-imap", reverse("archive:profile-detail", args=[imap.pk])),
        ("profile-edit", reverse("archive:profile-edit", args=[imap.pk])),
        ("profile-new", reverse("archive:profile-create", args=["imapUsers"])),
        ("profile-completeness", reverse("archive:profile-completeness", args=[files.pk])),
        ("profile-result", reverse("archive:result-detail", args=[result.pk])),
    ]


def _quarantine_pages(person: User) -> list[tuple[str, str]]:
    """Mail of somebody in quarantine, a mail about it with its links, and one that was delivered."""
    mailbox = mailbox_of(person)
    assert mailbox is not None
    page = '<h1>You have won</h1><p>Dear winner, <a href="https://x.example">click</a></p>'
    files = [("prize.pdf", b"%PDF-1.4")]
    held = held_for(mailbox, raw=spam("You have won a prize in the big lottery of the year", html=page, files=files))
    OptionValue.objects.create(level=Level.DOMAIN, object_id=mailbox.domain_id, name=ON_REQUEST, value=["virus"])
    infected = held_for(mailbox, virus="Eicar-Test-Signature", raw=spam("Invoice 4711", files=files))
    request_release(Actor.for_user(person), held_for(mailbox, virus="Eicar", raw=spam("Minutes")), why="I wait for it")
    delivered = arrive(mailbox, raw=spam("Lunch?"), score=0.1, policy=EVERYTHING).recipients.get()
    Recipient.objects.filter(pk=delivered.pk).update(state=Recipient.State.DELIVERED)
    keep_waiting(Patience())
    token = new_token()
    DigestLink.objects.create(
        digest=Digest.objects.create(mailbox=mailbox), recipient=held, token_hash=token_hash(token),
        password_mark=password_mark(person), expires_at=timezone.now() + dt.timedelta(days=14),
    )  # fmt: skip
    level = ["domain", mailbox.domain_id]
    return [
        ("user-mail-quarantine", reverse("gateway:own-item", args=[held.pk])),
        ("user-mail-quarantine-infected", reverse("gateway:own-item", args=[infected.pk])),
        ("quarantine-item", reverse("gateway:quarantine-item", args=[infected.pk])),
        ("quarantine-passport", reverse("gateway:passport", args=[held.pk])),
        ("quarantine-remediate", reverse("gateway:remediate", args=[delivered.pk])),
        ("digest-settings", reverse("gateway:digest-settings", args=level)),
        ("digest-link", reverse("gateway:digest-link", args=[token])),
    ]


def _import(person: User) -> str:
    """Mail of theirs, archived by the command itself; the address of the task's page."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(60):
            place = Path(folder, "Inbox" if number % 3 else "Projects/Lighthouse" if number % 2 else "Sent")
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.eml").write_bytes(_mail(person, number))
        (Path(folder) / "broken.zip").write_bytes(b"PK\x03\x04 this is no archive at all")
        task = run_here(Actor.console(), "ImportMail", ImportArguments(user=person.email, paths=[folder]))
    assert task.result, task.error
    return reverse("jobs:task-detail", args=[task.pk])


SUBJECTS = [
    "Lamp order for the lighthouse",
    "Re: Minutes of the harbour meeting",
    "Invoice 2026-114",
    "Grüße aus Königsberg, mit einem sehr langen Betreff, der auf keinem Telefon in eine einzige Zeile passt",
    "Fwd: The keeper's rota for the winter months",
    "",
]


def _mail(person: User, number: int) -> bytes:
    message = EmailMessage()
    message["From"] = f"Mara Lind <mara{number % 4}@harbour.example>"
    message["To"] = person.email
    message["Cc"] = "harbour-office@harbour.example, Keeper <keeper@harbour.example>"
    if SUBJECTS[number % len(SUBJECTS)]:
        message["Subject"] = SUBJECTS[number % len(SUBJECTS)]
    message["Message-ID"] = f"<{number}.{person.pk}@harbour.example>"
    message["Date"] = format_datetime(timezone.now() - dt.timedelta(hours=31 * number))
    message.set_content(
        f"Dear keeper,\n\nthe {number + 2} lamps arrive on Monday. Please have the boat ready at six.\n\n"
        "> Could you bring oil as well?\n> We have little left.\n\nYes.\n\nMara\n-- \nHarbour office"
    )
    if number % 2:
        message.add_alternative(
            f"<h2>Lamps</h2><p>Dear keeper, the <b>{number + 2} lamps</b> arrive on Monday.</p>"
            '<img src="https://tracker.example/p.gif" width="1" height="1"><table border="1"><tr><th>Lamp</th>'
            "<th>Watts</th></tr><tr><td>Main</td><td>1,000</td></tr></table>",
            subtype="html",
        )
    if number % 3 == 1:
        message.add_attachment(b"lamp;watts\nmain;1000\n", maintype="text", subtype="csv", filename="lamps.csv")
    if number % 6 == 1:
        offer = makers.pdf("Offer: 40 lanterns for the northern breakwater, delivery in May")
        plans = makers.zipped({"drawings/locked.pdf": makers.pdf("x", locked=True)})
        for name, content, kind in (("offer 2026.pdf", offer, "pdf"), ("plans.zip", plans, "zip")):
            message.add_attachment(content, maintype="application", subtype=kind, filename=name)
    return message.as_bytes()


def _mail_pages(person: User, whose: str) -> list[tuple[str, str]]:
    actor = Actor.for_user(person)
    mailbox = mailbox_of(person)
    assert mailbox is not None
    archive = selectors.get_archive(actor, mailbox.pk)
    assert archive is not None
    store_id, number = next(tree_of(archive).walk()).parts[0]
    search = reverse("archive:search")
    scope = selectors.Scope(frozenset({mailbox.pk}))
    found = selectors.search(scope, "lamps has:unindexed", limit=1).hits[0].public_id
    pages = [
        (page, reverse(f"archive:{page}", args=[found])) for page in ("message", "message-source", "message-proof")
    ]
    move = reverse("archive:messages-move", args=[mailbox.pk])
    pages += [
        ("messages-move", f"{move}?chosen={found}&q=lamps"),
        ("message-text", reverse("archive:message", args=[found]) + "?view=text"),
        ("folder", reverse("archive:folder", args=[store_id, number])),
        ("search", f"{search}?q=lamps+from%3Amara"),
        ("search-file", f"{search}?q=attachment%3Abreakwater"),
        ("search-none", f"{search}?q=zebra"),
        ("search-wrong", f"{search}?q=%28lamps"),
    ]
    return [(f"{whose}-{name}", path) for name, path in pages]


def _folder_pages(person: User) -> list[tuple[str, str]]:
    """The folders of somebody's archive, as who runs their account sees them."""
    mailbox = mailbox_of(person)
    assert mailbox is not None
    system = Actor.system()
    for path in ("Projects/Lamps/Offers", "Projects/Bridges", "Nothing in it"):
        create_folder(system, mailbox, path)
    set_folder_privileges(system, factories.make_user("shared@example.org"), mailbox, "Projects", ["read", "write"])
    filled = next(node.path for node in tree_of(selectors.Archive(mailbox)).walk() if node.messages)
    pages = [
        ("folders", reverse("archive:folders-of", args=[mailbox.pk])),
        ("folder-detail", f"{reverse('archive:folder-detail', args=[mailbox.pk])}?path=Projects"),
        ("folder-full", f"{reverse('archive:folder-detail', args=[mailbox.pk])}?path={quote(filled)}"),
        ("folder-move", f"{reverse('archive:folder-move', args=[mailbox.pk])}?path=Projects"),
        ("folder-create", reverse("archive:folder-create", args=[mailbox.pk])),
        ("folders-empty", reverse("archive:folders-empty", args=[mailbox.pk])),
        ("folder-delete", f"{reverse('archive:folder-delete', args=[mailbox.pk])}?path={quote(filled)}"),
        ("folder-names", reverse("archive:folder-names", args=[mailbox.pk])),
    ]
    return [(f"administrator-mail-{name}", path) for name, path in pages]


def _task(actor: User, state: str, number: int) -> Task:
    now = timezone.now()
    began = now - dt.timedelta(minutes=7 * number, seconds=30)
    progress = {
        "done": 4200 * number,
        "total": 28_032,
        "unit": "messages",
        "note": "lists.mbox",
        "rate": 6120.0,
        "eta_s": 12,
        "counters": {"archived": 4190 * number, "duplicates": 9, "rejected": 1},
    }
    task = factories.make_task(
        actor,
        state=state,
        type="ImportMail",
        arguments={"paths": ["/srv/mail/lists.mbox"], "user": actor.email},
        progress={} if state == "waiting" else progress,
        created_at=began,
        started_at=None if state == "waiting" else began,
        heartbeat_at=None if state == "waiting" else now,
        ended_at=now if state in Task.ENDED else None,
        error="The disk is full: 0 bytes left in /srv/postkeep." if state == "failed" else "",
        result={"archived": 4190, "duplicates": 9, "rejected": 1, "seconds": 4.2} if state == "completed" else None,
    )
    TaskLog.objects.create(task=task, text="Reading /srv/mail/lists.mbox")
    TaskLog.objects.create(task=task, level="warning", text="A message without a header was kept as it is")
    return task
