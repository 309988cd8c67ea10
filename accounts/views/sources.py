"""Sources of identity: the list, one of a place made by its kind, shown, changed, tried, deleted; its groups; what a
place chose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places
from accounts.actors import Actor
from accounts.errors import AccountsError, Forbidden, NameTaken, TooManyAttempts
from accounts.forms import PlaceForm
from accounts.forms.sources import ChoiceForm, GroupRoleForm, ReleaseForm, SourceForm, TrialForm
from accounts.models import Role, Source
from accounts.permissions import BUILT_IN_ROLES, CONFIGURING, LEVEL_LABELS, SYSTEM_ADMINISTRATOR, Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import list_role_choices
from accounts.selectors.sources import (
    choice_of,
    choosable,
    get_source,
    list_sources,
    may_change,
    people_without_groups,
    users_of,
)
from accounts.services import find_user
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role, remove_group_role
from accounts.services.source_sign_in import try_source
from accounts.services.sources import (
    LEVELS,
    choose_source,
    create_source,
    delete_source,
    release_identity,
    require_changing,
    require_configuring,
    require_managing,
    update_source,
)
from accounts.sources import kinds
from accounts.sources.kinds import Kind
from accounts.views.grants import scope_from
from accounts.wording import wait_text
from config.kit.objects import Danger, ObjectPage, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile

SHOWN = 500
LACKING_SHOWN = 20


@require_safe
def source_list(request: ActorRequest) -> HttpResponse:
    rows = list(list_sources(request.actor)[:SHOWN])
    names = places.labels(each.scope for each in rows)
    context = {
        "rows": [(each, names.get(each.scope, ""), LEVEL_LABELS[Level(each.level)]) for each in rows],
        "is_server": request.actor.has(Right.MANAGE_SOURCES),
        "choice": _choice_text(SERVER) if request.actor.has(Right.MANAGE_SOURCES) else "",
    }
    return render_page(request, "accounts/source_list.html", context)


@require_safe
def source_new(request: ActorRequest) -> HttpResponse:
    """The kind first, and the place where there are several."""
    request.actor.require_somewhere(Right.MANAGE_SOURCES)
    levels = [each for each in LEVELS if each != Level.SERVER or request.actor.has(Right.MANAGE_SOURCES)]
    form = PlaceForm(request.GET if "level" in request.GET else None, levels=levels)
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        scope = places.find(Level(form.cleaned_data["level"]), form.cleaned_data["name"])
        if scope is not None and request.actor.holds(CONFIGURING, scope):
            context |= {"scope": scope, "kinds": [(each, each.label, kinds.ABOUT[each]) for each in Kind]}
        else:
            form.add_error("name", _("There is nothing of this name where you may set up sources."))
    return render_page(request, "accounts/source_new.html", context)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def source_create(request: ActorRequest, level: str, object_id: int, kind: str) -> HttpResponse:
    scope, known = scope_from(level, object_id), _kind(kind)
    obj = places.get(request.actor, scope, Right.MANAGE_SOURCES)
    require_configuring(request.actor, scope)  # before the form, so that nothing typed is lost
    initial = {**kinds.defaults(known), "is_enabled": True, "local_for_administrators": True}
    form = SourceForm(request.POST or None, initial=initial, kind=known, is_server=scope == SERVER)
    if request.method == "POST" and form.is_valid():
        made = _try(form, lambda: create_source(request.actor, obj, kind=known.value, **form.values()))
        if made is not None:
            toast(request, _("The source “%(name)s” is set up. Try it, then choose it.") % {"name": made.name})
            return redirect_page(request, "accounts:source-try", made.pk)
    place = _("the server") if scope == SERVER else str(obj)
    return render_page(request, "accounts/source_create.html", {"form": form, "kind": known, "place": place})


@require_safe
def source_detail(request: ActorRequest, source_id: int) -> HttpResponse:
    source = get_source(request.actor, source_id)
    may = may_change(request.actor, source)
    used = users_of(source)
    context = {
        "object": source_page(request, source),
        "source": source,
        "groups": _shown(source),
        "used": [(name or _("The server"), _choice_url(scope)) for scope, name in used],
        "back_url": _back_url(request, source),
        "may_change": may,
        "api_path": f"/api/v1/sources/{source.pk}",
        "danger": _danger(source, len(used)) if may else None,
    }
    return render_page(request, "accounts/source_detail.html", context)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def source_edit(request: ActorRequest, source_id: int) -> HttpResponse:
    source = get_source(request.actor, source_id)
    require_changing(request.actor, source)  # before the form, so that nothing typed is lost
    form = SourceForm(
        request.POST or None,
        initial=SourceForm.initial_of(source),
        kind=source.kind_of,
        is_server=source.scope == SERVER,
        has_secret=bool(source.secret),
    )
    if request.method == "POST" and form.is_valid():
        expected = form.cleaned_data["version"]
        if _try(form, lambda: update_source(request.actor, source, form.values(), expected=expected)) is not None:
            toast(request, _("Saved."))
            return redirect_page(request, "accounts:source-detail", source.pk)
    context = {"object": source_page(request, source), "source": source, "form": form}
    return render_page(request, "accounts/source_edit.html", context)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def source_try(request: ActorRequest, source_id: int) -> HttpResponse:
    source = get_source(request.actor, source_id)
    require_managing(request.actor, source)
    form = TrialForm(request.POST or None)
    context: dict[str, Any] = {"object": source_page(request, source), "source": source, "form": form}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            steps = try_source(
                request.actor, source, address=given["email"].strip().lower(), password=given["password"]
            )
            context |= {"steps": steps, "is_well": all(each.is_well for each in steps)}
        except TooManyAttempts as error:
            form.add_error("password", wait_text(error.retry_after_s))
    return render_page(request, "accounts/source_try.html", context)


@require_POST
def source_delete(request: ActorRequest, source_id: int) -> HttpResponse:
    source = get_source(request.actor, source_id)
    try:
        delete_source(request.actor, source)
    except NameTaken as error:
        toast(request, str(error), "error")
        return redirect_page(request, "accounts:source-detail", source.pk)
    toast(request, _("The source “%(name)s” is deleted.") % {"name": source.name})
    return redirect_page(request, "accounts:source-list")


@require_http_methods(["GET", "HEAD", "POST"])
def source_groups(request: ActorRequest, source_id: int) -> HttpResponse:
    """What groups there give here; more of it, and the undoing of somebody's binding."""
    source = get_source(request.actor, source_id)
    may = may_change(request.actor, source)
    if request.method == "POST":
        require_changing(request.actor, source)
    lacking = people_without_groups(source)
    form = _group_form(request, source)
    if request.method == "POST" and form.is_valid() and _try(form, lambda: _add_group(request.actor, source, form)):
        toast(request, _("Whoever is in the group gets the role with their next sign-in."))
        return redirect_page(request, "accounts:source-groups", source.pk)
    context = {
        "object": source_page(request, source),
        "source": source,
        "rows": [(row, _role_label(row), row.object_label or _("the server")) for row in source.group_roles.all()],
        "form": form,
        "may_change": may,
        "people": source.identities.count(),
        "lacking": lacking[:LACKING_SHOWN],
        "lacking_count": lacking.count(),
        "release": ReleaseForm(),
    }
    return render_page(request, "accounts/source_groups.html", context)


