"""Users: the list, a new one, and the tabs of one that show and edit what it is."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.permissions import Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import ScopeRef
from accounts.services import invite
from config.kit.bulk_pages import answer_bulk
from config.kit.pages import redirect_page, render_page, toast
from domains import inheritance, selectors
from domains.bulk.mailboxes import MakeLinks
from domains.errors import BadAddress
from domains.forms.mailboxes import MailboxEditForm, MailboxForm, QuotaForm, SignInWay
from domains.models import Domain, Mailbox, Status
from domains.services import quotas
from domains.services.aliases import aliases_of, set_aliases
from domains.services.mailboxes import create_mailbox, update_mailbox
from domains.tables.mailboxes import DOMAIN_USERS, USERS
from domains.views.frames import domain_page, mailbox_page, refusing
from domains.views.mailbox_links import link_list
from domains.wording import history_lines, quota_lines
from jobs.bulk import submit_bulk


@require_safe
def user_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.list_mailboxes(request.actor)
    may_make = request.actor.has_somewhere(Right.MANAGE_USERS)
    return USERS.answer(
        request,
        rows,
        "domains/user_list.html",
        {"may_make": may_make},
        total=lambda: selectors.count_mailboxes(request.actor),
        bulk_url=reverse("domains:user-bulk"),
        on_export=lambda: _record_export(request),
    )


@require_safe
def domain_users(request: ActorRequest, domain_id: int) -> HttpResponseBase:
    """The users of one domain; many are changed at once in the list of all, which takes the domain as a filter."""
    domain = selectors.get_domain(request.actor, domain_id, need=Right.VIEW_USERS)
    context = {
        "object": domain_page(request, domain),
        "domain": domain,
        "may_make": request.actor.has(Right.MANAGE_USERS, domain) and domain.status != Status.DELETED,
        "among_all": f"{reverse('domains:user-list')}?{urlencode({'q': f'domain:{domain.name}'})}",
    }
    rows = selectors.list_mailboxes(request.actor).filter(domain=domain)
    return DOMAIN_USERS.answer(
        request, rows, "domains/domain_users.html", context, total=lambda: domain.mailbox_count,
        on_export=lambda: _record_export(request),
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_bulk(request: ActorRequest) -> HttpResponseBase:
    if request.method == "POST" and request.GET.get("do") == MakeLinks.name:
        return link_list(request)
    submit = partial(submit_bulk, request.actor)
    return answer_bulk(request, USERS.name, back="domains:user-list", submit=submit, list_label=USERS.caption)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_create(request: ActorRequest) -> HttpResponse:
    """A new user; `?domain=` says in which domain, else the address does."""
    request.actor.require_somewhere(Right.MANAGE_USERS)
    within = request.GET.get("domain", "")
    domain = selectors.get_domain(request.actor, int(within), need=Right.MANAGE_USERS) if within.isdecimal() else None
    place = None if domain is None else ScopeRef(Level.DOMAIN, domain.pk)
    form = MailboxForm(request.POST or None, domain_name=domain.display_name if domain else "", within=place)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            return _create(request, domain, form.cleaned_data)
    return render_page(request, "domains/user_create.html", {"form": form, "domain": domain})


def _create(request: ActorRequest, domain: Domain | None, values: dict[str, Any]) -> HttpResponse:
    actor, way = request.actor, values["sign_in"]
    wanted = ("email", "name", "first_name", "last_name", "language", "status", "quota_bytes")
    with transaction.atomic():
        mailbox = create_mailbox(
            actor,
            domain or _domain_named(request, values["email"]),
            password=values["password"] if way == SignInWay.PASSWORD else None,
            **{name: values[name] for name in wanted},
        )
        if values["aliases"]:
            set_aliases(actor, mailbox, values["aliases"].replace(",", "\n").split())
        person = mailbox.user
        link = ""
        if way == SignInWay.LINK and person is not None and person.is_active and not person.has_usable_password():
            link = invite(actor, person)
    if link:
        return render_page(request, "domains/user_link.html", {"mailbox": mailbox, "link": link, "is_new": True})
    toast(request, _("%(address)s is made.") % {"address": mailbox.address})
    return redirect_page(request, "domains:user-detail", mailbox.pk)


def _domain_named(request: ActorRequest, email: str) -> Domain:
    name = email.rpartition("@")[2]
    domain = selectors.find_domain(request.actor, name, need=Right.MANAGE_USERS) if "@" in email else None
    if domain is None:
        unknown = _("%(domain)s is not a domain in which you can make users.") % {"domain": name}
        raise BadAddress(unknown if "@" in email else _("Write the whole address, name@example.org."), field="email")
    return domain


@require_safe
def user_detail(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id)
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "person": mailbox.user,
        "domain": mailbox.domain,
        "aliases": aliases_of(mailbox)[:6],
        "alias_count": aliases_of(mailbox).count(),
        "sender_verify": inheritance.value_of(mailbox.domain, "sender_verify"),
        "quota": quotas.of_mailbox(mailbox)["size"],
        "may": _rights(request, mailbox),
    }
    return render_page(request, "domains/user_detail.html", context)


def _rights(request: ActorRequest, mailbox: Mailbox) -> dict[str, bool]:
    """What the buttons of the page may offer; every page behind them asks again."""
    actor, person = request.actor, mailbox.user
    over = person is None or actor.dominates(person)
    return {
        "manage": over and actor.has(Right.MANAGE_USERS, mailbox),
        "password": over and person is not None and person.is_active and actor.has(Right.SET_PASSWORDS, mailbox),
        "purge": over and actor.has(Right.MANAGE_OPTIONS, mailbox.domain),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def user_edit(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    form = MailboxEditForm(request.POST or None, initial=_edit_values(mailbox))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        version = values.pop("version")
        values["sender_verify"] = {"": None}.get(values["sender_verify"], values["sender_verify"])
        with refusing(form):
            update_mailbox(request.actor, mailbox, values, expected=version)
            toast(request, _("%(address)s is saved.") % {"address": mailbox.address})
            return redirect_page(request, "domains:user-detail", mailbox.pk)
    context = {"form": form, "mailbox": mailbox, "object": mailbox_page(request, mailbox)}
    return render_page(request, "domains/user_edit.html", context)


def _edit_values(mailbox: Mailbox) -> dict[str, Any]:
    person = mailbox.user
    verify = {True: "yes", False: "no", None: ""}[mailbox.sender_verify]
    values: dict[str, Any] = {
        "sender_verify": verify, "transport": mailbox.transport, "version": mailbox.version, "name": mailbox.name,
    }  # fmt: skip
    if person is not None:
        for name in ("first_name", "last_name", "name", "language"):
            values[name] = getattr(person, name)
    return values


@require_safe
def user_groups(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """The groups, forwards and lists that lead to this mailbox."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id)
    found = selectors.groups_of(request.actor, mailbox)
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "groups": found[:500],
        "count": found.count(),
    }
    return render_page(request, "domains/user_groups.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def user_quota(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """What the mailbox may hold, which level says so, and how full it is; the mailbox's own are set here."""
    need = Right.MANAGE_QUOTAS if request.method == "POST" else Right.VIEW_USERS
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=need)
    names = ("quota_bytes", "quota_messages", "sieve_quota_bytes")
    shown = {name: getattr(mailbox, name) for name in names}
    form = QuotaForm(request.POST or None, initial={**shown, "version": mailbox.version})
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data.pop("version")
        with refusing(form):
            quotas.set_mailbox_quota(request.actor, mailbox, form.cleaned_data, expected=version)
            toast(request, _("The quotas of %(address)s are saved.") % {"address": mailbox.address})
            return redirect_page(request, "domains:user-quota", mailbox.pk)
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "lines": quota_lines(quotas.of_mailbox(mailbox)),
        "form": form if request.actor.has(Right.MANAGE_QUOTAS, mailbox) else None,
    }
    return render_page(request, "domains/user_quota.html", context)


@require_safe
def user_history(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.VIEW_AUDIT)
    events = selectors.history_of(request.actor, mailbox, mailbox.user)
    context = {"object": mailbox_page(request, mailbox), "mailbox": mailbox, "events": history_lines(events)}
    return render_page(request, "domains/user_history.html", context)


def _record_export(request: ActorRequest) -> None:
    with transaction.atomic():
        audit.record(request.actor, "mailbox.export", None, filter=request.GET.urlencode()[:500])
