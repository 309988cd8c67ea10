"""Links for many users as a download: made while the file is sent, shown in it alone, kept nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import proving
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.services.many_links import issue_links
from config.kit.bulk import MAX_CHOSEN, BulkOrder, get_action, rows_of
from config.kit.csv import stream_csv
from config.kit.list_query import BadTerm
from config.kit.pages import redirect_page, toast
from domains.bulk.mailboxes import MakeLinks
from domains.models import Mailbox
from domains.tables.mailboxes import USERS

HEADS = ("email", "name", "link")
BATCH = 500


def link_list(request: ActorRequest) -> HttpResponseBase:
    """The file for the rows that the bulk page's address names. Raises: Forbidden."""
    action = get_action(USERS.name, MakeLinks.name, request.actor)
    is_all = request.GET.get("all") == "1"
    chosen = () if is_all else tuple(request.GET.getlist("chosen"))[:MAX_CHOSEN]
    order = BulkOrder(USERS.name, MakeLinks.name, chosen, request.GET.get("filter", "") if is_all else None)
    try:
        rows = rows_of(request.actor, order)
    except BadTerm as error:
        toast(request, error, "error")
        return redirect_page(request, "domains:user-list")
    if request.POST.get("expected") != str(action.preview(request.actor, rows, {}).will):
        toast(request, _("Meanwhile it would hit other rows than a moment ago. Look at the numbers again."), "warning")
        return redirect_page(request, request.get_full_path())
    return links_file(request.actor, allowed(request.actor, rows))


def allowed(actor: Actor, rows: QuerySet[Mailbox]) -> QuerySet[Mailbox]:
    """Those of these for whom the actor may make links, and who may use one."""
    action = MakeLinks()
    for condition, _why in action.left(actor, rows, {}):
        rows = rows.exclude(condition)
    return action.allowed(actor, rows)


def links_file(actor: Actor, rows: QuerySet[Mailbox]) -> HttpResponseBase:
    """A CSV file with a link for each, made in batches while it is sent. Raises: Forbidden, ProofNeeded."""
    actor.require_somewhere(Right.SET_PASSWORDS)
    proving.require_recent(actor)  # before the file begins: then no page can ask any more
    return stream_csv(HEADS, _lines(actor, rows), filename=f"links-{timezone.localdate():%Y-%m-%d}")


def _lines(actor: Actor, rows: QuerySet[Mailbox]) -> Iterator[tuple[Any, ...]]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).select_related("user").order_by("pk")[:BATCH]):
        names = {mailbox.user_id: mailbox.name for mailbox in batch}
        for person, link in issue_links(actor, [mailbox.user for mailbox in batch if mailbox.user is not None]):
            yield person.email, names[person.pk], link
        last = batch[-1].pk
