"""Whether the scanners answer: for the health page, and for whoever has just set them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.permissions import Right
from gateway.judging.scanners import clamd, rspamd
from gateway.judging.scanners.connecting import NoVerdict
from gateway.judging.settings import ScannerSettings, SpamScanner, VirusScanner, WhenDown
from gateway.services.scanning import current_settings, forget_kept

TRIAL_S = 5.0


@dataclass(frozen=True, slots=True)
class State:
    """How one scanner is. `is_needed`: without its answer no mail is taken."""

    name: str
    ok: bool
    text: str
    is_needed: bool = False


def try_scanners(actor: Actor) -> list[State]:
    """Ask them now. Raises: Forbidden."""
    actor.require(Right.MANAGE_GATEWAY)
    forget_kept()
    return states(current_settings())


def states(settings: ScannerSettings) -> list[State]:
    """One for each kind of scanner, whatever is set."""
    return [_spam(settings), _virus(settings)]


def _spam(settings: ScannerSettings) -> State:
    if settings.spam_scanner is SpamScanner.NONE:
        return State("spam", True, _("nobody looks for spam"))
    if settings.spam_scanner is SpamScanner.BUILT_IN:
        return State("spam", True, _("the built-in scorer"))
    server = rspamd.Server(settings.rspamd_url, settings.rspamd_password, TRIAL_S)
    return _asked("spam", "rspamd", lambda: asyncio.run(rspamd.ping(server)), settings.spam_when_down)


def _virus(settings: ScannerSettings) -> State:
    if settings.virus_scanner is VirusScanner.NONE:
        return State("virus", True, _("nobody looks for viruses"))

    def ask() -> str:
        return asyncio.run(clamd.version(settings.clamd_address, timeout_s=TRIAL_S))

    return _asked("virus", "clamd", ask, settings.virus_when_down)


def _asked(name: str, program: str, ask: Callable[[], str | None], then: WhenDown) -> State:
    needed = then is WhenDown.REFUSE
    try:
        said = ask()
    except NoVerdict as error:
        return State(name, False, str(error)[:300], needed)
    return State(name, True, said or _("%(program)s answers") % {"program": program}, needed)
