"""Groups and forwards: the list, a new one, what one delivers to, edit, delete."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.objects import ObjectPage
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number
from domains import selectors
from domains.errors import BadAddress, DomainsError
from domains.forms.addresses import AddressForm, RecipientsForm
from domains.models import Address, Domain, Status
from domains.services import forwards, groups, objects
from domains.services.readdressing import rename_address
from domains.services.recipients import split_paste
from domains.tables.addresses import DOMAIN_GROUPS, GROUPS, KINDS, RECIPIENTS
from domains.views.expansion import warn_of_loop
from domains.views.frames import domain_page, refusing
from domains.wording import history_lines
from jobs.bulk import submit_bulk


def list_groups(actor: Actor) -> QuerySet[Address]:
    return selectors.list_addresses(actor, KINDS)


@require_safe
def group_list(request: ActorRequest) -> HttpResponseBase:
    return GROUPS.answer(
        request,
        list_groups(request.actor),
        "domains/group_list.html",
        {"may_make": request.actor.has_somewhere(Right.MANAGE_ADDRESSES)},
        total=lambda: selectors.count_addresses(request.actor, KINDS),
        bulk_url=reverse("domains:group-bulk"),
        on_export=lambda: _record_export(request, None),
    )


@require_safe
def domain_groups(request: ActorRequest, domain_id: int) -> HttpResponseBase:
    """The groups and forwards of one domain."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.VIEW_USERS)
    may_make = request.actor.has(Right.MANAGE_ADDRESSES, domain) and domain.status != Status.DELETED
    return DOMAIN_GROUPS.answer(
        request,
        list_groups(request.actor).filter(domain=domain),
        "domains/domain_groups.html",
        {"object": domain_page(request, domain), "domain": domain, "may_make": may_make},
        total=lambda: domain.group_count + domain.forward_count,
        on_export=lambda: _record_export(request, None),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def group_bulk(request: ActorRequest) -> HttpResponse:
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, GROUPS.name, back="domains:group-list", submit=submit, list_label=GROUPS.caption)


@require_http_methods(["GET", "HEAD", "POST"])
def group_create(request: ActorRequest) -> HttpResponse:
    """A new group, or with `?kind=forward` a forward; `?domain=` says in which domain, else the address does."""
    request.actor.require_somewhere(Right.MANAGE_ADDRESSES)
    is_group, within = request.GET.get("kind") != Address.Kind.FORWARD, request.GET.get("domain", "")
    domain = None
    if within.isdecimal():
        domain = selectors.get_domain(request.actor, int(within), need=Right.MANAGE_ADDRESSES)
    form = AddressForm(
        request.POST or None, is_group=is_group, is_new=True, domain_name=domain.display_name if domain else ""
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form, _FIELDS):
            made = _create(request, domain, form.cleaned_data, is_group=is_group)
            toast(request, _("%(address)s is made.") % {"address": made.text})
            warn_of_loop(request, made)
            return redirect_page(request, "domains:group-detail", made.pk)
    return render_page(request, "domains/group_create.html", {"form": form, "domain": domain, "is_group": is_group})


_FIELDS = {"members": "recipients", "targets": "recipients", "is_enabled": "enabled"}


def _create(request: ActorRequest, domain: Domain | None, values: dict[str, Any], *, is_group: bool) -> Address:
    where = domain or _domain_named(request, values["email"])
    words = {name: values[name] for name in ("email", "name", "description", "enabled")}
    paste = list(split_paste(values["recipients"]))
    if not is_group:
        return forwards.create_forward(request.actor, where, targets=paste, **words)
    return groups.create_group(
        request.actor,
        where,
        members=paste,
        senders=values["senders"],
        allowed_senders=[text for _line, text in split_paste(values["allowed_senders"])],
        **words,
    )


def _domain_named(request: ActorRequest, email: str) -> Domain:
    name = email.rpartition("@")[2]
    domain = selectors.find_domain(request.actor, name, need=Right.MANAGE_ADDRESSES) if "@" in email else None
    if domain is None:
        unknown = _("%(domain)s is not a domain in which you can make addresses.") % {"domain": name}
        raise BadAddress(unknown if "@" in email else _("Write the whole address, name@example.org."), field="email")
    return domain


def _get(request: ActorRequest, address_id: int, need: Right = Right.VIEW_USERS) -> Address:
    found = selectors.get_address(request.actor, address_id)
    if found.kind not in KINDS:
        raise Http404("no group or forward")
    request.actor.require(need, found)
    return found


def _page(request: ActorRequest, address: Address) -> ObjectPage:
    may_edit = request.actor.has(Right.MANAGE_ADDRESSES, address)
    return ObjectPage.of(
        request,
        "group",
        address,
        name=address.text,
        state="enabled" if address.is_enabled else "disabled",
        state_label=_("Enabled") if address.is_enabled else _("Disabled"),
        tone="good" if address.is_enabled else "",
        facts=[str(fact) for fact in (address.get_kind_display(), address.name) if fact],
        crumbs=[(_("Groups and forwards"), reverse("domains:group-list"))],
        edit_url=reverse("domains:group-edit", args=[address.pk]) if may_edit else "",
    )


@require_safe
def group_detail(request: ActorRequest, address_id: int) -> HttpResponseBase:
    address = _get(request, address_id)
    return _show(request, address, RecipientsForm())


