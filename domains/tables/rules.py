"""Lists of filters: of a domain, of a mailbox, of everything somebody looks after; and what can be done to many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from config.kit import bulk
from config.kit.bulk import Action, Group, Outcome, Preview
from config.kit.list_fields import Choice, Field, Main, Number, State, Text, Time
from config.kit.listing import Listing
from config.kit.nav import Text as Label
from config.kit.tables import Empty
from config.kit.templatetags.kit import icon, number, state_html
from config.kit.versions import ChangedMeanwhile
from domains.errors import DomainsError
from domains.models import AttachmentRule, Domain, SenderRule, UriRule
from domains.models.policies import UriMode
from domains.policy.rules import RuleKind
from domains.selectors import rules as selectors
from domains.services import rule_lists, rules
from domains.services.rule_values import KINDS

ENABLED = (("enabled", gettext_lazy("Enabled")), ("disabled", gettext_lazy("Disabled")))
TYPE_TONES = {"block": "bad", "allow": "good", "protected": "held"}


class EnabledField(State):
    """Whether a rule speaks; the column is a boolean, and a sender rule may have expired."""

    def cell(self, record: Any) -> SafeString:
        if isinstance(record, SenderRule) and record.is_enabled and record.is_expired():
            return state_html("expired", _("Expired"), "none")
        key = "enabled" if record.is_enabled else "disabled"
        return state_html(key, self.value_label(key), "good" if record.is_enabled else "none")

    def compare(self, op: Any, value: Any) -> Q:
        super().compare(op, value)  # refuses what it doesn't know
        wanted = value.text.casefold()
        return Q(is_enabled=wanted in (ENABLED[0][0], str(ENABLED[0][1]).casefold()))


def url_of(rule: Any) -> str:
    for kind, model in selectors.MODELS.items():
        if isinstance(rule, model):
            return reverse("domains:rule-edit", args=[kind, rule.pk])
    return ""


def _moves(rule: Any) -> SafeString:
    """Two buttons of the form “rule-move” that stands beside the list."""
    up, down = _("Move %(rule)s up") % {"rule": rule}, _("Move %(rule)s down") % {"rule": rule}
    button = (
        '<button class="btn btn--quiet btn--icon btn--small above" form="rule-move" name="{}" value="{}"'
        ' aria-label="{}" title="{}">{}</button>'
    )
    return format_html(
        f"{button}{button}",
        "up", rule.pk, up, up, icon("arrow-up", 16),
        "down", rule.pk, down, down, icon("arrow-down", 16),
    )  # fmt: skip


def _targets(rule: Any) -> str:
    names = {"targets_content": _("Content"), "targets_sender": _("Sender"), "targets_recipients": _("Recipients")}
    return ", ".join(label for name, label in names.items() if getattr(rule, name))


STATE = EnabledField("state", gettext_lazy("State"), path="is_enabled", choices=ENABLED, filter=True)
_MODE = Choice("mode", gettext_lazy("Read as"), choices=UriMode.choices, filter=True, shown=False)
_DESCRIPTION = Text("description", gettext_lazy("Description"), words=True, long=True)
_CREATED = Time("created", gettext_lazy("Made"), path="created_at", shown=False)
_PLACE = Number("place", gettext_lazy("Place"), path="priority", sort=True)
_OWN: dict[RuleKind, tuple[Field, ...]] = {
    RuleKind.SENDER: (
        Main("value", gettext_lazy("Sender"), url=url_of, words=True, sort=True, mono=True, folded=True),
        State("type", gettext_lazy("What happens"), choices=SenderRule.Type.choices, tones=TYPE_TONES, filter=True),
        STATE,
        Time("until", gettext_lazy("Until"), path="expires_at"),
        _DESCRIPTION,
        _CREATED,
    ),
    RuleKind.ATTACHMENT: (
        Main("expression", gettext_lazy("Expression"), path="filter", url=url_of, words=True, mono=True),
        State(
            "action", gettext_lazy("What happens"), choices=AttachmentRule.Action.choices,
            tones={"deny": "bad", "allow": "good"}, filter=True,
        ),
        Choice("check", gettext_lazy("Looks at"), path="check_type", choices=AttachmentRule.Check.choices, filter=True),
        _MODE,
        STATE,
        _DESCRIPTION,
        _CREATED,
    ),
    RuleKind.URI: (
        Main("expression", gettext_lazy("Expression"), path="filter", url=url_of, words=True, mono=True),
        State(
            "action", gettext_lazy("What happens"), choices=UriRule.Action.choices, filter=True,
            tones={UriRule.Action.BLOCK: "bad", UriRule.Action.ALLOW: "good", UriRule.Action.SKIP: "none"},
        ),
        _MODE,
        STATE,
        _DESCRIPTION,
        _CREATED,
    ),
    RuleKind.DLP: (
        Main("id", gettext_lazy("Id"), path="identifier", url=url_of, words=True),
        Text("expression", gettext_lazy("Expression"), words=True, mono=True, long=True),
        Text("looks", gettext_lazy("Looks at"), show=_targets, export=_targets, search=False),
        STATE,
        Text("explanation", gettext_lazy("Explanation"), words=True, long=True),
        _MODE,
        _CREATED,
    ),
}  # fmt: skip
NOTHING: dict[RuleKind, Empty] = {
    RuleKind.SENDER: Empty(
        gettext_lazy("No senders are allowed, blocked or protected"),
        gettext_lazy("A rule says for an address or a domain that its mail is let through, kept out, or guarded."),
        icon="funnel",
    ),
    RuleKind.ATTACHMENT: Empty(
        gettext_lazy("No rules for attachments"),
        gettext_lazy("A rule denies or allows files by their name or type, also inside archives."),
        icon="funnel",
    ),
    RuleKind.URI: Empty(
        gettext_lazy("No rules for links"),
        gettext_lazy("A rule raises or lowers the spam score of mail that links to a host."),
        icon="funnel",
    ),
    RuleKind.DLP: Empty(
        gettext_lazy("No rules against leaks"),
        gettext_lazy("A rule holds what people of the domain send when it has something that must not leave."),
        icon="funnel",
    ),
}
CAPTIONS = {
    RuleKind.SENDER: gettext_lazy("Sender rules"),
    RuleKind.ATTACHMENT: gettext_lazy("Rules for attachments"),
    RuleKind.URI: gettext_lazy("Rules for links"),
    RuleKind.DLP: gettext_lazy("Rules against leaks"),
}
_WHOSE = (
    Text("domain", gettext_lazy("Domain"), path="domain__name", words=True),
    Text("mailbox", gettext_lazy("Mailbox"), path="mailbox__address"),
)


def _of_domain(kind: RuleKind) -> Listing[Any]:
    ordered, right = kind is not RuleKind.SENDER, KINDS[kind].right
    move = Text("move", gettext_lazy("Order"), show=_moves, search=False, css="cell-fit", right=right)
    fields = (*_OWN[kind], *((_PLACE, move) if ordered else ()))
    return Listing(
        f"domains.{kind}-rules",
        fields,
        sort="place" if ordered else "value",
        caption=CAPTIONS[kind],
        first_step=NOTHING[kind],
        exportable=False,
    )


def _of_all(kind: RuleKind) -> Listing[Any]:
    whose = _WHOSE if kind is RuleKind.SENDER else _WHOSE[:1]
    sort = "value" if kind is RuleKind.SENDER else "-pk"
    return Listing(
        f"domains.all-{kind}-rules", (*_OWN[kind], *whose), caption=CAPTIONS[kind], first_step=NOTHING[kind], sort=sort
    )


OF_DOMAIN: dict[RuleKind, Listing[Any]] = {kind: _of_domain(kind) for kind in RuleKind}
OF_ALL: dict[RuleKind, Listing[Any]] = {kind: _of_all(kind) for kind in RuleKind}
OF_MAILBOX: Listing[Any] = Listing(
    "domains.mailbox-sender-rules",
    _OWN[RuleKind.SENDER],
    sort="value",
    caption=CAPTIONS[RuleKind.SENDER],
    first_step=NOTHING[RuleKind.SENDER],
    exportable=False,
)


def _switch_title(wanted: bool, count: int) -> str:
    if wanted:
        return ngettext("Enable %(n)s rule", "Enable %(n)s rules", count) % {"n": number(count)}
    return ngettext("Disable %(n)s rule", "Disable %(n)s rules", count) % {"n": number(count)}


def _changeable(actor: Actor, rows: QuerySet[Any]) -> tuple[QuerySet[Any], list[Group]]:
    """Those that the actor may change, where they hold the right or the rules are their own; and how many aren't."""
    info = next(each for each in KINDS.values() if each.model is rows.model)
    reach = actor.reach(info.right)
    if reach.everything:
        return rows, []
    there = Q(domain__in=Domain.objects.visible_to(actor, info.right))
    if info.kind is RuleKind.SENDER:
        there |= Q(mailbox__user_id__in=reach.users)
        if actor.user is not None:
            there |= Q(mailbox__user=actor.user)
    mine = rows.filter(there)
    left = rows.count() - mine.count()
    return mine, [Group(left, _("you may not do this there"))] if left else []