@require_POST
def source_group_remove(request: ActorRequest, source_id: int, row_id: int) -> HttpResponse:
    source = get_source(request.actor, source_id)
    row = source.group_roles.filter(pk=row_id).select_related("source", "role").first()
    if row is None:
        raise Http404("no such group")
    remove_group_role(request.actor, row)
    toast(request, _("The group gives this role no more; who had it by the group has lost it."))
    return redirect_page(request, "accounts:source-groups", source.pk)


@require_POST
def source_release(request: ActorRequest, source_id: int) -> HttpResponse:
    source = get_source(request.actor, source_id)
    require_changing(request.actor, source)
    form = ReleaseForm(request.POST)
    if form.is_valid():
        try:
            done = release_identity(request.actor, source, find_user(form.cleaned_data["email"]))
            said = _("Whoever proves to have this address there may come in now.") if done else _("Nothing was bound.")
            toast(request, said, "success" if done else "info")
        except (AccountsError, Forbidden):
            toast(request, _("There is nobody of this address whom you manage."), "error")
    return redirect_page(request, "accounts:source-groups", source.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def source_choice(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    """What a domain, a customer or the server signs in with."""
    scope = scope_from(level, object_id)
    if scope.level not in LEVELS:
        raise Http404("no source is chosen for this")
    obj = places.get(request.actor, scope, Right.MANAGE_SOURCES)
    require_configuring(request.actor, scope)
    chosen, above = choice_of(scope)
    offered = choosable(request.actor, scope)
    inherited = "" if scope == SERVER else _("As above: %(what)s") % {"what": _called(above.source)}
    own = chosen.at == scope
    present = (str(chosen.source.pk) if chosen.source else ChoiceForm.LOCAL) if own or not inherited else "inherit"
    form = ChoiceForm(request.POST or None, initial={"source": present}, offered=offered, inherited=inherited)
    if request.method == "POST" and form.is_valid() and _try(form, lambda: _choose(request.actor, obj, form, offered)):
        toast(request, _("Saved. It counts from the next sign-in."))
        return redirect_page(request, "accounts:source-choice", scope.level.value, scope.id)
    context = {
        "object": None if scope == SERVER else ObjectPage.of(request, scope.level.value, obj),
        "form": form,
        "chosen": _called(chosen.source),
        "source": chosen.source if chosen.source and chosen.source in offered else None,
    }
    page = "accounts/source_choice_server.html" if scope == SERVER else "accounts/source_choice.html"
    return render_page(request, page, context)


def source_page(request: ActorRequest, source: Source) -> ObjectPage:
    """The header of a source's pages, also those of other apps."""
    place = "" if source.scope == SERVER else places.labels([source.scope]).get(source.scope, "")
    return ObjectPage.of(
        request,
        "source",
        source,
        name=source.name,
        state="enabled" if source.is_enabled else "disabled",
        state_label=_("In use") if source.is_enabled else _("Off"),
        facts=[str(source.kind_of.label), place or str(LEVEL_LABELS[Level.SERVER])],
        crumbs=[(_("Sign-in sources"), reverse("accounts:source-list"))],
        edit_url=reverse("accounts:source-edit", args=[source.pk]) if may_change(request.actor, source) else "",
    )


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise Http404("no such kind") from None


def _shown(source: Source) -> list[tuple[str, list[ShownValue]]]:
    """Its settings under their headings, never its secret."""
    found: dict[str, list[ShownValue]] = {}
    for each in kinds.SETTINGS[source.kind_of]:
        value = source.settings.get(each.name, each.default)
        shown: Any = dict(each.choices).get(value, value) if each.choices else value
        if each.shape == "yes":
            shown = _("Yes") if value else _("No")
        elif each.shape == "pem":
            shown = _("Given") if value else ""
        elif each.unit:
            shown = f"{value} {each.unit}"
        found.setdefault(each.group, []).append(ShownValue(each.label, shown))
    if source.kind != Kind.IMAP:
        label = _("Client secret") if source.kind_of.is_web else _("Password")
        found["connection"].append(ShownValue(label, str(source.secret)))
    rules = [
        ShownValue(_("Make people at their first sign-in"), _("Yes") if source.creates_people else _("No")),
        ShownValue(
            _("Administrators may also use a password kept here"),
            _("Yes") if source.local_for_administrators else _("No"),
        ),
        ShownValue(_("Speaks for"), _authority(source)),
        ShownValue(_("Configured by"), source.configured_by_label),
    ]
    if source.kind_of.is_web:
        asks = _("Yes") if source.asks_second_factor else _("No")
        meets = _("Yes") if source.meets_demands else _("No")
        rules.insert(2, ShownValue(_("It asks for the second factor itself"), asks))
        rules.insert(3, ShownValue(_("Its second factor counts where one is demanded"), meets))
    shown_groups = [(str(kinds.GROUPS[key]), values) for key, values in found.items()]
    return [*shown_groups, (_("Rules"), rules)]


def _authority(source: Source) -> str:
    if source.speaks_for_all:
        return _("everybody, server administrators too")
    if source.authority is None:
        return _("everybody in its place")
    count = len(source.authority)
    said = ngettext("who holds nothing but %(n)d right here", "who holds nothing but these %(n)d rights here", count)
    return said % {"n": count}


def _back_url(request: ActorRequest, source: Source) -> str:
    if not source.kind_of.is_web:
        return ""
    return request.build_absolute_uri(reverse("accounts:provider-back", args=[source.pk]))


def _danger(source: Source, places_count: int) -> Danger:
    people = source.identities.count()
    return Danger(
        title=_("Delete this source"),
        text=_("Nobody comes in by it any more. Places that chose it must choose another one first."),
        verb=_("Delete source"),
        url=reverse("accounts:source-delete", args=[source.pk]),
        typed=source.name,
        numbers=[
            (places_count, ngettext("place chose it", "places chose it", places_count)),
            (people, ngettext("person is bound to it", "people are bound to it", people)),
        ],
    )


def _called(source: Source | None) -> str:
    return str(_("Passwords kept here")) if source is None else source.name


def _choice_text(scope: ScopeRef) -> str:
    return _called(choice_of(scope)[0].source)


def _choice_url(scope: ScopeRef) -> str:
    return reverse("accounts:source-choice", args=[scope.level.value, scope.id])


def _choose(actor: Actor, obj: object, form: ChoiceForm, offered: list[Source]) -> bool:
    wanted = form.cleaned_data["source"]
    source = next((each for each in offered if str(each.pk) == wanted), None)
    choose_source(actor, obj, source, inherit=wanted == ChoiceForm.INHERIT)
    return True


def _role_label(row: Any) -> str:
    return str(BUILT_IN_ROLES[row.role_key].label) if row.role_key in BUILT_IN_ROLES else str(row.role or "")


def _group_form(request: ActorRequest, source: Source) -> GroupRoleForm:
    own = [each for each in list_role_choices(request.actor, source.scope) if each.value.startswith("own:")]
    built_in = [(f"built-in:{key}", role.label) for key, role in BUILT_IN_ROLES.items() if key != SYSTEM_ADMINISTRATOR]
    roles = [*built_in, *((each.value, each.label) for each in own if each.is_givable)]
    levels = [source.scope.level]
    levels += [each for each in (Level.CUSTOMER, Level.DOMAIN) if each not in levels and source.level != Level.DOMAIN]
    offered = [(each.value, LEVEL_LABELS[each]) for each in levels]
    return GroupRoleForm(request.POST or None, roles=roles, places=offered)


def _add_group(actor: Actor, source: Source, form: GroupRoleForm) -> object:
    given = form.cleaned_data
    level = Level(given["place"])
    scope = source.scope if level == source.scope.level and not given["which"] else places.find(level, given["which"])
    if scope is None or not actor.has(Right.GRANT_RIGHTS, scope):
        form.add_error("which", _("There is nothing of this name where you may give rights."))
        return None
    obj = SERVER if scope == SERVER else places.get(actor, scope, Right.GRANT_RIGHTS)
    kind, _colon, key = given["role"].partition(":")
    bundle = Bundle(role=Role.objects.filter(pk=int(key)).first()) if kind == "own" else Bundle(role_key=key)
    return add_group_role(actor, source, group=given["group"], bundle=bundle, obj=obj)


def _try(form: Any, do: Callable[[], Any]) -> Any:
    """What `do` answers; what it refuses stands at its field, and the answer is None."""
    try:
        return do()
    except Forbidden:
        raise
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
    except AccountsError as error:
        field = {"permissions": "role", "place": "which"}.get(getattr(error, "field", ""), getattr(error, "field", ""))
        form.add_error(field if field in form.fields else None, str(error))
    return None