def _show(request: ActorRequest, address: Address, form: RecipientsForm) -> HttpResponseBase:
    may_edit = request.actor.has(Right.MANAGE_ADDRESSES, address)
    context = {"object": _page(request, address), "address": address, "form": form, "may_edit": may_edit}
    context["allowed"] = [str(each) for each in address.allowed_senders.all()[:200]]
    rows = selectors.list_recipients(address)
    response = RECIPIENTS.answer(
        request,
        rows,
        "domains/group_detail.html",
        context,
        total=lambda: address.recipient_count,
        on_export=lambda: _record_export(request, address),
    )
    if form.is_bound and form.errors:
        response.status_code = 422
    return response


@require_POST
def group_members_add(request: ActorRequest, address_id: int) -> HttpResponseBase:
    address = _get(request, address_id, Right.MANAGE_ADDRESSES)
    form = RecipientsForm(request.POST)
    if form.is_valid():
        paste = list(split_paste(form.cleaned_data["recipients"]))
        with refusing(form, _FIELDS):
            if address.kind == Address.Kind.GROUP:
                count = len(groups.add_members(request.actor, address, paste))
            else:
                count = len(forwards.add_targets(request.actor, address, paste))
            text = ngettext("%(n)s address is added.", "%(n)s addresses are added.", count)
            toast(request, text % {"n": number(count)}, "success" if count else "info")
            warn_of_loop(request, address)
            return redirect_page(request, "domains:group-detail", address.pk)
    return _show(request, address, form)


@require_POST
def group_member_remove(request: ActorRequest, address_id: int) -> HttpResponse:
    """Remove the recipients that were pasted, or those that are named one by one (`email`)."""
    address = _get(request, address_id, Right.MANAGE_ADDRESSES)
    emails = request.POST.getlist("email") or [text for _line, text in split_paste(request.POST.get("recipients", ""))]
    try:
        if address.kind == Address.Kind.GROUP:
            count = len(groups.remove_members(request.actor, address, emails))
        else:
            count = len(forwards.remove_targets(request.actor, address, emails))
        text = ngettext("%(n)s address is removed.", "%(n)s addresses are removed.", count)
        if not count:
            text = _("None of these was among them; nothing is removed.")
        toast(request, text % {"n": number(count)}, "success" if count else "warning")
    except DomainsError as error:
        toast(request, error, "error")
    return redirect_page(request, "domains:group-detail", address.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def group_edit(request: ActorRequest, address_id: int) -> HttpResponse:
    """Address, words, state, and of a group who may send; all or nothing."""
    address = _get(request, address_id, Right.MANAGE_ADDRESSES)
    is_group = address.kind == Address.Kind.GROUP
    initial = {
        "email": address.text,
        "name": address.name,
        "description": address.description,
        "enabled": address.is_enabled,
        "senders": address.senders,
        "allowed_senders": "\n".join(str(each) for each in address.allowed_senders.all()),
        "version": address.version,
    }
    form = AddressForm(request.POST or None, is_group=is_group, is_new=False, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusing(form, _FIELDS):
            _save(request, address, form.cleaned_data, is_group=is_group)
            toast(request, _("%(address)s is saved.") % {"address": address.text})
            warn_of_loop(request, address)
            return redirect_page(request, "domains:group-detail", address.pk)
        address.refresh_from_db()  # what was refused half-way isn't so
    return render_page(
        request, "domains/group_edit.html", {"form": form, "address": address, "object": _page(request, address)}
    )


def _save(request: ActorRequest, address: Address, values: dict[str, Any], *, is_group: bool) -> None:
    words = {"name": values["name"], "description": values["description"], "is_enabled": values["enabled"]}
    with transaction.atomic():
        if is_group:
            allowed = [text for _line, text in split_paste(values["allowed_senders"])]
            groups.update_group(
                request.actor,
                address,
                {**words, "senders": values["senders"]},
                allowed_senders=allowed,
                expected=values["version"],
            )
        else:
            forwards.update_forward(request.actor, address, words, expected=values["version"])
        if values["email"] != address.text:
            rename_address(request.actor, address, email=values["email"])


@require_http_methods(["GET", "HEAD", "POST"])
def group_delete(request: ActorRequest, address_id: int) -> HttpResponse:
    """Delete at once, after a look at what names it."""
    address = _get(request, address_id, Right.MANAGE_ADDRESSES)
    if request.method == "POST":
        objects.delete_address(request.actor, address)
        toast(request, _("%(address)s is deleted.") % {"address": address.text})
        return redirect_page(request, "domains:group-list")
    context = {
        "object": _page(request, address), "address": address, "uses": selectors.uses_of(request.actor, address),
    }  # fmt: skip
    return render_page(request, "domains/group_delete.html", context)


@require_safe
def group_history(request: ActorRequest, address_id: int) -> HttpResponse:
    address = _get(request, address_id, Right.VIEW_AUDIT)
    events = history_lines(selectors.history_of(request.actor, address))
    return render_page(request, "domains/group_history.html", {"object": _page(request, address), "events": events})


def _record_export(request: ActorRequest, address: Address | None) -> None:
    with transaction.atomic():
        audit.record(request.actor, "address.export", address, filter=request.GET.urlencode()[:500])