class _Switch(Action):
    """Rules that speak from now on, or no more."""

    wanted: ClassVar[bool] = True
    needs: ClassVar[str | None] = Right.VIEW_POLICIES

    def preview(self, actor: Actor, rows: QuerySet[Any], values: Mapping[str, Any]) -> Preview:
        mine, refused = _changeable(actor, rows)
        will = mine.exclude(is_enabled=self.wanted).count()
        same = mine.count() - will
        refused += [Group(same, _("are so already"))] if same else []
        return Preview(will, _switch_title(self.wanted, will), refused=refused)

    def run(self, actor: Actor, rows: Sequence[Any], values: Mapping[str, Any]) -> Outcome:
        outcome = Outcome()
        for row in rows:
            if row.is_enabled == self.wanted:
                continue
            try:
                rules.set_rule_enabled(actor, row, enabled=self.wanted)
            except DomainsError as error:
                outcome.refuse(str(error))
            except ChangedMeanwhile:
                outcome.refuse(_("somebody else changed it meanwhile"))
            except Forbidden:
                outcome.refuse(_("you may not change it"))
            else:
                outcome.done += 1
        return outcome


class EnableRules(_Switch):
    name = "enable"
    label: Label = gettext_lazy("Enable")
    icon = "play"


class DisableRules(_Switch):
    name = "disable"
    label: Label = gettext_lazy("Disable")
    icon = "pause"
    wanted = False


