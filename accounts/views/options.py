"""Options of a scope: what counts there and where it comes from, set where it stands, and inherited again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import options, places
from accounts.actors import Actor
from accounts.errors import BadOption, Forbidden, UnknownOption
from accounts.forms.options import OptionForm
from accounts.options import Option, Resolved
from accounts.optiontypes import OptionType
from accounts.permissions import LEVEL_LABELS, EndUserRight, Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from accounts.services.options import reset_option, set_option
from accounts.views.grants import scope_from
from accounts.views.pages import scope_page
from config.kit.nav import Text
from config.kit.objects import ShownValue, answer_value
from config.kit.pages import redirect_page, render_page, toast
from config.kit.sealed import MASK

Labels = Mapping[ScopeRef, str]


@require_safe
def server_options(request: ActorRequest) -> HttpResponse:
    return scope_options(request, Level.SERVER.value, 0)


@require_safe
def scope_options(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.MANAGE_OPTIONS)
    found = options.resolve_all(obj)
    labels = places.labels(each.source for each in found.values() if each.source is not None)
    groups: dict[str, list[ShownValue]] = {}
    for each in found.values():
        groups.setdefault(str(each.option.group), []).append(shown(request.actor, scope, each, labels))
    context = {"object": scope_page(request, scope, obj), "groups": list(groups.items())}
    return render_page(request, "accounts/scope_options.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def option_edit(request: ActorRequest, level: str, object_id: int, name: str) -> HttpResponse:
    scope, obj, option = _find(request.actor, level, object_id, name)
    form = OptionForm(request.POST or None, resolved=options.resolve(name, obj))

    def save(values: Mapping[str, Any]) -> None:
        try:
            set_option(request.actor, obj, option.name, form.value())
        except BadOption as error:
            form.add_error("value", str(error))

    def show() -> ShownValue:
        resolved = options.resolve(name, obj)
        labels = places.labels([resolved.source] if resolved.source else [])
        return shown(request.actor, scope, resolved, labels)

    return answer_value(request, form, show=show, save=save, back_url=_back(request.actor, scope))


@require_POST
def option_reset(request: ActorRequest, level: str, object_id: int, name: str) -> HttpResponse:
    scope, obj, option = _find(request.actor, level, object_id, name)
    reset_option(request.actor, obj, name)
    toast(request, _("“%(option)s” is inherited again.") % {"option": option.label})
    return redirect_page(request, _back(request.actor, scope))


def own_values(actor: Actor) -> list[ShownValue]:
    """The options that people set for themselves, for their account page."""
    person = actor.user
    if person is None or not actor.may(EndUserRight.EDIT_PROFILE):
        return []
    names = [option.name for option in options.catalogue(Level.USER) if option.personal]
    found = options.resolve_some(names, person)
    labels = places.labels(each.source for each in found.values() if each.source is not None)
    scope = ScopeRef(Level.USER, person.pk)
    return [shown(actor, scope, each, labels) for each in found.values()]


def shown(actor: Actor, scope: ScopeRef, resolved: Resolved, labels: Labels) -> ShownValue:
    """One option as a line; who may not set it sees it only."""
    option = resolved.option
    args = [scope.level.value, scope.id, option.name]
    may_set = not option.restricted or actor.has(Right.MANAGE_SERVER)
    source = "" if resolved.source == scope and may_set else _source(resolved, scope, labels)
    return ShownValue(
        label=option.label,
        value=in_words(option, resolved.value),
        key=option.name.lower(),
        edit_url=reverse("accounts:option-edit", args=args) if may_set else "",
        source=source or _("the default"),
        reset_url=reverse("accounts:option-reset", args=args) if resolved.is_own and may_set else "",
        help=_help(option, scope),
    )


def _help(option: Option, scope: ScopeRef) -> Text:
    """Of options of safety also which way they can differ."""
    if option.strict is None or option.levels == {Level.SERVER}:
        return option.help
    way = _("Levels below can only be stricter.") if scope == SERVER else _("It can only be stricter than above.")
    return f"{option.help} {way}".strip()


def in_words(option: Option, value: Any) -> Text:
    """A value for people; of a secret only that there is one."""
    if option.type == OptionType.BOOL:
        return _("Yes") if value else _("No")
    if option.type == OptionType.PASSWORD:
        return MASK if value else ""
    known = dict(option.values)
    if isinstance(value, list):
        return ", ".join(str(known.get(each, each)) for each in value)
    text = str(known.get(value, option.to_text(value)))
    return f"{text} {option.unit}" if option.unit and text else text


def _source(resolved: Resolved, scope: ScopeRef, labels: Labels) -> str:
    if resolved.source is None:
        return _("the default")
    if resolved.source == SERVER:
        return _("the server")
    name = labels.get(resolved.source, "")
    return f"{LEVEL_LABELS[resolved.source.level]} {name}".strip()


def _find(actor: Actor, level: str, object_id: int, name: str) -> tuple[ScopeRef, Any, Option]:
    """The scope's object and one option of its level. Raises: Http404, Forbidden."""
    scope = scope_from(level, object_id)
    try:
        option = options.get(name)
    except UnknownOption:
        raise Http404("no such option") from None
    person = actor.user
    if person is not None and scope == ScopeRef(Level.USER, person.pk) and option.personal:
        if not actor.may(EndUserRight.EDIT_PROFILE):
            actor.require(Right.MANAGE_OPTIONS, person)
        obj: Any = person
    else:
        obj = places.get(actor, scope, Right.MANAGE_OPTIONS)
    if scope.level not in option.levels:
        raise Http404("not an option of this level")
    if option.restricted and not actor.has(Right.MANAGE_SERVER):
        raise Forbidden("a restricted option")
    return scope, obj, option


def _back(actor: Actor, scope: ScopeRef) -> str:
    if scope == SERVER:
        return reverse("accounts:server-options")
    if actor.user is not None and scope == ScopeRef(Level.USER, actor.user.pk):
        return reverse("accounts:account")
    return reverse("accounts:scope-options", args=[scope.level.value, scope.id])
