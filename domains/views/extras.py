"""A mailbox's absence note and facts; who else may use it; where else its mail is fetched from."""

from __future__ import annotations

from collections.abc import Callable

from django.forms import Form
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import LEVEL_LABELS, Level, Right
from accounts.requests import ActorRequest
from config.kit.net import Category
from config.kit.pages import redirect_page, render_page, toast
from domains.forms.extras import AbsenceForm, FactsForm, PreferencesForm, PullForm, RightsForm
from domains.models import Mailbox, RemotePull
from domains.selectors import get_mailbox
from domains.selectors.pulls import get_pull, list_pulls
from domains.services import account_rights, profiles, pulls
from domains.views.frames import mailbox_page, refusing


@require_safe
def user_profile(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id)
    profile = profiles.profile_of(mailbox)
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "profile": profile,
        "facts": list(profile.information.items()),
        "preferences": [
            (name, value, "" if level == Level.USER else LEVEL_LABELS[level])
            for name, value, level in profiles.effective_preferences(mailbox)
        ],
        "may_change": request.actor.has(Right.MANAGE_USERS, mailbox),
    }
    return render_page(request, "domains/user_profile.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def user_absence(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    form = AbsenceForm(request.POST or None, initial=AbsenceForm.initial_of(profiles.profile_of(mailbox)))
    return _answer(
        request, mailbox, form, _("Absence note"),
        lambda: profiles.set_absence(request.actor, mailbox, **form.cleaned_data),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def user_facts(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    profile = profiles.profile_of(mailbox)
    lines = "\n".join(f"{name}: {value}" for name, value in profile.information.items())
    form = FactsForm(request.POST or None, initial={"account_type": profile.account_type, "information": lines})

    def save() -> None:
        profiles.set_information(request.actor, mailbox, form.facts(profile.information))
        profiles.set_account_type(request.actor, mailbox, form.cleaned_data["account_type"])

    return _answer(request, mailbox, form, _("Information"), save)


@require_http_methods(["GET", "HEAD", "POST"])
def user_preferences(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """What programs remember for the person; the levels above say theirs in an option."""
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    present = profiles.profile_of(mailbox).preferences
    lines = "\n".join(f"{name}: {value}" for name, value in present.items())
    form = PreferencesForm(request.POST or None, initial={"preferences": lines})
    return _answer(
        request, mailbox, form, _("Preferences of programs"),
        lambda: profiles.set_preferences(request.actor, mailbox, form.changed_values(present)),
    )  # fmt: skip


@require_safe
def user_sharing(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id)
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "rights": list(account_rights.rights_of(mailbox).items()),
        "pulls": list_pulls(mailbox),
        "may_change": request.actor.has(Right.MANAGE_USERS, mailbox),
    }
    return render_page(request, "domains/user_sharing.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def user_rights(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    present = account_rights.rights_of(mailbox)
    lines = "\n".join(f"{name} {letters}" for name, letters in present.items())
    form = RightsForm(request.POST or None, initial={"rights": lines})
    return _answer(
        request, mailbox, form, _("Rights of others"),
        lambda: account_rights.set_rights(request.actor, mailbox, form.given()), back="domains:user-sharing",
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pull_create(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    form = PullForm(request.POST or None)
    return _answer(
        request, mailbox, form, _("Fetch from another account"),
        lambda: pulls.create_pull(request.actor, mailbox, form.values()), back="domains:user-sharing",
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pull_edit(request: ActorRequest, mailbox_id: int, pull_id: int) -> HttpResponse:
    mailbox, pull = _pull(request, mailbox_id, pull_id)
    shown = {name: getattr(pull, name) for name in PullForm.base_fields if name != "password"}
    form = PullForm(request.POST or None, initial=shown)
    return _answer(
        request, mailbox, form, str(pull),
        lambda: pulls.update_pull(request.actor, pull, form.values(), expected=form.cleaned_data["version"]),
        back="domains:user-sharing",
    )  # fmt: skip


@require_POST
def pull_try(request: ActorRequest, mailbox_id: int, pull_id: int) -> HttpResponse:
    mailbox, pull = _pull(request, mailbox_id, pull_id)
    failed = pulls.try_pull(request.actor, pull)
    if failed:
        toast(request, str(Category(failed).words), "error")
    else:
        toast(request, _("Signing in there works."))
    return redirect_page(request, "domains:user-sharing", mailbox.pk)


@require_POST
def pull_delete(request: ActorRequest, mailbox_id: int, pull_id: int) -> HttpResponse:
    mailbox, pull = _pull(request, mailbox_id, pull_id)
    pulls.delete_pull(request.actor, pull)
    toast(request, _("Mail is no more fetched from %(name)s.") % {"name": pull})
    return redirect_page(request, "domains:user-sharing", mailbox.pk)


def _pull(request: ActorRequest, mailbox_id: int, pull_id: int) -> tuple[Mailbox, RemotePull]:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    return mailbox, get_pull(mailbox, pull_id)


def _answer(
    request: ActorRequest,
    mailbox: Mailbox,
    form: Form,
    title: str,
    save: Callable[[], object],
    *,
    back: str = "domains:user-profile",
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            save()
            toast(request, _("%(what)s is saved.") % {"what": title})
            return redirect_page(request, back, mailbox.pk)
    context = {"form": form, "title": title, "mailbox": mailbox, "back": back}
    return render_page(request, "domains/user_extra.html", context)