class DeleteRules(Action):
    name = "delete"
    label: Label = gettext_lazy("Delete")
    icon = "trash"
    needs: ClassVar[str | None] = Right.VIEW_POLICIES
    destructive = True

    def preview(self, actor: Actor, rows: QuerySet[Any], values: Mapping[str, Any]) -> Preview:
        mine, refused = _changeable(actor, rows)
        count = mine.count()
        title = ngettext("Delete %(n)s rule", "Delete %(n)s rules", count) % {"n": number(count)}
        return Preview(count, title, refused=refused)

    def run(self, actor: Actor, rows: Sequence[Any], values: Mapping[str, Any]) -> Outcome:
        outcome = Outcome()
        owners: dict[tuple[str, int], list[Any]] = {}
        for row in rows:
            owner = rules.owner_of(row)
            owners.setdefault((type(owner).__name__, owner.pk), []).append(row)
        for group in owners.values():
            try:
                outcome.done += rule_lists.delete_rules(actor, group)
            except Forbidden:
                outcome.add(Outcome(0, {_("you may not change them"): len(group)}))
        return outcome


def register_bulk() -> None:
    """Offer these on every list of rules."""
    for kind in RuleKind:
        for listing in (OF_DOMAIN[kind], OF_ALL[kind]):
            bulk.register(listing, _source(kind), EnableRules(), DisableRules(), DeleteRules())
    bulk.register(OF_MAILBOX, _source(RuleKind.SENDER), EnableRules(), DisableRules(), DeleteRules())


def _source(kind: RuleKind) -> bulk.Source:
    def rows(actor: Actor, **scope: Any) -> QuerySet[Any]:
        return selectors.list_rules(actor, kind, **scope)

    return rows
