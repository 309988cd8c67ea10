"""Allowed and blocked senders of the person who looks: their own, where their domain lets them."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import ActorRequest
from config.kit.list_fields import Main, State, Time
from config.kit.listing import Listing
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from domains.errors import Invalid
from domains.forms.rules import OwnSenderForm
from domains.models import SenderRule
from domains.policy.rules import RuleKind
from domains.selectors import mailbox_of
from domains.selectors import rules as selectors
from domains.services import rules
from domains.tables.rules import STATE, TYPE_TONES
from domains.views.frames import refusing
from domains.views.rules import EDIT

URL = "domains:own-sender-edit"
OWN: Listing[SenderRule] = Listing(
    "domains.own-senders",
    (
        Main("value", gettext_lazy("Sender"), url=URL, words=True, sort=True, mono=True, folded=True),
        State("type", gettext_lazy("What happens"), choices=SenderRule.Type.choices, tones=TYPE_TONES, filter=True),
        STATE,
        Time("until", gettext_lazy("Until"), path="expires_at"),
        Time("created", gettext_lazy("Made"), path="created_at", shown=False),
    ),
    sort="value",
    caption=gettext_lazy("Allowed and blocked senders"),
    first_step=Empty(
        gettext_lazy("Nobody is allowed or blocked yet"),
        gettext_lazy("Mail from blocked senders isn't delivered to you; mail from allowed ones isn't taken for spam."),
        icon="funnel",
    ),
)


@require_http_methods(EDIT)
def own_sender_list(request: ActorRequest) -> HttpResponseBase:
    user = request.actor.user
    mailbox = None if user is None else mailbox_of(user)
    may_change = mailbox is not None and rules.may_change(request.actor, RuleKind.SENDER, mailbox)
    form = OwnSenderForm(request.POST or None)
    if request.method == "POST":
        if mailbox is None:
            raise Http404("this person has no mailbox")
        rules.require_rules(request.actor, RuleKind.SENDER, mailbox)
        if form.is_valid():
            with refusing(form):
                rules.create_rule(request.actor, RuleKind.SENDER, mailbox, form.values())
                toast(request, _("The rule is made."))
                return redirect_page(request, "domains:own-sender-list")
        context = {"form": form, "has_mailbox": True, "may_change": may_change}
        context["list"] = OWN.page(request, selectors.list_own_rules(request.actor))
        return render_page(request, "domains/own_sender_list.html", context)
    context = {"form": form, "has_mailbox": mailbox is not None, "may_change": may_change}
    return OWN.answer(request, selectors.list_own_rules(request.actor), "domains/own_sender_list.html", context)


@require_http_methods(EDIT)
def own_sender_edit(request: ActorRequest, rule_id: int) -> HttpResponse:
    rule = selectors.get_own_rule(request.actor, rule_id)
    form = OwnSenderForm(request.POST or None, initial=OwnSenderForm.initial_of(rule))
    if request.method == "POST":
        rules.require_rules(request.actor, RuleKind.SENDER, rules.owner_of(rule))
        if form.is_valid():
            with refusing(form):
                _change(request, rule, form)
                toast(request, _("The rule is changed."))
                return redirect_page(request, "domains:own-sender-list")
    may_change = rules.may_change(request.actor, RuleKind.SENDER, rules.owner_of(rule))
    for field in form.fields.values():
        field.disabled = not may_change or rule.type == SenderRule.Type.PROTECTED
    context = {
        "form": form,
        "rule": rule,
        "may_change": may_change and rule.type != SenderRule.Type.PROTECTED,
        "danger": Danger(
            _("Delete this rule"),
            _("The rule about %(rule)s is forgotten.") % {"rule": rule},
            _("Delete rule"),
            reverse("domains:own-sender-delete", args=[rule.pk]),
        ),
    }
    return render_page(request, "domains/own_sender_edit.html", context)


@require_POST
def own_sender_delete(request: ActorRequest, rule_id: int) -> HttpResponse:
    rules.delete_rule(request.actor, selectors.get_own_rule(request.actor, rule_id))
    toast(request, _("The rule is deleted."))
    return redirect_page(request, "domains:own-sender-list")


def _change(request: ActorRequest, rule: SenderRule, form: OwnSenderForm) -> None:
    if rule.type == SenderRule.Type.PROTECTED:
        raise Invalid(_("Protected senders are changed by an administrator."))
    rules.update_rule(request.actor, rule, form.values(), expected=form.cleaned_data["version"])
