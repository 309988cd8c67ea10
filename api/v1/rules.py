"""Ordered rules of domains: attachments, web addresses, and what must not leave (DLP).

The three have the same operations; the first that matches decides, so each has a place (`priority`, 1 is first).
Expressions run in re2; a bad one is refused with the position of its error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment, UpperCase, left_out
from api.v1 import subjects
from domains.models import AttachmentRule, DlpRule, Domain, UriRule
from domains.policy.rules import RuleKind
from domains.selectors.rules import get_rule, list_rules
from domains.services import rule_lists, rules

NAMES = {"is_enabled": "enabled", "identifier": "ruleId"}
attachment_group = Group(
    "Attachment rules", "Deny or allow attachments by name or type, also in archives.", names=NAMES
)
uri_group = Group("URI rules", "How addresses of web pages in a mail count.", names=NAMES)
dlp_group = Group(
    "DLP rules", "What must not leave: expressions looked for in what a domain's people send.", names=NAMES
)

Mode = Annotated[Literal["REGEX", "WILDCARD", "TEXT", "DOMAIN"], UpperCase]
Expression = Annotated[str, Field(min_length=1, max_length=2_000)]
Description = Annotated[str, Field(max_length=1_000)]
Place = Annotated[int, Field(ge=1, le=100_000, description="1 comes first; without it the last.")]
AttachmentAction = Annotated[Literal["DENY", "ALLOW"], UpperCase]
CheckType = Annotated[Literal["FILENAME", "CONTENTTYPE", "ARCHIVE-FILENAME", "ARCHIVE-CONTENTTYPE"], UpperCase]
UriAction = Annotated[Literal["URIDNSBL_SKIP_DOMAIN", "WHITELIST_URI_HOST", "BLACKLIST_URI_HOST"], UpperCase]


class Common(Body):
    """What the kinds have in common."""

    priority: Place = left_out()
    mode: Annotated[Mode, Field(description="How the filter is read; REGEX without it, DOMAIN for URIs alone.")] = (
        left_out()
    )
    enabled: bool = left_out()


class AttachmentRuleChange(Common):
    """Fields left out stay."""

    action: AttachmentAction = left_out()
    check_type: CheckType = left_out()
    filter: Expression = left_out()
    description: Description | None = None


class AttachmentRuleAdd(AttachmentRuleChange):
    """What happens, what is looked at, and which expression."""

    action: AttachmentAction
    check_type: CheckType
    filter: Annotated[Expression, Field(examples=[r"\.xlsx$"])]


class UriRuleChange(Common):
    """Fields left out stay."""

    action: UriAction = left_out()
    filter: Expression = left_out()
    description: Description | None = None


class UriRuleAdd(UriRuleChange):
    """What happens, and which expression."""

    action: UriAction
    filter: Annotated[Expression, Field(examples=[r"shop\.example"])]


class DlpRuleChange(Common):
    """Fields left out stay."""

    rule_id: Annotated[str, Field(min_length=1, max_length=100)] = left_out()
    expression: Expression = left_out()
    case_sensitive: bool = left_out()
    explanation: Description | None = None
    targets_sender: bool = left_out()
    targets_recipients: bool = left_out()
    targets_content: bool = left_out()


class DlpRuleAdd(DlpRuleChange):
    """Your id of it, the expression, and where to look."""

    rule_id: Annotated[str, Field(min_length=1, max_length=100, examples=["iban"])]
    expression: Annotated[Expression, Field(examples=[r"\bDE\d{20}\b"])]


class Ordered(Answer):
    """What the kinds have in common."""

    id: int
    scope: Annotated[str, Field(description="The domain.")]
    domain_id: int
    priority: int
    mode: str
    enabled: bool
    created_date: Moment


class FilterAttachment(Ordered):
    """An attachment rule."""

    action: str
    check_type: str
    filter: str
    description: str | None


class FilterUri(Ordered):
    """A URI rule."""

    action: str
    filter: str
    description: str | None


class FilterDlp(Ordered):
    """A DLP rule."""

    rule_id: str
    expression: str
    case_sensitive: bool
    explanation: str | None
    targets_sender: bool
    targets_recipients: bool
    targets_content: bool


def _common(row: AttachmentRule | UriRule | DlpRule) -> dict[str, Any]:
    return {
        "id": row.pk,
        "scope": row.domain.name,
        "domain_id": row.domain_id,
        "priority": row.priority,
        "mode": row.mode.upper(),
        "enabled": row.is_enabled,
        "created_date": row.created_at,
    }


def present_attachment(row: AttachmentRule) -> FilterAttachment:
    return FilterAttachment(
        **_common(row),
        action=row.action.upper(),
        check_type=row.check_type.upper(),
        filter=row.filter,
        description=row.description or None,
    )


def present_uri(row: UriRule) -> FilterUri:
    return FilterUri(**_common(row), action=row.action.upper(), filter=row.filter, description=row.description or None)


def present_dlp(row: DlpRule) -> FilterDlp:
    return FilterDlp(
        **_common(row),
        rule_id=row.identifier,
        expression=row.expression,
        case_sensitive=row.case_sensitive,
        explanation=row.explanation or None,
        targets_sender=row.targets_sender,
        targets_recipients=row.targets_recipients,
        targets_content=row.targets_content,
    )


def _values(body: Common) -> dict[str, Any]:
    """What was sent, by the services' names; the place is another service's."""
    names = {"enabled": "is_enabled", "rule_id": "identifier"}
    given = {names.get(name, name): value for name, value in body.changes().items() if name != "priority"}
    lowered = {name: given[name].lower() for name in ("action", "check_type", "mode") if name in given}
    empty = {name: "" for name in ("description", "explanation") if name in given and given[name] is None}
    return given | lowered | empty


@dataclass(frozen=True)
class _Kind:
    """One kind of rules: its words, its schemas, and the right to change it."""

    group: Group
    kind: RuleKind
    right: Right
    path: str
    name: str
    what: str
    present: Callable[[Any], Any]
    answer: Any
    listing: Listing[Any]
    add: Any
    change: Any

    @property
    def everything(self) -> str:
        return f"/domains/{{int:domainId}}/filters/{self.path}"

    @property
    def one(self) -> str:
        return f"/filters/{self.path}/{{int:ruleId}}"

    def admit(self, need: Right) -> Callable[[Actor, int], Any]:
        def admitted(actor: Actor, rule_id: int) -> Any:
            return get_rule(actor, self.kind, rule_id, need=need)

        return admitted

    def named(self, function: Callable[..., Any], verb: str, text: str, **hints: Any) -> Callable[..., Any]:
        """The function with what its declaration is read from: name, documentation, schemas."""
        function.__name__ = f"{self.name}_{verb}"
        function.__doc__ = text
        function.__annotations__ |= {"return" if name == "answers" else name: hint for name, hint in hints.items()}
        return function


def _declare(kind: _Kind) -> None:
    """The operations of one kind."""
    _declare_domain_s(kind)
    _declare_one_s(kind)


def _declare_domain_s(kind: _Kind) -> None:
    """What is done with all rules of a domain."""
    add: Any = kind.add
    answer: Any = kind.answer

    def listed(actor: Actor, domain_id: int) -> QuerySet[Any]:
        domain = subjects.domain()(actor, domain_id)
        actor.require(Right.VIEW_POLICIES, domain)
        return list_rules(actor, kind.kind, domain=domain.pk)

    def created(actor: Actor, domain: Domain, body: Any) -> Any:
        place = body.priority if "priority" in body.model_fields_set else None
        made = rules.create_rule(actor, kind.kind, domain, _values(body), place=place)
        return Created(kind.present(made), f"/filters/{kind.path}/{made.pk}")

    def replaced(actor: Actor, domain: Domain, body: Any) -> Any:
        done = rule_lists.replace_rules(actor, kind.kind, domain, [_values(entry) for entry in body])
        return [kind.present(row) for row in done.rules]

    listing = kind.named(listed, "list", f"List a domain's {kind.what}s.")
    adding = kind.named(
        created, "create", f"Add a {kind.what} to a domain.\n\nAt its place, or last.",
        body=add, answers=Created[answer],
    )  # fmt: skip
    replacing = kind.named(
        replaced, "replace",
        f"Replace all {kind.what}s of a domain.\n\nIn this order. A rule that was there keeps its id.",
        body=list[add], answers=list[answer],
    )  # fmt: skip
    kind.group.list(kind.everything, kind.listing)(listing)
    kind.group.post(kind.everything, admit=subjects.domain(kind.right))(adding)
    kind.group.put(kind.everything, admit=subjects.domain(kind.right))(replacing)


def _declare_one_s(kind: _Kind) -> None:
    """What is done with one rule."""

    def detail(actor: Actor, rule: Any) -> Any:
        return kind.present(rule)

    def changed(actor: Actor, rule: Any, body: Any) -> None:
        values = _values(body)
        with transaction.atomic():
            if values:
                rules.update_rule(actor, rule, values)
            if "priority" in body.model_fields_set:
                rules.move_rule(actor, rule, body.priority)

    def deleted(actor: Actor, rule: Any) -> None:
        rules.delete_rule(actor, rule)

    moves = "`priority` moves it; those between move up or down by one."
    reading = kind.named(detail, "detail", f"Read a {kind.what}.", answers=kind.answer)
    changing = kind.named(changed, "change", f"Change some fields of a {kind.what}.\n\n{moves}", body=kind.change)
    deleting = kind.named(deleted, "delete", f"Delete a {kind.what}.")
    kind.group.get(kind.one, admit=kind.admit(Right.VIEW_POLICIES))(reading)
    kind.group.patch(kind.one, admit=kind.admit(kind.right))(changing)
    kind.group.delete(kind.one, admit=kind.admit(kind.right))(deleting)


def _each(present: Callable[[Any], Any]) -> Callable[[Actor, Sequence[Any]], list[Any]]:
    return lambda actor, rows: [present(row) for row in rows]


def _choices(kind: Any) -> dict[str, str]:
    return {str(value).upper(): str(value) for value in kind.values}


ATTACHMENTS = Listing(
    FilterAttachment,
    _each(present_attachment),
    sorts={"action": "action", "priority": "priority", "id": "pk", "checkType": "check_type", "filter": "filter"},
    default="action",
    filters={
        "action": filters.choice("action", "What happens.", _choices(AttachmentRule.Action)),
        "checkType": filters.choice("check_type", "What is looked at.", _choices(AttachmentRule.Check)),
    },
)
URIS = Listing(
    FilterUri,
    _each(present_uri),
    sorts={"action": "action", "priority": "priority", "id": "pk", "filter": "filter"},
    default="action",
    filters={"action": filters.choice("action", "What happens.", _choices(UriRule.Action))},
)
DLP = Listing(
    FilterDlp,
    _each(present_dlp),
    sorts={"priority": "priority", "id": "pk", "ruleId": "identifier"},
    default="priority",
    filters={"ruleId": filters.text("identifier", "Your id of it.")},
)

_declare(_Kind(
    attachment_group, RuleKind.ATTACHMENT, Right.MANAGE_FILTERS, "attachments", "attachment_rule",
    "rule for attachments", present_attachment, FilterAttachment, ATTACHMENTS, AttachmentRuleAdd, AttachmentRuleChange,
))  # fmt: skip
_declare(_Kind(
    uri_group, RuleKind.URI, Right.MANAGE_FILTERS, "uris", "uri_rule", "rule for web addresses",
    present_uri, FilterUri, URIS, UriRuleAdd, UriRuleChange,
))  # fmt: skip
_declare(_Kind(
    dlp_group, RuleKind.DLP, Right.MANAGE_DLP, "dlp", "dlp_rule", "DLP rule",
    present_dlp, FilterDlp, DLP, DlpRuleAdd, DlpRuleChange,
))  # fmt: skip
