"""What every part of one run shares: the profile, the task, the store, what may stop it, how far it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path
from re import Pattern
from re import compile as compile_pattern
from typing import Any

from archive import engines
from archive import store as engine
from archive.models import Profile, Store
from archive.profiles.recording import Recorder
from archive.remote.connecting import Login, Security, Server
from archive.remote.tokens import TokenAccess, Tokens
from config.kit import paths
from domains.models import Mailbox
from jobs.running import TaskRun

SPECIAL_OUT = frozenset({"trash", "junk", "drafts"})
DEFAULT_FOLDER = "Inbox"
LOOK_MESSAGES = 64
LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Outlet:
    """One store that takes mail of this run, with the engine's intake once there is something to keep."""

    store: Store
    opened: engine.Store
    ingest: engine.Ingest | None = None
    labelled: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Context:
    """One run of an archiving profile. `store_of` says which store takes a mailbox's mail: its customer's, or all's."""

    profile: Profile
    run: TaskRun
    recorder: Recorder
    stopping: Callable[[], bool]
    store_of: Callable[[Mailbox], Store]
    outlets: dict[int, Outlet] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    source_total: int = 0
    seen: int = 0
    _of: dict[int, Outlet] = field(default_factory=dict)
    _passed: int = 0
    _looked_at: float = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.profile.settings)

    @property
    def who(self) -> str:
        """For the log of the gate."""
        return f"the profile “{self.profile.name}”"

    def outlet(self, mailbox: Mailbox) -> Outlet:
        """Where a mailbox's mail goes. Raises: StoreUnknown, StoreProtected, StoreUnavailable."""
        if mailbox.pk not in self._of:
            store = self.store_of(mailbox)
            if store.pk not in self.outlets:
                self.outlets[store.pk] = Outlet(store, engines.open_store(store))
            self._of[mailbox.pk] = self.outlets[store.pk]
        return self._of[mailbox.pk]

    def intake(self, mailbox: Mailbox) -> engine.Ingest:
        """The engine's intake for a mailbox, whose address its store knows then. Raises: as `outlet`."""
        outlet = self.outlet(mailbox)
        if mailbox.pk not in outlet.labelled:
            outlet.opened.mailbox(mailbox.pk, mailbox.address)
            outlet.labelled.add(mailbox.pk)
        if outlet.ingest is None:
            outlet.ingest = engine.Ingest(outlet.opened, 0, index="follow", stop=self.stopping)
            outlet.ingest.__enter__()
        return outlet.ingest

    def open_outlets(self) -> list[Outlet]:
        """Those with an intake, the last one first."""
        return [each for each in reversed(self.outlets.values()) if each.ingest is not None]

    def look(self) -> None:
        """`take`, if some messages went by or some time since the last one. Cheap enough for every message."""
        self._passed += 1
        if self._passed >= LOOK_MESSAGES or time.monotonic() - self._looked_at > LOOK_SECONDS:
            self.take()

    def take(self) -> None:
        """What became of messages since the last look, and how far the run is."""
        self._passed, self._looked_at = 0, time.monotonic()
        for outlet in self.open_outlets():
            if outlet.ingest is not None:
                self.recorder.take(outlet.ingest.outcomes(), outlet.store.pk)
        self.progress()

    def progress(self, note: str = "") -> None:
        totals = self.recorder.totals
        counted = {name: totals[name] for name in ("archived", "known", "left_out", "failed", "deleted")}
        done = totals["archived"] + totals["known"] + totals["failed"]
        self.run.progress(done, self.source_total or None, "messages", note, **counted)

    def problem(self, text: str) -> None:
        """Something that keeps the run from being complete; it goes on with the rest."""
        self.errors.append(text)
        self.run.log(text, level="error")


def spool_dir() -> Path:
    """Where large messages wait."""
    folder = paths.uploads_dir() / "spool"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def server_of(settings: dict[str, Any]) -> Server:
    return Server(
        settings["host"], settings["port"], Security(settings["security"]), settings["verify_certificate"],
        settings["ca_certificate"],
    )  # fmt: skip


class Signing:
    """How a profile signs in, for itself or (a master user) for one of many mailboxes."""

    def __init__(self, profile: Profile, who: str) -> None:
        self._settings = profile.settings
        self._secrets: dict[str, str] = json.loads(profile.secrets.reveal()) if profile.secrets else {}
        settings = self._settings
        self.tokens: Tokens | None = None
        if settings.get("auth") == "oauth2":
            access = TokenAccess(
                settings["token_url"], settings["client_id"], self._secrets.get("client_secret", ""), settings["scope"],
                self._secrets.get("refresh_token", ""), self._secrets.get("access_token", ""),
                settings["ca_certificate"],
            )  # fmt: skip
            self.tokens = Tokens(access, who=who)

    def login(self, address: str = "") -> Login:
        """For this address among many; without one the profile's own. Raises: TokenRefused, NetError."""
        user, password = self._settings["user_name"], self._secrets.get("password", "")
        token = self.tokens.get() if self.tokens is not None else ""
        if not address:
            return Login(user, password, token)
        form = self._settings.get("login_format", "")
        if not form:
            return Login(user, password, token, act_for=address)
        local, _, domain = address.partition("@")
        words = {"{address}": address, "{local}": local, "{domain}": domain, "{master}": user}
        for word, value in words.items():
            form = form.replace(word, value)
        return Login(form, password, token)


class FolderRules:
    """Which folders of a source are taken, and what they are called in the archive."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._include = _patterns(settings.get("include_folders", []))
        self._exclude = _patterns(settings.get("exclude_folders", []))
        self._skips_special = bool(settings.get("skip_special", False))
        self._below = settings.get("folder") or ""
        self._mapping = [(each["from"], each["to"]) for each in settings.get("folder_mapping", [])]

    def wants(self, path: str, special: str = "") -> bool:
        """path: with `/` between names."""
        if any(pattern.fullmatch(path.casefold()) for pattern in self._exclude):
            return False
        if self._include:
            return any(pattern.fullmatch(path.casefold()) for pattern in self._include)
        return not (self._skips_special and special in SPECIAL_OUT)

    def target(self, parts: tuple[str, ...]) -> str:
        """The folder in the archive. A slash inside a name becomes one that doesn't part names (U+2215)."""
        path = "/".join(parts)
        for source, target in self._mapping:
            if path.casefold() == source.casefold() or path.casefold().startswith(source.casefold() + "/"):
                return self._placed(target + path[len(source) :])
        named = [part.replace("/", "∕") for part in parts]
        if named and named[0] == "INBOX":
            named[0] = DEFAULT_FOLDER
        return self._placed("/".join(named) or DEFAULT_FOLDER)

    def _placed(self, path: str) -> str:
        clean = "/".join(
            "".join(char if char.isprintable() else "_" for char in part).strip() or "_" for part in path.split("/")
        )
        return f"{self._below}/{clean}" if self._below else clean


def _patterns(globs: list[str]) -> list[Pattern[str]]:
    """Only * and ? mean something; a folder's pattern covers what lies below it."""
    found = []
    for glob in globs:
        tidy = glob.strip("/").replace("[", "[[]").casefold()
        found += [compile_pattern(translate(tidy)), compile_pattern(translate(tidy + "/*"))]
    return found
