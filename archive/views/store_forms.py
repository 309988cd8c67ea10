"""Making, attaching and editing stores, and when one is made by itself; renewing the master key."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import selectors, store_wording
from archive.commands.stores import AttachArguments, plan_renewing
from archive.errors import StoreRefused
from archive.models import AutoCreation
from archive.services import attaching, autocreate, keys, store_changes, stores
from archive.services.attaching import Found
from archive.services.store_places import store_roots
from archive.services.stores import NewStore
from archive.store_forms import AutoCreationForm, ReasonForm, StoreAttachForm, StoreCreateForm, StoreEditForm
from archive.views.doors import archive_page
from archive.views.store_frames import refusing, store_page, warn_waiting
from config.kit.pages import redirect_page, render_page, toast
from jobs import two_people
from jobs.commands import NoArguments
from jobs.services import submit
from jobs.views.approvals import ask_and_answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_STORES)
    form = StoreCreateForm(request.POST if request.method == "POST" else None)
    if "look" in request.POST:
        form = StoreCreateForm.looked_at(request.POST)
    elif request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with refusing(form):
            state = store_changes.read_state(data["requested_state"])
            wanted = NewStore(data["name"], form.place(), data["customer"], state)
            store = stores.create_store(request.actor, name=data["name"], wanted=wanted)
            toast(request, _("The store “%(name)s” is made.") % {"name": store.name})
            return redirect_page(request, "archive:store-detail", store.pk)
    context = {"form": form, "roots": store_roots()}
    return render_page(request, "archive/store_create.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_attach(request: ActorRequest) -> HttpResponse:
    """First what lies there and what attaching it would bring; with `attach` the task that does it."""
    request.actor.require(Right.MANAGE_STORES)
    form = StoreAttachForm(request.POST if request.method == "POST" else None)
    found: Found | None = None
    if "look" in request.POST:
        form = StoreAttachForm.looked_at(request.POST)
    elif request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with refusing(form):
            stores.require_free_name(data["name"])
            found = attaching.look_at(request.actor, form.place(), data["customer"])
            if found.problem and not data["recover"]:
                raise StoreRefused(found.problem, field="content_path" if form.is_folder else "schema_name")
            if "attach" in request.POST:
                task = submit(request.actor, "AttachStore", _attachment(form))
                return redirect_page(request, "jobs:task-detail", task.pk)
    context = {
        "form": form,
        "roots": store_roots(),
        "found": found,
        "numbers": store_wording.shown(found.numbers) if found else [],
    }
    return render_page(request, "archive/store_attach.html", context, status=422 if form.errors else 200)


def _attachment(form: StoreAttachForm) -> AttachArguments:
    data = form.cleaned_data
    return AttachArguments(
        **form.arguments(),
        name=data["name"],
        requested_state=data["requested_state"],
        customer=data["customer"].name if data["customer"] else None,
        recover=data["recover"],
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_edit(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    form = StoreEditForm.of(store, request.POST if request.method == "POST" else None)
    if request.method == "POST" and "look" not in request.POST and form.is_valid():
        data = form.cleaned_data
        with refusing(form):
            if "name" in form.changed_data:
                store_changes.rename_store(request.actor, store, name=data["name"], expected=data["version"])
            if "customer" in form.changed_data:
                store_changes.bind_store(request.actor, store, data["customer"])
            if form.moves:
                store_changes.set_place(request.actor, store, form.place())
            toast(request, _("Saved."))
            warn_waiting(request, store)
            return redirect_page(request, "archive:store-detail", store.pk)
    context = {"object": store_page(request, store, edit_url=""), "store": store, "form": form, "roots": store_roots()}
    return render_page(request, "archive/store_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_auto_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_STORES)
    form = AutoCreationForm.of(AutoCreation.load(), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            autocreate.set_configuration(request.actor, form.config(), expected=form.cleaned_data["version"])
            toast(request, _("Saved."))
            return redirect_page(request, "archive:store-list")
    context = {"form": form, "roots": store_roots()}
    return render_page(request, "archive/store_auto_create.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def master_key(request: ActorRequest) -> HttpResponse:
    """Renewing the master key, which takes two people."""
    request.actor.require(Right.MANAGE_SERVER)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        answer = ask_and_answer(request, form, keys.RENEW, NoArguments())
        if answer is not None:
            return answer
    context = {
        "form": form,
        "numbers": plan_renewing(request.actor, NoArguments()).numbers,
        "waits": two_people.needed(request.actor, Right.MANAGE_SERVER, None),
    }
    return render_page(request, "archive/master_key.html", context, status=422 if form.errors else 200)
