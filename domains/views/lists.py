"""Mailing lists: all of them, one with its settings, its subscribers; for administrators and for owners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit import nav
from config.kit.list_fields import Choice, Main, Number, State, Text, Time
from config.kit.listing import Listing
from config.kit.objects import Danger, ObjectPage, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from config.kit.templatetags.kit import number, size_text
from domains.errors import DomainsError
from domains.forms.lists import ListForm, SubscriberForm, SubscribersForm
from domains.models import Domain, Mailbox, MailingList, Status, Subscriber
from domains.selectors import get_domain
from domains.selectors import lists as selectors
from domains.services import objects, recipients
from domains.services.lists import settings, subscribing
from domains.services.readdressing import rename_address
from domains.views.frames import domain_page, refusing

TONES = {"subscribed": "good", "unconfirmed": "busy", "waiting": "warn", "paused": "bad"}
_COLUMNS = (
    Main("address", gettext_lazy("Address"), path="address__text", url="domains:list-detail", words=True, folded=True),
    Text("name", gettext_lazy("Name"), path="address__name", words=True, long=True),
    Text("owner", gettext_lazy("Owner"), path="owner__address", folded=True),
    Choice("posting", gettext_lazy("Who may post"), choices=MailingList.Posting.choices, filter=True),
    Number("subscribers", gettext_lazy("Subscribers"), path="subscriber_count"),
)
_NONE = Empty(
    gettext_lazy("No mailing lists yet"),
    gettext_lazy(
        "People subscribe to a mailing list and get what is posted to its address. Lists are made in a domain."
    ),
    icon="megaphone",
)
_NONE_ANYWHERE = replace(
    _NONE, action="domains:domain-list", action_label=gettext_lazy("To the domains"), right=Right.MANAGE_LISTS
)
LISTS: Listing[MailingList] = Listing(
    "domains.lists", _COLUMNS, sort="-pk", caption=gettext_lazy("Mailing lists"), first_step=_NONE_ANYWHERE
)
DOMAIN_LISTS: Listing[MailingList] = replace(LISTS, first_step=_NONE)
SUBSCRIBERS: Listing[Subscriber] = Listing(
    "domains.subscribers",
    (
        Main("email", gettext_lazy("Address"), words=True, folded=True, sort=True),
        Text("name", gettext_lazy("Name"), words=True, long=True),
        State("state", gettext_lazy("State"), choices=Subscriber.State.choices, tones=TONES, filter=True),
        Choice("mode", gettext_lazy("Gets"), choices=Subscriber.Mode.choices, filter=True),
        Choice("posting", gettext_lazy("Posts"), choices=Subscriber.Posting.choices),
        Number("bounces", gettext_lazy("Bounces")),
        Time("since", gettext_lazy("Since"), path="subscribed_at"),
    ),
    sort="email",
    caption=gettext_lazy("Subscribers"),
    first_step=Empty(gettext_lazy("Nobody is on this list yet"), icon="users"),
)


@require_safe
def list_list(request: ActorRequest) -> HttpResponseBase:
    return LISTS.answer(request, selectors.list_lists(request.actor), "domains/list_list.html")


@require_safe
def own_lists(request: ActorRequest) -> HttpResponseBase:
    return LISTS.answer(request, selectors.list_own_lists(request.actor), "domains/own_lists.html")


@require_safe
def domain_lists(request: ActorRequest, domain_id: int) -> HttpResponseBase:
    domain = get_domain(request.actor, domain_id, need=Right.VIEW_USERS)
    rows = selectors.list_lists(request.actor).filter(address__domain=domain)
    may_add = request.actor.has(Right.MANAGE_LISTS, domain)
    context = {"object": domain_page(request, domain), "domain": domain, "may_add": may_add}
    return DOMAIN_LISTS.answer(request, rows, "domains/domain_lists.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def list_create(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_LISTS)
    form = ListForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        owner = _owner(domain, form)
        with refusing(form, {"max_message_bytes": "max_message_mib"}):
            if owner is not None:
                email = form.cleaned_data["email"]
                found = settings.create_list(request.actor, domain, email=email, owner=owner, **form.values())
                toast(request, _("The list %(address)s is made.") % {"address": found})
                return redirect_page(request, "domains:list-detail", found.pk)
    return render_page(request, "domains/list_create.html", {"form": form, "domain": domain})


@require_safe
def list_detail(request: ActorRequest, list_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id)
    may_change = _may_change(request, found)
    context = {"object": list_frame(request, found), "list": found, "values": _values(found), "may_change": may_change}
    if request.actor.has(Right.MANAGE_LISTS, found):
        context["danger"] = Danger(
            _("Delete this list"),
            _("The list %(address)s is deleted at once, and its address is free.") % {"address": found},
            _("Delete list"),
            reverse("domains:list-delete", args=[found.pk]),
            typed=found.address.text,
            numbers=[
                (
                    found.subscriber_count,
                    ngettext("subscription ends", "subscriptions end", found.subscriber_count),
                )
            ],
        )
    return render_page(request, "domains/list_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def list_edit(request: ActorRequest, list_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id)
    settings.require_managing(request.actor, found)
    form = ListForm(request.POST or None, initial=ListForm.initial_of(found))
    if request.actor.has(Right.MANAGE_LISTS, found):
        form.fields["email"].required = False  # empty: as it is
    else:  # its owner
        del form.fields["email"]
    if request.method == "POST" and form.is_valid():
        owner = _owner(found.address.domain, form)
        with refusing(form, {"max_message_bytes": "max_message_mib"}):
            if owner is not None:
                _save(request, found, form, owner)
                toast(request, _("The list %(address)s is changed.") % {"address": found})
                return redirect_page(request, "domains:list-detail", found.pk)
    return render_page(request, "domains/list_edit.html", {"form": form, "list": found})


def _save(request: ActorRequest, found: MailingList, form: ListForm, owner: Mailbox) -> None:
    """Settings and address, all or nothing."""
    email = form.cleaned_data.get("email") or found.address.text
    with transaction.atomic():
        values = form.values() | {"owner": owner}
        settings.update_list(request.actor, found, values, expected=form.cleaned_data["version"])
        if email not in (found.address.text, found.address.local):
            rename_address(request.actor, found.address, email=email)


@require_POST
def list_delete(request: ActorRequest, list_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id, need=Right.MANAGE_LISTS)
    domain_id, address = found.address.domain_id, str(found)
    objects.delete_address(request.actor, found.address)
    toast(request, _("The list %(address)s is deleted.") % {"address": address})
    return redirect_page(request, "domains:domain-lists", domain_id)


@require_POST
def list_switch(request: ActorRequest, list_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id, need=Right.MANAGE_LISTS)
    objects.set_enabled(request.actor, found.address, enabled=not found.address.is_enabled)
    said = _("The list takes mail again.") if found.address.is_enabled else _("The list takes no mail.")
    toast(request, said)
    return redirect_page(request, "domains:list-detail", found.pk)


@require_safe
def list_subscribers(request: ActorRequest, list_id: int) -> HttpResponseBase:
    found = selectors.get_list(request.actor, list_id)
    context = {"object": list_frame(request, found), "mailing_list": found, "may_change": _may_change(request, found)}
    rows = selectors.list_subscribers(request.actor, found)
    listing = SUBSCRIBERS
    return listing.answer(request, rows, "domains/list_subscribers.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def subscribers_add(request: ActorRequest, list_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id)
    settings.require_managing(request.actor, found)
    form = SubscribersForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            entries = recipients.split_paste(form.cleaned_data["subscribers"])
            added = subscribing.add_subscribers(request.actor, found, entries, mode=form.cleaned_data["mode"])
            count = len(added)
            toast(
                request,
                ngettext("%(count)s subscriber is new.", "%(count)s subscribers are new.", count)
                % {"count": number(count)},
            )
            return redirect_page(request, "domains:list-subscribers", found.pk)
    return render_page(request, "domains/subscribers_add.html", {"form": form, "mailing_list": found})


@require_http_methods(["GET", "HEAD", "POST"])
def subscriber_detail(request: ActorRequest, list_id: int, subscriber_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id)
    subscriber = selectors.get_subscriber(request.actor, found, subscriber_id)
    if request.method == "POST":
        settings.require_managing(request.actor, found)
    initial = {name: getattr(subscriber, name) for name in ("mode", "posting", "moderate_next")}
    form = SubscriberForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        subscribing.set_mode(request.actor, subscriber, data["mode"])
        subscribing.set_posting(request.actor, subscriber, data["posting"], moderate_next=data["moderate_next"])
        toast(request, _("%(email)s is saved.") % {"email": subscriber.email})
        return redirect_page(request, "domains:list-subscribers", found.pk)
    context = {"form": form, "mailing_list": found, "subscriber": subscriber, "may_change": _may_change(request, found)}
    return render_page(request, "domains/subscriber_detail.html", context)


@require_POST
def subscriber_accept(request: ActorRequest, list_id: int, subscriber_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id)
    settings.require_managing(request.actor, found)
    subscriber = selectors.get_subscriber(request.actor, found, subscriber_id)
    try:
        subscribing.accept(request.actor, subscriber)
        toast(request, _("%(email)s is on the list.") % {"email": subscriber.email})
    except DomainsError as error:
        toast(request, str(error), "error")
    return redirect_page(request, "domains:list-subscribers", found.pk)


@require_POST
def subscriber_remove(request: ActorRequest, list_id: int, subscriber_id: int) -> HttpResponse:
    found = selectors.get_list(request.actor, list_id)
    settings.require_managing(request.actor, found)
    subscriber = selectors.get_subscriber(request.actor, found, subscriber_id)
    subscribing.leave(request.actor, subscriber)
    toast(request, _("%(email)s is off the list.") % {"email": subscriber.email})
    return redirect_page(request, "domains:list-subscribers", found.pk)


def _may_change(request: ActorRequest, found: MailingList) -> bool:
    return settings.is_owner(request.actor, found) or request.actor.has(Right.MANAGE_LISTS, found)


def _owner(domain: Domain, form: ListForm) -> Mailbox | None:
    """The mailbox somebody typed, of this domain; else the form says so."""
    text = form.cleaned_data["owner"].strip().lower()
    address = text if "@" in text else f"{text}@{domain.name}"
    found = Mailbox.objects.filter(domain=domain, address=address).exclude(status=Status.PURGED).first()
    if found is None:
        form.add_error("owner", _("There is no such mailbox in this domain."))
    return found


def list_frame(request: ActorRequest, found: MailingList) -> ObjectPage:
    """The frame of every page of a list."""
    count = found.subscriber_count
    subscribers = ngettext("%(count)s subscriber", "%(count)s subscribers", count) % {"count": number(count)}
    enabled = found.address.is_enabled
    listed = request.actor.has_somewhere(Right.VIEW_USERS)
    url = nav.address("domains:list-list" if listed else "domains:own-lists")
    return ObjectPage.of(
        request,
        "list",
        found,
        name=found.address.text,
        state="enabled" if enabled else "disabled",
        state_label=_("Enabled") if enabled else _("Disabled"),
        tone="good" if enabled else "none",
        facts=[found.address.name, subscribers] if found.address.name else [subscribers],
        crumbs=[(_("Mailing lists"), url)],
        edit_url=reverse("domains:list-edit", args=[found.pk]) if _may_change(request, found) else "",
    )


def _values(found: MailingList) -> list[ShownValue]:
    size: Any = found.max_message_bytes
    return [
        ShownValue(_("Owner"), found.owner.address, css="mono"),
        ShownValue(_("Description"), found.address.description),
        ShownValue(_("Who may subscribe"), found.get_subscribing_display()),
        ShownValue(_("Who may post"), found.get_posting_display()),
        ShownValue(_("First messages of everybody that wait for the owner"), found.first_moderated),
        ShownValue(_("Answers go to"), found.get_reply_to_display()),
        ShownValue(_("Prefix of the subject"), found.subject_prefix),
        ShownValue(_("Text above"), found.header),
        ShownValue(_("Text below"), found.footer),
        ShownValue(_("Largest message"), _("Unlimited") if size is None else size_text(size)),
        ShownValue(_("Bounces before a pause"), found.bounces_allowed or _("Never")),
        ShownValue(_("Confirm within"), _("%(count)s hours") % {"count": number(found.confirm_hours)}),
    ]
