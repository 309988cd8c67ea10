"""Everything that is written into the audit trail is said in words: an action without a sentence fails here.

Actions are found in the sources: every text like "user.create" in a module that records events. Where one is put
together, BUILT says what comes of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from accounts import audit, sentences
from accounts.actors import Actor
from accounts.models import AuditEvent, OneTimeLink, User
from archive.services.maintenance import OPERATIONS
from config.messages import PACKAGES, ROOT
from domains.models import Address
from domains.services.rule_values import KINDS

_RECORDS = re.compile(r"\b(audit|recipients|trail)\.(record|record_import|build)\(|INTO accounts_auditevent")
_ACTION = re.compile(r"(?:[a-z]+|catch_all|mail_server)\.[a-z_]+")
_IN_SQL = re.compile(r"'([a-z]+\.[a-z_]+)', '(?:domains|accounts)\.")
_FILES = frozenset(
    {"keys.json", "recovery.pub", "log.json", "meta.json", "placed.json", "writer.lock", "database.dump"}
)
_LOGGERS = frozenset(
    {"postkeep.archive", "postkeep.folders", "postkeep.gateway", "postkeep.jobs", "postkeep.sources", "postkeep.system"}
)
_ALERTS = frozenset(
    {
        "authority.expires",
        "backup.failed",
        "backup.incomplete",
        "backup.overdue",
        "job.failed",
        "quarantine.requests",
        "webhook.stopped",
    }
)
_MONITORED = frozenset(
    {
        "tasks.tasks",
        "tasks.longest_wait_seconds",
        "alerts.open",
        "people.accounts",
        "health.state",
        "disk.used_bytes",
        "disk.free_bytes",
    }
)
_NO_ACTIONS = _FILES | _LOGGERS | _ALERTS | _MONITORED

_ADDRESSES = [kind.value for kind in Address.Kind if kind != Address.Kind.MAILBOX]
_RULES = [kind.event for kind in KINDS.values()]
_LINKS = [kind.value for kind in OneTimeLink.Kind if kind not in ("first_administrator", "sign_in")]
_CSV = ("alias", "group", "forward", "forwarding", "catch_all", "subscriber")
BUILT: dict[str, list[str]] = {
    "folder.{kind}": ["folder.move", "folder.merge"],
    "user.{row.kind}_link": [f"user.{kind}_link" for kind in _LINKS],
    "user.{kind.value}_link": [f"user.{kind}_link" for kind in _LINKS],
    "store.{name}": [f"store.{name}" for name in OPERATIONS],
    "{address.kind}.edit": [f"{kind}.edit" for kind in _ADDRESSES],
    "{address.kind}.delete": [f"{kind}.delete" for kind in _ADDRESSES],
    "{address.kind}.rename": [f"{kind}.rename" for kind in _ADDRESSES],
    "{address.kind}.{verb}_{what}": [
        f"{kind}.{verb}_{what}"
        for kind, what in (("group", "members"), ("forward", "targets"))
        for verb in ("add", "remove")
    ],
    "{_OBJECTS[kind]}.export": [f"{kind}.export" for kind in ("user", *_CSV)],
    "{name}.create": ["group.create", "forward.create"],
    "{name}.add_{recipients}": ["group.add_members", "forward.add_targets"],
    "{name}.remove_{recipients}": ["group.remove_members", "forward.remove_targets"],
    "{name}.import": ["group.import", "forward.import"],
    "{kind}.edit": ["alias.edit", "group.edit", "forward.edit"],
    "mailbox.set_{field}": ["mailbox.set_information", "mailbox.set_preferences"],
    **{
        f"{{{start}.event}}.{verb}": [f"{rule}.{verb}" for rule in _RULES]
        for start in ("info", "KINDS[kind]")
        for verb in ("create", "update", "delete", "move", "import", "export")
    },
    # counters of the server's elements, not actions
    "counted.{name}": [],
    "{CUSTOM}.value": [],
    # fields of errors, not actions
    "rights.{name}": [],
    **{f"{{at}}.{name}": [] for name in ("period", "from_text", "to_text", "query")},
    "{field}.{key}": [],
    "{field}.{key[:64]}": [],
    "{place}.owner": [],
    "{place}.{error.field}": [],
}


def recording() -> Iterator[tuple[str, str]]:
    """Every action in the sources, with the file it stands in; those put together as their pattern."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text("utf-8")
            if "migrations" not in path.parts and _RECORDS.search(text):
                yield from ((action, _place(path)) for action in _IN_SQL.findall(text))
                yield from ((action, _place(path)) for action in _texts(ast.parse(text)))


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _texts(tree: ast.AST) -> Iterator[str]:
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(each) for each in ast.walk(node)}
            pattern = "".join(
                f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else ast.literal_eval(part)
                for part in node.values
            )
            if _ACTION.fullmatch(re.sub(r"\{.*?\}", "x", pattern)):
                yield pattern
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            is_model = node.value.partition(".")[0] in (*PACKAGES, "self")
            if _ACTION.fullmatch(node.value) and not is_model and node.value not in _NO_ACTIONS:
                yield node.value


def test_every_action_that_is_recorded_has_its_sentence() -> None:
    known = sentences.known()
    lacking = {}
    for action, place in recording():
        if "{" in action:
            assert action in BUILT, f"{place}: say in BUILT what {action} may be"
        for each in BUILT.get(action, [action]):
            if each not in known:
                lacking[each] = place
    assert lacking == {}


def test_every_sentence_belongs_to_an_action() -> None:
    recorded = {each for action, _place in recording() for each in BUILT.get(action, [action])}
    unsaid = set(sentences.known()) - recorded
    assert {each for each in unsaid if not each.startswith("archive.")} == set()


def test_sentences_are_told_apart() -> None:
    """Who filters the trail by one of them means one thing."""
    texts = [str(sentence) for sentence in sentences.known().values()]
    assert sorted({text for text in texts if texts.count(text) > 1}) == []
    assert all(text[0].isupper() and not text.endswith(".") for text in texts)


@pytest.mark.parametrize("action", ["mailbox.rename", "dlp_rule.move", "store.verify", "task.cancel"])
def test_the_trail_says_it_in_words(
    client_for: Callable[[User | None], Client], administrator: User, action: str
) -> None:
    audit.record(Actor.system(), action, administrator)
    event = AuditEvent.objects.get(action=action)
    client = client_for(administrator)
    for address in ("/audit/", f"/audit/{event.pk}/"):
        assert str(sentences.of(action)) in client.get(address).content.decode()
