"""The page of one object: header, tabs, values that are edited where they stand, the frame of its dangerous end.

    page = ObjectPage.of(request, "domain", domain, name=domain.name, state=domain.state, facts=[…], edit_url=…)
    return render_page(request, "domains/domain_detail.html", {"object": page, "values": [ShownValue(…), …]})

The template extends base_object.html. What may be seen or done is decided before, by the selector and the services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from config.kit.nav import Text
from config.kit.pages import redirect_page, render_page, toast, toast_now, wants_partial
from config.kit.tabs import ShownTab, tabs_for

IN_SIGHT = 9  # tabs that a bar of 1,360 px holds in the longest language


@dataclass(frozen=True)
class ObjectPage:
    """The header. facts: at most three short ones; crumbs: (label, address) of what it stands under."""

    kind: str
    name: str
    tabs: list[ShownTab]
    state: str = ""
    state_label: Text = ""
    tone: str = ""
    facts: Sequence[Any] = ()
    crumbs: Sequence[tuple[Text, str]] = ()
    edit_url: str = ""

    @classmethod
    def of(cls, request: HttpRequest, kind: str, obj: Any, **header: Any) -> ObjectPage:
        """The header of `obj` with the tabs that are registered for its kind."""
        return cls(kind=kind, tabs=tabs_for(request, kind, obj), name=header.pop("name", str(obj)), **header)

    @property
    def current(self) -> ShownTab | None:
        return next((tab for tab in self.tabs if tab.is_current), None)

    @property
    def tabs_in_sight(self) -> list[ShownTab]:
        """The first ones, and the current one wherever it stands; all where they are few."""
        if len(self.tabs) <= IN_SIGHT + 2:
            return self.tabs
        first = self.tabs[:IN_SIGHT]
        return [*first, *(tab for tab in self.tabs[IN_SIGHT:] if tab.is_current)]

    @property
    def more_tabs(self) -> list[ShownTab]:
        """Those that stand under "More"."""
        seen = self.tabs_in_sight
        return [tab for tab in self.tabs if tab not in seen]


@dataclass(frozen=True)
class ShownValue:
    """One line of a block of values (components/values.html).

    key: names the line in the page, needed with `edit_url` (a view that answers with `answer_value`). source: from
    where the value is inherited, or would be after a reset; reset_url: only where the value is the object's own.
    """

    label: Text
    value: Any = None
    key: str = ""
    css: str = ""
    edit_url: str = ""
    source: Text = ""
    source_url: str = ""
    reset_url: str = ""
    help: Text = ""

    @property
    def is_inherited(self) -> bool:
        return bool(self.source) and not self.reset_url


@dataclass(frozen=True)
class Danger:
    """The frame at the end of a page (components/danger.html): what would happen, in numbers, and the button.

    typed: what must be typed before (the name of what goes); url: takes the POST.
    """

    title: Text
    text: Text
    verb: Text
    url: str
    typed: str = ""
    numbers: Sequence[tuple[int, Text]] = ()


@dataclass(frozen=True)
class Related:
    """A short list of what belongs to the object (components/related.html): (label, address, aside) each."""

    title: Text
    rows: Sequence[tuple[Any, str, Any]]
    total: int
    all_url: str
    nothing: Text = ""
    add_url: str = ""
    add_label: Text = ""


def answer_value(
    request: HttpRequest,
    form: Form,
    *,
    show: Callable[[], ShownValue],
    save: Callable[[Mapping[str, Any]], None],
    back_url: str,
    page: ObjectPage | None = None,
) -> HttpResponse:
    """Edit one value where it stands: GET gives its form, POST saves; as a region for htmx, else as a page.

    `show` reads the line anew. `save` is the service; it may put what it refuses onto the form (`form.add_error`).
    `?cancel=1` gives the line back unchanged.
    """
    is_region = wants_partial(request)
    if is_region and "cancel" in request.GET:
        return render(request, "components/value.html", {"row": show(), "takes_focus": True})
    if request.method == "POST" and form.is_valid():
        save(form.cleaned_data)
        if form.is_valid():
            saved = show()
            said = _("%(what)s is saved.") % {"what": saved.label}
            if is_region:
                return toast_now(render(request, "components/value.html", {"row": saved, "takes_focus": True}), said)
            toast(request, said)
            return redirect_page(request, back_url)
    context = {"row": show(), "form": form, "back_url": back_url, "object": page, "action": request.path}
    if is_region:
        status = 422 if form.is_bound and form.errors else 200
        return render(request, "components/value_form.html", context, status=status)
    return render_page(request, "value_edit.html", context)
