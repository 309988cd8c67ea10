"""Policies: all that somebody looks after, those of a domain, one of them, and what a mailbox has of its own."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.list_fields import Field, Main, Number, Text, YesNo
from config.kit.listing import Listing
from config.kit.objects import Danger, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from config.kit.templatetags.kit import number
from domains.errors import DomainsError
from domains.forms.policies import WORDS, OwnValuesForm, PolicyForm, field_name, in_groups, own_initial, shown
from domains.models import Policy
from domains.policy.policy import DEFAULTS, as_mapping, merge
from domains.selectors import get_domain, get_mailbox
from domains.selectors import rules as selectors
from domains.services import policies
from domains.views.frames import domain_page, mailbox_page, refusing

SERVICES = ("incoming", "outgoing", "quarantine", "retention", "archive")
EDIT = ["GET", "HEAD", "POST"]
FIELDS = {path: field_name(path) for path in DEFAULTS}


def _services(policy: Any) -> str:
    return ", ".join(str(WORDS[name].label) for name in SERVICES if getattr(policy, name))


_COLUMNS: tuple[Field, ...] = (
    Main("name", gettext_lazy("Name"), url="domains:policy-detail", words=True, sort=True),
    Text("services", gettext_lazy("Services"), show=_services, export=_services, search=False),
    YesNo("default", gettext_lazy("Of the domain"), path="is_default", search=False),
    Number("mailboxes", gettext_lazy("Mailboxes that have it"), path="used", search=False),
    Number("largest", gettext_lazy("Largest message, MB"), path="mail_size_limit_mb", shown=False),
)
_NONE = Empty(
    gettext_lazy("No policies yet"),
    gettext_lazy(
        "A policy says which services are on for mail, and with which values. Every domain comes with one of its own."
    ),
    icon="adjustments-horizontal",
    action="domains:domain-list",
    action_label=gettext_lazy("To the domains"),
    right=Right.VIEW_DOMAINS,
)
POLICIES: Listing[Policy] = Listing(
    "domains.policies",
    (*_COLUMNS, Text("domain", gettext_lazy("Domain"), path="domain__name", words=True)),
    sort="name",
    caption=gettext_lazy("Policies"),
    first_step=_NONE,
)
DOMAIN_POLICIES: Listing[Policy] = Listing(
    "domains.domain-policies", _COLUMNS, sort="name", caption=gettext_lazy("Policies"), first_step=_NONE
)


@require_safe
def policy_list(request: ActorRequest) -> HttpResponseBase:
    return POLICIES.answer(request, selectors.list_policies(request.actor), "domains/policy_list.html")


@require_safe
def domain_policies(request: ActorRequest, domain_id: int) -> HttpResponseBase:
    domain = get_domain(request.actor, domain_id, need=Right.VIEW_POLICIES)
    context = {
        "object": domain_page(request, domain),
        "domain": domain,
        "may_change": request.actor.has(Right.MANAGE_POLICIES, domain),
    }
    rows = selectors.list_policies(request.actor, domain=domain.pk)
    return DOMAIN_POLICIES.answer(request, rows, "domains/domain_policies.html", context)


@require_http_methods(EDIT)
def policy_create(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_POLICIES)
    form = PolicyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form, FIELDS):
            policy = policies.create_policy(request.actor, domain, form.values())
            toast(request, _("The policy %(name)s is made.") % {"name": policy})
            return redirect_page(request, "domains:policy-detail", policy.pk)
    return render_page(request, "domains/policy_create.html", {"form": form, "domain": domain})


@require_safe
def policy_detail(request: ActorRequest, policy_id: int) -> HttpResponse:
    policy = selectors.get_policy(request.actor, policy_id)
    values = policies.values_of(policy)
    used, is_default = policy.mailboxes.count(), policy.default_of.exists()
    context = {
        "policy": policy,
        "groups": [(heading, _lines(paths, values)) for _group, heading, paths in in_groups()],
        "used": used,
        "is_default": is_default,
        "may_change": request.actor.has(Right.MANAGE_POLICIES, policy),
        "api_path": f"/api/v1/policies/{policy.pk}",
        "in_the_way": _in_the_way(used, is_default=is_default),
        "danger": Danger(
            _("Delete this policy"),
            _("The policy %(name)s and its values are forgotten.") % {"name": policy},
            _("Delete policy"),
            reverse("domains:policy-delete", args=[policy.pk]),
        ),
    }
    return render_page(request, "domains/policy_detail.html", context)


@require_http_methods(EDIT)
def policy_edit(request: ActorRequest, policy_id: int) -> HttpResponse:
    policy = selectors.get_policy(request.actor, policy_id, need=Right.MANAGE_POLICIES)
    values = {field_name(path): value for path, value in policies.values_of(policy).items()}
    form = PolicyForm(request.POST or None, initial=values | {"version": policy.version})
    if request.method == "POST" and form.is_valid():
        with refusing(form, FIELDS):
            policies.update_policy(request.actor, policy, form.values(), expected=form.cleaned_data["version"])
            toast(request, _("The policy %(name)s is changed.") % {"name": policy})
            return redirect_page(request, "domains:policy-detail", policy.pk)
    return render_page(request, "domains/policy_edit.html", {"form": form, "policy": policy})


@require_POST
def policy_delete(request: ActorRequest, policy_id: int) -> HttpResponse:
    policy = selectors.get_policy(request.actor, policy_id, need=Right.MANAGE_POLICIES)
    try:
        policies.delete_policy(request.actor, policy)
    except DomainsError as error:
        toast(request, str(error), "error")
        return redirect_page(request, "domains:policy-detail", policy_id)
    toast(request, _("The policy is deleted."))
    return redirect_page(request, "domains:domain-policies", policy.domain_id)


@require_POST
def policy_default(request: ActorRequest, policy_id: int) -> HttpResponse:
    policy = selectors.get_policy(request.actor, policy_id, need=Right.MANAGE_POLICIES)
    policies.set_default_policy(request.actor, policy.domain, policy)
    toast(request, _("%(name)s is the policy of %(domain)s now.") % {"name": policy, "domain": policy.domain})
    return redirect_page(request, "domains:policy-detail", policy.pk)


@require_safe
def user_policy(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id)
    request.actor.require(Right.VIEW_POLICIES, mailbox)
    merged = policies.effective_policy(mailbox)
    values, row = as_mapping(merged.policy), policies.policy_of(mailbox)
    words = {"policy": str(row or ""), "domain": str(row or ""), "default": _("the usual values")}
    url = "" if row is None else reverse("domains:policy-detail", args=[row.pk])
    context = {
        "object": mailbox_page(request, mailbox),
        "mailbox": mailbox,
        "policy": row,
        "groups": [
            (
                heading,
                [
                    ShownValue(
                        WORDS[path].label,
                        shown(path, values[path]),
                        source=words.get(merged.sources[path], ""),
                        source_url=url if merged.sources[path] in ("policy", "domain") else "",
                    )
                    for path in paths
                ],
            )
            for _group, heading, paths in in_groups()
        ],
        "own": [
            ShownValue(WORDS[path].label, shown(path, value)) for path, value in sorted(mailbox.policy_values.items())
        ],
        "may_change": request.actor.has(Right.MANAGE_POLICIES, mailbox),
    }
    return render_page(request, "domains/user_policy.html", context)


@require_http_methods(EDIT)
def user_policy_edit(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_POLICIES)
    row = policies.policy_of(mailbox)
    below = as_mapping(merge([("policy", policies.values_of(row))]).policy)
    own = mailbox.domain.policies.all()
    default = mailbox.domain.default_policy
    choices = [("", _("The domain's: %(name)s") % {"name": default or _("the usual values")})]
    choices += [(str(each.pk), str(each)) for each in own]
    initial = own_initial(mailbox.policy_values) | {"policy": mailbox.policy_id or "", "version": mailbox.version}
    form = OwnValuesForm(request.POST or None, initial=initial, policies=choices, below=below)
    if request.method == "POST" and form.is_valid():
        key, expected = form.cleaned_data["policy"], form.cleaned_data["version"]
        with refusing(form, FIELDS):
            chosen = own.get(pk=key) if key else None
            policies.set_mailbox_choices(request.actor, mailbox, chosen, form.own_values(), expected=expected)
            toast(request, _("The policy of %(mailbox)s is changed.") % {"mailbox": mailbox})
            return redirect_page(request, "domains:user-policy", mailbox.pk)
    return render_page(request, "domains/user_policy_edit.html", {"form": form, "mailbox": mailbox})


def _lines(paths: list[str], values: dict[str, Any]) -> list[ShownValue]:
    return [ShownValue(WORDS[path].label, shown(path, values[path]), help=_usual(path, values[path])) for path in paths]


def _usual(path: str, value: Any) -> str:
    """What it usually is, where this is something else."""
    return "" if value == DEFAULTS[path] else _("usually: %(value)s") % {"value": shown(path, DEFAULTS[path])}


def _in_the_way(used: int, *, is_default: bool) -> list[str]:
    found = []
    if is_default:
        found.append(_("It is the domain's policy. Choose another for the domain first."))
    if used:
        said = ngettext(
            "%(count)s mailbox has it. Give it another first.",
            "%(count)s mailboxes have it. Give them another first.",
            used,
        )
        found.append(said % {"count": number(used)})
    return found
