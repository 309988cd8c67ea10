"""Branding of a domain, a customer and the server: what counts, from where, how it looks, changing it.

One module for the three levels, since they show and ask the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Level
from accounts.requests import ActorRequest
from accounts.scopes import SERVER
from config.kit.branding import Brand
from config.kit.objects import ObjectPage, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from domains import brand_colours, brands
from domains.brands import FIELDS, Looks, Place, Said
from domains.errors import DomainsError
from domains.forms.branding import BrandingForm, LogoForm
from domains.logos import MOST_BYTES
from domains.models import Customer, Domain, Status
from domains.selectors.branding import get_branded
from domains.services import brand_values, branding
from domains.views.domain_values import scope_words
from domains.views.frames import customer_page, domain_page, refusing


@dataclass(frozen=True)
class Stand:
    """One level's pages of one place."""

    place: Place
    level: Level
    page: ObjectPage
    may_change: bool

    def url(self, what: str = "", *more: object) -> str:
        args = () if self.place == SERVER else (self.place.pk,)  # type: ignore[union-attr]
        return reverse(f"domains:{self.level}-branding{what and '-' + what}", args=[*args, *more])


@require_safe
def show(request: ActorRequest, level: Level, domain_id: int = 0, customer_id: int = 0) -> HttpResponse:
    stand = _stand(request, level, domain_id or customer_id)
    looks = brands.looks_of(stand.place)
    context = {
        **_frame(stand),
        "values": _values(stand, looks),
        "logo": looks.values["logo"],
        "logo_url": brands.logo_url(looks["logo"]) if looks["logo"] is not None else "",
        "logo_value": _logo_line(stand, looks.values["logo"]),
        "form": LogoForm(initial={"version": looks.version}) if stand.may_change else None,
        "preview": preview_of({name: said.value for name, said in looks.values.items()}),
    }
    return render_page(request, "domains/branding.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: ActorRequest, level: Level, domain_id: int = 0, customer_id: int = 0) -> HttpResponse:
    stand = _stand(request, level, domain_id or customer_id, change=True)
    looks = brands.looks_of(stand.place)
    form = _form(request, stand, looks)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            branding.set_branding(request.actor, stand.place, form.values(), expected=form.cleaned_data["version"])
            toast(request, _("The branding is saved."))
            return redirect_page(request, stand.url())
    context = {**_frame(stand), "form": form, "preview": _tried(form, looks), "preview_url": stand.url("preview")}
    return render_page(request, "domains/branding_edit.html", context)


@require_POST
def preview(request: ActorRequest, level: Level, domain_id: int = 0, customer_id: int = 0) -> HttpResponse:
    """How the form would look if it were saved; writes nothing."""
    stand = _stand(request, level, domain_id or customer_id, change=True)
    looks = brands.looks_of(stand.place)
    tried = _tried(_form(request, stand, looks), looks)
    return render_page(request, "domains/branding_preview.html", {"preview": tried})


@require_POST
def logo(request: ActorRequest, level: Level, domain_id: int = 0, customer_id: int = 0) -> HttpResponse:
    stand = _stand(request, level, domain_id or customer_id, change=True)
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            raw = form.cleaned_data["logo"].read(MOST_BYTES + 1)
            branding.set_logo(request.actor, stand.place, raw, expected=form.cleaned_data["version"])
        except DomainsError as error:
            toast(request, str(error), "error")
        except ChangedMeanwhile:
            toast(request, CHANGED_MEANWHILE, "error")
        else:
            toast(request, _("The logo is saved."))
    else:
        toast(request, _("Choose a picture first."), "error")
    return redirect_page(request, stand.url())


@require_POST
def reset(request: ActorRequest, level: Level, name: str, domain_id: int = 0, customer_id: int = 0) -> HttpResponse:
    """Back to what the level above says."""
    stand = _stand(request, level, domain_id or customer_id, change=True)
    if name not in (*FIELDS, "logo"):
        raise Http404("no such setting")
    try:
        if name == "logo":
            branding.remove_logo(request.actor, stand.place)
        else:
            branding.set_branding(request.actor, stand.place, {name: None})
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("It is inherited again."))
    return redirect_page(request, stand.url())


# --- what is shown ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """The panels, and what is written on the colour."""

    brand: Brand
    problem: str = ""
    writing: str = ""

    @property
    def themes(self) -> list[tuple[str, str]]:
        return [("light", _("Light")), ("dark", _("Dark"))]


def preview_of(values: dict[str, Any], problem: str = "") -> Preview:
    return Preview(brands.brand_of(values), problem, contrast_words(values.get("colour")))


def contrast_words(colour: str | None) -> str:
    """How well the words on a colour can be read."""
    if not colour:
        return ""
    found = brand_colours.writing_on(colour)
    words = _("white") if found.colour == brand_colours.WHITE else _("black")
    text = _("Words on it are %(colour)s, with a contrast of %(ratio)s : 1.")
    return text % {"colour": words, "ratio": number(found.ratio)}


