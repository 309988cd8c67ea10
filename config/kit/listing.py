"""A list page from a declaration: search box, filters, sorts, columns, saved views, paging, export.

    USERS = Listing("accounts.users", (Main("email", …), State("state", …), Time("created", …)), sort="email")

    def user_list(request):
        return USERS.answer(request, selectors.list_users(request.actor), "accounts/user_list.html")

The whole state is in the address: `q` (config.kit.list_query), one parameter per field that is filtered, `sort`,
`size`, `columns`, and the pager's. Offer only what an index serves. The rows are what the actor may see; nothing here
widens them. What the page shows is `config.kit.list_page`'s, how it looks components/list.html's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from config.kit.batches import in_batches
from config.kit.bulk import actions_for
from config.kit.csv import stream_csv
from config.kit.list_page import ListPage
from config.kit.list_query import BadTerm
from config.kit.list_state import ListSpec, View
from config.kit.pages import wants_partial
from config.kit.preferences import ListMemory

__all__ = ["BadTerm", "ListPage", "Listing", "View"]

M = TypeVar("M", bound=Model)
REGIONS = ("list", "list-body")  # what components/list.html swaps


@dataclass(frozen=True, eq=False)
class Listing(ListSpec, Generic[M]):
    """A list and its page; see ListSpec for what can be declared."""

    def answer(
        self,
        request: HttpRequest,
        rows: QuerySet[M],
        template: str,
        context: Mapping[str, Any] | None = None,
        *,
        total: Callable[[], int | None] | None = None,
        bulk_url: str = "",
        on_export: Callable[[], None] | None = None,
        scattered: bool = False,
        within: str = "",
    ) -> HttpResponseBase:
        """The page, its region for htmx, or with `format=csv` the file.

        total: a counter for the unfiltered number, asked only then. bulk_url: where this list's bulk actions are
        (config.kit.bulk). on_export: called before a file is sent, to record it. scattered: of a big list, the rows lie
        together somewhere in its order, so that walking it would pass by most of the others. within: the column, of one
        value, by whose index they are walked then (config.kit.paging.Order).
        """
        from_here = request.GET.get("format") == "csv" and self.exportable
        if from_here:
            return self._export(request, rows, on_export)
        shown = self.page(request, rows, total=total, bulk_url=bulk_url, scattered=scattered, within=within)
        is_region = wants_partial(request) and getattr(request, "htmx").target in ("list", "list-body")  # noqa: B009
        chosen = "components/list.html" if is_region else template
        response = render(request, chosen, {**(context or {}), "list": shown})
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response

    def page(
        self,
        request: HttpRequest,
        rows: QuerySet[M],
        *,
        total: Callable[[], int | None] | None = None,
        bulk_url: str = "",
        scattered: bool = False,
        within: str = "",
    ) -> ListPage[M]:
        """What components/list.html draws, for pages that have more than the list."""
        actor = getattr(request, "actor", None)
        asked = self.ask(actor, request.GET, ListMemory.load(request, self.name))
        actions = actions_for(self.name, actor) if bulk_url else ()
        return ListPage.read(
            request, asked, rows, total=total, actions=actions, bulk_url=bulk_url, scattered=scattered, within=within
        )

    def _export(
        self, request: HttpRequest, rows: QuerySet[M], on_export: Callable[[], None] | None
    ) -> HttpResponseBase:
        asked = self.ask(getattr(request, "actor", None), request.GET, ListMemory.load(request, self.name))
        found = asked.matching(rows)
        if asked.problems:
            return HttpResponse("\n".join(asked.problems), status=400, content_type="text/plain; charset=utf-8")
        if on_export is not None:
            on_export()
        columns = [each for each in asked.fields if each.column]
        lines = ([each.exported(row) for each in columns] for row in in_batches(found))
        return stream_csv(
            [each.name for each in columns], lines, filename=f"{self.name}-{timezone.localdate():%Y-%m-%d}"
        )
