"""The commands about passwords: making lists of known ones searchable, wanting new ones, telling whose expire soon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from typing import Annotated

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import places, selectors
from accounts.actors import Actor
from accounts.breach_list import lists
from accounts.breach_list.indexing import Stopped
from accounts.breach_list.lists import Listed
from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from accounts.services import find_user
from accounts.services.breach_lists import index_lists, remove_upload
from accounts.services.password_reminders import remind
from accounts.services.password_wishes import let_password_be, want_new_password, want_new_passwords
from config.kit import health
from jobs.breach_words import problem_of
from jobs.commands import About, NoArguments, command
from jobs.dispatching import BuiltIn, register_built_in
from jobs.errors import BadArguments
from jobs.running import TaskRun
from jobs.schedules import Schedule

Result = dict[str, object]
INDEX = "IndexBreachList"


@dataclass(frozen=True, slots=True)
class RequirePasswordChangeArguments:
    """Of one person (their address), or of everybody of a domain, of a customer, or of the server ("all": true).

    withdraw: of one person, want none any more.
    """

    user: Annotated[str, About(gettext_lazy("Person"))] = ""
    domain: Annotated[str, About(gettext_lazy("Domain"))] = ""
    customer: Annotated[str, About(gettext_lazy("Customer"))] = ""
    all: Annotated[bool, About(gettext_lazy("Everybody on the server"))] = False
    end_sessions: Annotated[bool, About(gettext_lazy("Sign them out now"))] = False
    withdraw: Annotated[bool, About(gettext_lazy("Want none any more"))] = False


@command(
    INDEX,
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Indexing of known passwords"),
)
def index_breach_list(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Make uploaded and configured lists of known passwords searchable, where they aren't yet."""
    try:
        made = index_lists(actor, progress=lambda done: run.progress(done=done, unit="bytes"), stop=run.stopping)
    except Stopped as error:
        raise run.cancelled({}) from error
    for place, each in made.items():
        said = ngettext("%(n)d entry", "%(n)d entries", each.entries) % {"n": each.entries}
        run.log(f"{place}: {said}")
        for line, why in each.garbage:
            run.log(_("line %(line)d is left out: %(why)s") % {"line": line, "why": why}, "warning")
    return {
        place: {"kind": each.kind, "entries": each.entries, "refused": each.refused, "firstRefused": each.garbage}
        for place, each in made.items()
    }


@command(
    "RemoveBreachList",
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Removal of the uploaded list of known passwords"),
    plannable=False,
)
def remove_breach_list(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Forget the uploaded list of known passwords; one that is configured stays."""
    return {"removed": remove_upload(actor)}


@command(
    "RequirePasswordChange",
    needs=Right.SET_PASSWORDS,
    arguments=RequirePasswordChangeArguments,
    label=gettext_lazy("Wish for new passwords"),
    plannable=False,
    needs_proof=True,
)
def require_password_change(actor: Actor, run: TaskRun, arguments: RequirePasswordChangeArguments) -> Result:
    """Have one person, or everybody of a domain, customer or the server, choose a new password at the next sign-in."""
    given = [arguments.user, arguments.domain, arguments.customer, arguments.all]
    if sum(map(bool, given)) != 1:
        raise BadArguments(_("Give one of user, domain, customer and all."), field="user")
    if arguments.user:
        person = selectors.get_user(actor, find_user(arguments.user).pk, need=Right.SET_PASSWORDS)
        if arguments.withdraw:
            return {"people": int(let_password_be(actor, person))}
        return {"people": int(want_new_password(actor, person, end_sessions=arguments.end_sessions))}
    if arguments.withdraw:
        raise BadArguments(_("This is withdrawn of one person at a time."), field="withdraw")
    count = want_new_passwords(actor, _scope(actor, arguments), end_sessions=arguments.end_sessions)
    return {"people": count}


@command(
    "SendPasswordReminders",
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Mails about passwords that expire"),
)
def send_password_reminders(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Tell people by mail that their password expires soon, once when it is near and once on the last day."""
    reminded = remind(actor, stop=run.stopping)
    run.progress(done=reminded.sent, total=reminded.near, unit="mails")
    if not reminded.can_send:
        run.log("no mail server is configured; nobody was told by mail", "warning")
    return {"near": reminded.near, "sent": reminded.sent, "failed": reminded.failed}


def _scope(actor: Actor, arguments: RequirePasswordChangeArguments) -> object:
    """Raises: BadArguments, Http404, Forbidden."""
    if arguments.all:
        return SERVER
    level, name = (Level.DOMAIN, arguments.domain) if arguments.domain else (Level.CUSTOMER, arguments.customer)
    found = places.find(level, name)
    if found is None:
        raise BadArguments(_("There is none of this name."), field=level.value)
    return places.get(actor, found, Right.SET_PASSWORDS)


def register() -> None:
    """The jobs that come along, and how the lists are."""
    nightly = BuiltIn("index-breach-list", "Indexing of known passwords", INDEX, Schedule(time=time(3, 40)))
    register_built_in(nightly)
    register_built_in(
        BuiltIn("remind-of-passwords", "Mails about passwords that expire", "SendPasswordReminders",
                Schedule(time=time(6, 40)))
    )  # fmt: skip
    health.register(gettext_lazy("Known passwords"), _health)


def _health() -> Iterable[health.Report]:
    """Nothing where no list is wanted."""
    return [_report(each) for each in lists.there()]


def _report(listed: Listed) -> health.Report:
    if not listed.problem:
        text = ngettext("%(n)d entry is looked up", "%(n)d entries are looked up", listed.entries)
        return health.Report("ok", text % {"n": listed.entries})
    where = {_("List"): listed.source or _("uploaded"), _("Page"): reverse("jobs:breach-list")}
    return health.Report("warning", str(problem_of(listed)), facts=where)