def _tried(form: BrandingForm, looks: Looks) -> Preview:
    """What the form says, over what would be inherited; of what is wrong, what counts now."""
    if not form.is_bound:
        return preview_of({name: said.value for name, said in looks.values.items()})
    form.is_valid()
    given = form.values()
    values: dict[str, Any] = {"logo": looks["logo"]}
    problem = ""
    for name in FIELDS:
        try:
            checked = brand_values.checked(name, given.get(name))
        except DomainsError as error:
            problem = problem or str(error)
            values[name] = looks[name]
        else:
            values[name] = looks.values[name].inherited if checked is None else checked
    return preview_of(values, problem)


def _values(stand: Stand, looks: Looks) -> list[ShownValue]:
    found = [_line(stand, looks.values[name]) for name in FIELDS]
    if stand.level != Level.SERVER:
        found.append(ShownValue(_("Further host names"), ", ".join(looks.hosts), css="mono"))
    return found


def _line(stand: Stand, said: Said) -> ShownValue:
    return ShownValue(
        _labels()[said.name],
        in_words(said),
        source=_source(said),
        reset_url=stand.url("reset", said.name) if said.own is not None and stand.may_change else "",
    )


def _logo_line(stand: Stand, said: Said) -> ShownValue:
    kept = said.value
    words = "" if kept is None else _("%(width)s × %(height)s pixels") % {"width": kept.width, "height": kept.height}
    reset_url = stand.url("reset", "logo") if said.own is not None and stand.may_change else ""
    return ShownValue(_("Logo"), words, source=_source(said), reset_url=reset_url)


def _source(said: Said) -> Any:
    """Who says it, or would after a reset."""
    return scope_words(said.inherited_from if said.own is not None else said.source)


def in_words(said: Said) -> Any:
    """A value as people say it."""
    if not said.value:
        return _("Postkeep") if said.name == "name" else ""
    if said.name == "colour":
        return format_html('<span class="mono">{}</span>', said.value)
    if said.name == "greeting":
        return _texts(said.value)
    if said.name == "support":
        return " · ".join(part for part in (_texts(said.value["text"]), said.value["address"]) if part)
    return said.value


def _texts(text: dict[str, str]) -> str:
    """One of the texts, and in how many languages there are more."""
    shown = brands.in_language(text, get_language() or "") or next(iter(text.values()), "")
    others = len([key for key in text if key])
    if not others:
        return shown
    more = ngettext("in %(count)d language of its own", "in %(count)d languages of their own", others)
    return f"{shown} ({more % {'count': others}})"


def _labels() -> dict[str, str]:
    return {
        "name": _("Name"),
        "colour": _("Colour"),
        "greeting": _("Greeting on the sign-in page"),
        "support": _("Support"),
    }


def _form(request: ActorRequest, stand: Stand, looks: Looks) -> BrandingForm:
    helps = {
        "name": _("Instead of “Postkeep”, and before the address that our mails come from."),
        "colour": _("# and six hexadecimal digits, such as #1d4ed8. Buttons have it; words are made readable."),
        "greeting": _("A few lines of plain text for everybody who opens the page, signed in or not."),
        "support_text": _("One line, such as “Help desk, weekdays 8 to 17”."),
        "support_address": _("An e-mail address, or a web address that begins with https://."),
    }
    for name, field in (("name", "name"), ("colour", "colour"), ("greeting", "greeting"), ("support", "support_text")):
        said = looks.values[name]
        if said.inherited:
            inherited = Said(name, said.inherited, said.inherited_from, None, said.inherited, said.inherited_from)
            text = _("Empty: “%(value)s”, from %(source)s.")
            values = {"value": str(_plain(inherited)), "source": scope_words(said.inherited_from)}
            helps[field] = f"{helps[field]} {text % values}"
    with_hosts = stand.level != Level.SERVER
    return BrandingForm(request.POST or None, looks=looks, helps=helps, with_hosts=with_hosts)


def _plain(said: Said) -> Any:
    return said.value if said.name == "colour" else in_words(said)


def _stand(request: ActorRequest, level: Level, object_id: int, *, change: bool = False) -> Stand:
    place = get_branded(request.actor, level, object_id, change=change)
    right = branding.needed_right(place)
    may = request.actor.has(right, None if place == SERVER else place)
    if isinstance(place, Domain):
        page = domain_page(request, place)
        may = may and place.status != Status.DELETED
    elif isinstance(place, Customer):
        page = customer_page(request, place, edit_url="")
    else:
        page = ObjectPage.of(request, "server", place, name=_("Server"))
    return Stand(place, level, page, may)


def _frame(stand: Stand) -> dict[str, Any]:
    urls = {"back": stand.url(), "logo_to": stand.url("logo")}
    return {"object": stand.page, "edit_url": stand.url("edit") if stand.may_change else "", **urls}
