"""The page of a bulk action: what would happen in numbers, what must be said or typed before, then the result.

    @require_http_methods(["GET", "HEAD", "POST"])
    def user_bulk(request):
        return answer_bulk(request, USERS.name, back="accounts:user-list", submit=partial(submit_bulk, request.actor))

GET shows the preview, so it has an address; POST to the same address does it. `submit` makes a task of a large order
and returns its page's address (jobs.bulk.submit_bulk: this kit doesn't know tasks).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.kit.bulk import AT_ONCE, MAX_CHOSEN, BulkAction, BulkOrder, Preview, get_action, outcome_text, rows_of
from config.kit.list_query import BadTerm
from config.kit.nav import Text
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number

TEMPLATE = "bulk_preview.html"


@dataclass(frozen=True)
class BulkPage:
    """What bulk_preview.html draws."""

    action: BulkAction
    preview: Preview
    form: Form | None
    back_url: str
    list_label: Text
    missing: int = 0
    problem: str = ""
    as_task: bool = False

    @property
    def typed(self) -> str:
        """What must be typed before something destructive."""
        return str(self.preview.will) if self.action.destructive else ""

    @property
    def missing_text(self) -> str:
        text = ngettext("%(n)s of the chosen rows is gone.", "%(n)s of the chosen rows are gone.", self.missing)
        return text % {"n": number(self.missing)}


def answer_bulk(
    request: HttpRequest,
    list_name: str,
    *,
    back: str,
    submit: Callable[[BulkOrder], str],
    scope: Mapping[str, Any] | None = None,
    list_label: Text = "",
) -> HttpResponse:
    """Preview or do what the address asks for. back: the list's page, a name or an address.

    Raises: Http404 (unknown action), Forbidden (who doesn't hold its right anywhere).
    """
    actor = getattr(request, "actor")  # noqa: B009
    action = get_action(list_name, request.GET.get("do", ""), actor)
    order = _order(request, list_name, action, scope or {})
    back_url = _back(back, request.GET.get("filter", ""))
    try:
        rows = rows_of(actor, order)
    except BadTerm as error:
        toast(request, error, "error")
        return redirect_page(request, back_url)
    if order.filter is None and not order.ids:
        toast(request, _("No row was chosen."), "warning")
        return redirect_page(request, back_url)
    is_sent = request.method == "POST"
    form = action.form(actor, request.POST if is_sent else None)
    values = action.stored(form.cleaned_data) if form is not None and form.is_bound and form.is_valid() else {}
    page = BulkPage(action, action.preview(actor, rows, values), form, back_url, list_label, *_missing(rows, order))
    if not is_sent:
        return _show(request, page)
    problem = "" if form is not None and not form.is_valid() else _problem(request, page)
    if problem or (form is not None and not form.is_valid()):
        return _show(request, page, problem, status=422)
    return _do(request, BulkOrder(list_name, action.name, order.ids, order.filter, order.scope, values), page, submit)


def _order(request: HttpRequest, list_name: str, action: BulkAction, scope: Mapping[str, Any]) -> BulkOrder:
    is_all = request.GET.get("all") == "1"
    ids = () if is_all else tuple(dict.fromkeys(request.GET.getlist("chosen")))[:MAX_CHOSEN]
    return BulkOrder(list_name, action.name, ids, request.GET.get("filter", "") if is_all else None, scope)


def _back(back: str, query: str) -> str:
    url = resolve_url(back)
    return f"{url}?{query}" if query else url


def _missing(rows: QuerySet[Any], order: BulkOrder) -> tuple[int]:
    """How many of the rows that were chosen one by one aren't there (any more)."""
    return (len(order.ids) - rows.count() if order.filter is None else 0,)


def _problem(request: HttpRequest, page: BulkPage) -> str:
    """Why it isn't done yet: the numbers are others than the person saw, or the number isn't typed."""
    if request.POST.get("expected") != str(page.preview.will):
        if page.form is not None:
            return _("With what you chose these are the numbers. Confirm them.")
        return _("Meanwhile it would hit other rows than a moment ago. Look at the numbers again.")
    if page.typed and "".join(request.POST.get("typed", "").split()) != page.typed:
        return _("Type %(number)s to confirm.") % {"number": page.typed}
    return ""


def _show(request: HttpRequest, page: BulkPage, problem: str = "", *, status: int = 200) -> HttpResponse:
    shown = BulkPage(**{**page.__dict__, "problem": problem, "as_task": page.preview.will > AT_ONCE})
    return render_page(request, TEMPLATE, {"bulk": shown}, status=status)


def _do(request: HttpRequest, order: BulkOrder, page: BulkPage, submit: Callable[[BulkOrder], str]) -> HttpResponse:
    actor = getattr(request, "actor")  # noqa: B009
    rows = rows_of(actor, order)
    batch = list(rows.order_by("pk")[: AT_ONCE + 1])
    if len(batch) > AT_ONCE:
        toast(request, _("This takes a moment. Its progress is here."), "info")
        return redirect_page(request, submit(order))
    outcome = page.action.run(actor, batch, order.values)
    toast(request, outcome_text(page.action, outcome), "warning" if outcome.refused else "success")
    return redirect_page(request, page.back_url)
