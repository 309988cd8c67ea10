"""The addresses of a user: aliases, forwarding, and another address."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from domains import selectors
from domains.forms.mailboxes import AliasForm, ForwardingForm, RenameForm
from domains.models import Mailbox
from domains.services.aliases import add_alias, aliases_of, remove_alias
from domains.services.forwards import set_forwarding
from domains.services.readdressing import rename_mailbox
from domains.services.recipients import split_paste
from domains.views.expansion import warn_of_loop
from domains.views.frames import mailbox_page, refusing


@require_safe
def user_addresses(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id)
    return _show(request, mailbox)


def _show(request: ActorRequest, mailbox: Mailbox, **forms: Any) -> HttpResponse:
    """The tab; a form that was refused is given and shown with its errors."""
    claim, actor = mailbox.claim, request.actor
    targets = [] if claim is None else list(selectors.list_recipients(claim).values_list("email", flat=True)[:1000])
    over = mailbox.user is None or actor.dominates(mailbox.user)
    initial = {
        "targets": "\n".join(targets), "keep_copy": claim.keep_copy if claim else True, "version": mailbox.version,
    }  # fmt: skip
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "aliases": aliases_of(mailbox),
        "targets": targets,
        "keeps": initial["keep_copy"],
        "may_addresses": actor.has(Right.MANAGE_ADDRESSES, mailbox),
        "may_forward": over and actor.has(Right.MANAGE_ADDRESSES, mailbox),
        "may_rename": over and actor.has(Right.MANAGE_USERS, mailbox),
        "alias_form": AliasForm(),
        "forwarding_form": ForwardingForm(initial=initial),
        **forms,
    }
    return render_page(request, "domains/user_addresses.html", context, status=422 if forms else 200)


@require_POST
def user_alias_add(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_ADDRESSES)
    form = AliasForm(request.POST)
    if form.is_valid():
        with refusing(form):
            alias = add_alias(request.actor, mailbox, email=form.cleaned_data["email"])
            toast(request, _("Mail for %(alias)s comes to this mailbox too.") % {"alias": alias.text})
            return redirect_page(request, "domains:user-addresses", mailbox.pk)
    return _show(request, mailbox, alias_form=form)


@require_POST
def user_alias_remove(request: ActorRequest, mailbox_id: int, alias_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_ADDRESSES)
    alias = get_object_or_404(aliases_of(mailbox), pk=alias_id)
    remove_alias(request.actor, alias)
    toast(request, _("%(alias)s is free again.") % {"alias": alias.text})
    return redirect_page(request, "domains:user-addresses", mailbox.pk)


@require_POST
def user_forwarding(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_ADDRESSES)
    form = ForwardingForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        targets = list(split_paste(values["targets"]))
        with refusing(form):
            set_forwarding(request.actor, mailbox, targets, keep_copy=values["keep_copy"], expected=values["version"])
            toast(request, _forwarding_text(mailbox, len(targets)))
            if mailbox.claim is not None:
                warn_of_loop(request, mailbox.claim)
            return redirect_page(request, "domains:user-addresses", mailbox.pk)
    return _show(request, mailbox, forwarding_form=form)


def _forwarding_text(mailbox: Mailbox, count: int) -> str:
    if not count:
        return _("%(address)s forwards nothing any more.") % {"address": mailbox.address}
    text = ngettext("%(address)s forwards to %(count)s address.", "%(address)s forwards to %(count)s addresses.", count)
    return text % {"address": mailbox.address, "count": count}


@require_http_methods(["GET", "HEAD", "POST"])
def user_rename(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Another address, also in another domain of the customer."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    form = RenameForm(request.POST or None, initial={"email": mailbox.address, "version": mailbox.version})
    if request.method == "POST" and form.is_valid():
        values, old = form.cleaned_data, mailbox.address
        with refusing(form):
            rename_mailbox(
                request.actor,
                mailbox,
                email=values["email"],
                keep_alias=values["keep_alias"],
                expected=values["version"],
            )
            toast(request, _("%(old)s is %(new)s now.") % {"old": old, "new": mailbox.address})
            return redirect_page(request, "domains:user-detail", mailbox.pk)
    uses = None if mailbox.claim is None else selectors.uses_of(request.actor, mailbox.claim)
    context = {"object": mailbox_page(request, mailbox), "mailbox": mailbox, "form": form, "uses": uses}
    return render_page(request, "domains/user_rename.html", context)
