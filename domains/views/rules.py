"""Filters: those of a domain by kind, of a mailbox, of everything somebody looks after; making, changing, ordering."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.bulk_pages import answer_bulk
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.forms.rules import FORMS, LABELS
from domains.models import Mailbox
from domains.policy.rules import RuleKind
from domains.selectors import get_domain, get_mailbox
from domains.selectors import rules as selectors
from domains.services import rules
from domains.services.rule_values import KINDS, Owner, kind_of
from domains.tables.rules import OF_ALL, OF_DOMAIN, OF_MAILBOX
from domains.views.frames import domain_page, mailbox_page, refusing
from jobs.bulk import submit_bulk

EDIT = ["GET", "HEAD", "POST"]
FIELDS = {"priority": "place"}


@require_safe
def rule_list(request: ActorRequest, kind: RuleKind) -> HttpResponseBase:
    rows = selectors.list_rules(request.actor, kind)
    context = {"kinds": [(LABELS[each], reverse("domains:rule-list", args=[each]), each is kind) for each in RuleKind]}
    bulk_url = reverse("domains:rule-list-bulk", args=[kind])
    return OF_ALL[kind].answer(request, rows, "domains/rule_list.html", context, bulk_url=bulk_url)


@require_http_methods(EDIT)
def rule_list_bulk(request: ActorRequest, kind: RuleKind) -> HttpResponse:
    request.actor.require_somewhere(Right.VIEW_POLICIES)
    back = reverse("domains:rule-list", args=[kind])
    return answer_bulk(
        request, OF_ALL[kind].name, back=back, submit=partial(submit_bulk, request.actor), list_label=LABELS[kind]
    )


@require_safe
def domain_rules(request: ActorRequest, domain_id: int, kind: RuleKind) -> HttpResponseBase:
    domain = get_domain(request.actor, domain_id, need=Right.VIEW_POLICIES)
    may_change = request.actor.has(KINDS[kind].right, domain)
    context = {
        "object": domain_page(request, domain),
        "domain": domain,
        "kind": kind,
        "kinds": [
            (LABELS[each], reverse("domains:domain-rules", args=[domain.pk, each]), each is kind) for each in RuleKind
        ],
        "may_change": may_change,
    }
    rows = selectors.list_rules(request.actor, kind, domain=domain.pk)
    bulk_url = reverse("domains:rule-bulk", args=[domain.pk, kind]) if may_change else ""
    return OF_DOMAIN[kind].answer(request, rows, "domains/domain_rules.html", context, bulk_url=bulk_url)


@require_http_methods(EDIT)
def rule_bulk(request: ActorRequest, domain_id: int, kind: RuleKind) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=KINDS[kind].right)
    return answer_bulk(
        request,
        OF_DOMAIN[kind].name,
        back=reverse("domains:domain-rules", args=[domain.pk, kind]),
        submit=partial(submit_bulk, request.actor),
        scope={"domain": domain.pk},
        list_label=LABELS[kind],
    )


@require_http_methods(EDIT)
def rule_create(request: ActorRequest, domain_id: int, kind: RuleKind) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=KINDS[kind].right)
    return _create(request, kind, domain, reverse("domains:domain-rules", args=[domain.pk, kind]))


@require_http_methods(EDIT)
def rule_edit(request: ActorRequest, kind: RuleKind, rule_id: int) -> HttpResponse:
    rule = selectors.get_rule(request.actor, kind, rule_id)
    owner, back = rules.owner_of(rule), _back(rule)
    form = FORMS[kind](request.POST or None, initial=FORMS[kind].initial_of(rule))
    may_change = rules.may_change(request.actor, kind, owner)
    if request.method == "POST":
        rules.require_rules(request.actor, kind, owner)
        if form.is_valid():
            with refusing(form, FIELDS):
                expected = form.cleaned_data["version"]
                rules.update_rule(request.actor, rule, form.values(), place=form.wanted_place(), expected=expected)
                toast(request, _("The rule is changed."))
                return redirect_page(request, back)
    for field in form.fields.values():
        field.disabled = not may_change
    context = {
        "form": form,
        "rule": rule,
        "kind": kind,
        "back": back,
        "whose": owner,
        "may_change": may_change,
        "kind_label": LABELS[kind],
        "danger": Danger(
            _("Delete this rule"),
            _("The rule about %(rule)s is forgotten.") % {"rule": rule},
            _("Delete rule"),
            reverse("domains:rule-delete", args=[kind, rule.pk]),
        ),
    }
    return render_page(request, "domains/rule_edit.html", context)


@require_POST
def rule_delete(request: ActorRequest, kind: RuleKind, rule_id: int) -> HttpResponse:
    rule = selectors.get_rule(request.actor, kind, rule_id)
    back = _back(rule)
    rules.delete_rule(request.actor, rule)
    toast(request, _("The rule is deleted."))
    return redirect_page(request, back)


@require_POST
def rule_switch(request: ActorRequest, kind: RuleKind, rule_id: int) -> HttpResponse:
    rule = selectors.get_rule(request.actor, kind, rule_id)
    rules.set_rule_enabled(request.actor, rule, enabled=not rule.is_enabled)
    toast(request, _("The rule is enabled.") if rule.is_enabled else _("The rule is disabled."))
    return redirect_page(request, _back(rule))


@require_POST
def rule_move(request: ActorRequest, domain_id: int, kind: RuleKind) -> HttpResponse:
    """`up` or `down` names the rule that goes one place, or `rule` and `place` say which goes where."""
    domain = get_domain(request.actor, domain_id, need=KINDS[kind].right)
    key = next((request.POST[name] for name in ("up", "down", "rule") if name in request.POST), "")
    rows = selectors.list_rules(request.actor, kind, domain=domain.pk)
    rule = rows.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    if rule is None or not KINDS[kind].is_ordered:
        raise Http404("no such rule")
    wanted = request.POST.get("place", "")
    place = {"up": rule.priority - 1, "down": rule.priority + 1}.get(
        next(name for name in ("up", "down", "rule") if name in request.POST),
        int(wanted) if wanted.isdecimal() and len(wanted) < 8 else rule.priority,
    )
    rules.move_rule(request.actor, rule, max(place, 1))
    toast(request, _("%(rule)s stands at place %(place)d.") % {"rule": str(rule)[:80], "place": rule.priority})
    return redirect_page(request, reverse("domains:domain-rules", args=[domain.pk, kind]))


@require_safe
def user_senders(request: ActorRequest, mailbox_id: int) -> HttpResponseBase:
    mailbox = get_mailbox(request.actor, mailbox_id)
    request.actor.require(Right.VIEW_POLICIES, mailbox)
    may_change = request.actor.has(Right.MANAGE_FILTERS, mailbox)
    context = {"object": mailbox_page(request, mailbox), "mailbox": mailbox, "may_change": may_change}
    rows = selectors.list_rules(request.actor, RuleKind.SENDER, mailbox=mailbox.pk)
    bulk_url = reverse("domains:user-sender-bulk", args=[mailbox.pk]) if may_change else ""
    return OF_MAILBOX.answer(request, rows, "domains/user_senders.html", context, bulk_url=bulk_url)


@require_http_methods(EDIT)
def user_sender_create(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_FILTERS)
    return _create(request, RuleKind.SENDER, mailbox, reverse("domains:user-senders", args=[mailbox.pk]))


@require_http_methods(EDIT)
def user_sender_bulk(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_FILTERS)
    return answer_bulk(
        request,
        OF_MAILBOX.name,
        back=reverse("domains:user-senders", args=[mailbox.pk]),
        submit=partial(submit_bulk, request.actor),
        scope={"mailbox": mailbox.pk},
        list_label=OF_MAILBOX.caption,
    )


def _create(request: ActorRequest, kind: RuleKind, owner: Owner, back: str) -> HttpResponse:
    form = FORMS[kind](request.POST or None, initial=_asked(request, kind))
    if request.method == "POST" and form.is_valid():
        with refusing(form, FIELDS):
            rules.create_rule(request.actor, kind, owner, form.values(), place=form.wanted_place())
            toast(request, _("The rule is made."))
            return redirect_page(request, back)
    context = {"form": form, "back": back, "whose": owner, "kind_label": LABELS[kind]}
    return render_page(request, "domains/rule_create.html", context)


def _asked(request: ActorRequest, kind: RuleKind) -> dict[str, Any]:
    """What a link to the form already says: ?value=spam@example.org&type=block."""
    return {name: request.GET[name] for name in ("value", "type", "filter", "action") if name in request.GET}


def _back(rule: Any) -> str:
    owner = rules.owner_of(rule)
    if isinstance(owner, Mailbox):
        return reverse("domains:user-senders", args=[owner.pk])
    return reverse("domains:domain-rules", args=[owner.pk, kind_of(rule).kind])
