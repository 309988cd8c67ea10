"""Retention, compliance and deletion: how long mail is kept, and what was let go. Not for holds (`holds`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Group, holding
from api.schemas import Answer, Body, Moment
from archive.keeping import exchange
from archive.keeping.wording import shortening_lines
from archive.keeping_selectors import message_dates
from archive.models import DeletionCertificate
from archive.services import compliance, deleting, retention_policies, retention_preview

group = Group(
    "Retention",
    "How long archived mail is kept, and what was deleted. What lets mail go earlier takes two people: 409 says so, "
    "and `POST /approvals` asks for it.",
)

Activity = Annotated[str, Field(min_length=1, max_length=60)]
Archives = list[Annotated[str, Field(min_length=1, max_length=320)]]
manages_retention = holding(Right.MANAGE_RETENTION)


class SearchCriteria(Answer):
    """Which messages. Texts are in the language of the search box; null is anything."""

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    query: str | None
    query_attachment_contents: bool
    query_attachments: bool
    query_message_body: bool
    query_subject: bool
    included_archives: list[str] | None
    excluded_archives: list[str] | None


class RetentionPolicyAnswer(Answer):
    """One retention policy. The first that fits a message decides about it."""

    name: str
    order: int
    enabled: bool
    locked: Annotated[bool, Field(description="Nobody can shorten, weaken, unlock or remove it.")]
    search_criteria: SearchCriteria
    period: int
    period_interval: Literal["day", "week", "month", "year"]
    reference_date_type: Literal["ArchiveDate", "MessageDate"]
    delete: Annotated[bool, Field(description="Whether messages go by themselves when the period is over.")]


class CriteriaBody(Body):
    """Which messages; null is anything."""

    from_: Annotated[str | None, Field(alias="from", max_length=1000)] = None
    to: Annotated[str | None, Field(max_length=1000)] = None
    query: Annotated[str | None, Field(max_length=4000)] = None
    query_attachment_contents: bool = False
    query_attachments: bool = False
    query_message_body: bool = False
    query_subject: bool = False
    included_archives: Archives | None = None
    excluded_archives: Archives | None = None


class PolicyBody(Body):
    """One policy; a name that is there already changes that one."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Keep all mail for 10 years"])]
    enabled: bool = True
    locked: Annotated[bool, Field(description="For ever.")] = False
    search_criteria: CriteriaBody = Field(default_factory=CriteriaBody)
    period: Annotated[int, Field(ge=1, le=36_500, examples=[10])]
    period_interval: Literal["day", "week", "month", "year"] = "year"
    reference_date_type: Literal["ArchiveDate", "MessageDate"] = "ArchiveDate"
    delete: bool = False


Policies = Annotated[list[PolicyBody], Field(max_length=retention_policies.MOST)]


class Numbered(Answer):
    """How many, of what."""

    name: str
    count: int


class PreviewAnswer(Answer):
    """What other policies would mean; nothing changes."""

    messages: int
    earlier: Annotated[int, Field(description="They may go earlier than now.")]
    later: Annotated[int, Field(description="They are kept longer than now.")]
    due: Annotated[int, Field(description="They fall due at once.")]
    held: Annotated[int, Field(description="Of these, so many stay by a hold.")]
    by_month: list[Numbered]
    by_mailbox: list[Numbered]
    by_hold: list[Numbered]
    shortens: Annotated[list[str], Field(description="What takes two people; empty where it only extends.")]
    stores_behind: list[str]
    stores_silent: list[str]


class ComplianceAnswer(Answer):
    """What the organisation has set."""

    admin_email_preview_enabled: bool
    legal_hold_enabled: Annotated[bool, Field(description="Nothing at all is deleted.")]
    password_policy_enabled: bool
    log_successful_user_activities: list[str]


class ComplianceBody(Body):
    """What to set; all of it."""

    admin_email_preview_enabled: bool
    legal_hold_enabled: bool
    password_policy_enabled: bool
    log_successful_user_activities: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=60)]], Field(max_length=200)
    ]


class CertificateAnswer(Answer):
    """What a run deleted for good. The document itself is on the page of retention."""

    id: int
    store: str
    by: str
    started_at: Moment
    ended_at: Moment | None
    first_record: int
    last_record: int
    messages: int
    size_bytes: int
    sha256: Annotated[str, Field(description="Of the document.")]


class MailboxDatesAnswer(Answer):
    """What the policies say of a message in one archive."""

    mailbox: str
    policy: Annotated[str | None, Field(description="The one that decides there; null: none fits.")]
    minimum_date: date | None
    maximum_date: date | None


class MessageDatesAnswer(Answer):
    """From when a message may be deleted, when it goes by itself, and what says so."""

    minimum_date: Annotated[date | None, Field(description="The first day on which it may go; null: at any time.")]
    minimum_policy: str | None
    maximum_date: Annotated[date | None, Field(description="The day on which it goes by itself; null: never.")]
    maximum_policy: str | None
    archives: list[MailboxDatesAnswer]
    other_policies: Annotated[list[str], Field(description="They fit too, and stand further back.")]
    is_held: bool
    holds: Annotated[list[str], Field(description="Their names, for who may place holds.")]
    reasons: Annotated[list[str], Field(description="Why it stays now; empty: it may be deleted.")]


class Deletion(Body):
    """Why."""

    reason: Annotated[str, Field(min_length=3, max_length=500)]


def numbered(pairs: Sequence[tuple[str, int]]) -> list[Numbered]:
    """Counts by name, as answers show them."""
    return [Numbered(name=name, count=count) for name, count in pairs]


def _policies() -> list[RetentionPolicyAnswer]:
    found = []
    for row in retention_policies.list_policies():
        shown = exchange.policy_as_json(retention_policies.as_values(row))
        criteria = shown["searchCriteria"]
        found.append(
            RetentionPolicyAnswer(
                name=row.name,
                order=row.position,
                enabled=row.enabled,
                locked=row.locked,
                search_criteria=SearchCriteria(
                    from_=criteria["from"],
                    to=criteria["to"],
                    query=criteria["query"],
                    query_attachment_contents=row.in_attachment_contents,
                    query_attachments=row.in_attachments,
                    query_message_body=row.in_body,
                    query_subject=row.in_subject,
                    included_archives=criteria["includedArchives"],
                    excluded_archives=criteria["excludedArchives"],
                ),
                period=row.period,
                period_interval=shown["periodInterval"],
                reference_date_type=shown["referenceDateType"],
                delete=row.deletes,
            )
        )
    return found


def _values(body: Sequence[PolicyBody]) -> list[dict[str, Any]]:
    """The services' values. Raises: BadPolicy."""
    config = []
    for at, policy in enumerate(body):
        criteria = policy.search_criteria
        config.append(
            {
                "name": policy.name,
                "order": at + 1,
                "enabled": policy.enabled,
                "searchCriteria": {
                    "from": criteria.from_,
                    "to": criteria.to,
                    "query": criteria.query,
                    "queryAttachmentContents": criteria.query_attachment_contents,
                    "queryAttachments": criteria.query_attachments,
                    "queryMessageBody": criteria.query_message_body,
                    "querySubject": criteria.query_subject,
                    "includedArchives": criteria.included_archives,
                    "excludedArchives": criteria.excluded_archives,
                },
                "period": policy.period,
                "periodInterval": policy.period_interval,
                "referenceDateType": policy.reference_date_type,
                "delete": policy.delete,
            }
        )
    return retention_policies.read_policies(config, [policy.name for policy in body if policy.locked])


@group.get("/retention/policies", admit=manages_retention)
def retention_policy_list(actor: Actor) -> list[RetentionPolicyAnswer]:
    """List the retention policies, in their order."""
    return _policies()


@group.put("/retention/policies", admit=manages_retention)
def retention_policy_set(actor: Actor, body: Policies) -> list[RetentionPolicyAnswer]:
    """Set the retention policies, all of them in this order.

    What only extends is done. What lets any message go earlier takes two people (409); a locked policy is weakened by
    nobody (422). From when each message may go is then worked out again, as a task.
    """
    retention_policies.set_policies(actor, _values(body))
    return _policies()


@group.post("/retention/preview", admit=manages_retention, reads=True, status=200)
def retention_preview_ask(actor: Actor, body: Policies) -> PreviewAnswer:
    """What would other retention policies mean?

    In numbers, from the catalogues and the search indexes; nothing changes.
    """
    new = retention_policies.check(_values(body))
    weaker = retention_policies.weakenings(new)
    found = retention_preview.preview(new)
    return PreviewAnswer(
        messages=found.messages,
        earlier=found.earlier,
        later=found.later,
        due=found.due,
        held=found.held,
        by_month=numbered(found.by_month),
        by_mailbox=numbered(found.by_mailbox),
        by_hold=numbered(found.by_hold),
        shortens=shortening_lines(weaker),
        stores_behind=found.behind,
        stores_silent=found.silent,
    )


def _compliance(actor: Actor) -> ComplianceAnswer:
    row = compliance.get_compliance(actor)
    return ComplianceAnswer(
        admin_email_preview_enabled=row.admin_email_preview,
        legal_hold_enabled=row.legal_hold,
        password_policy_enabled=row.password_policy,
        log_successful_user_activities=row.logged_activities,
    )


@group.get("/retention/compliance", admit=manages_retention)
def compliance_detail(actor: Actor) -> ComplianceAnswer:
    """Read the compliance settings."""
    return _compliance(actor)


@group.put("/retention/compliance", admit=manages_retention)
def compliance_set(actor: Actor, body: ComplianceBody) -> ComplianceAnswer:
    """Set the compliance settings.

    Ending the hold on everything takes two people (409).
    """
    compliance.set_compliance(
        actor,
        {
            "admin_email_preview": body.admin_email_preview_enabled,
            "legal_hold": body.legal_hold_enabled,
            "password_policy": body.password_policy_enabled,
            "logged_activities": sorted(set(body.log_successful_user_activities)),
        },
    )
    return _compliance(actor)


def _certificate(row: DeletionCertificate) -> CertificateAnswer:
    return CertificateAnswer(
        id=row.pk,
        store=row.store_name,
        by=row.by_label,
        started_at=row.started_at,
        ended_at=row.ended_at,
        first_record=row.first_record,
        last_record=row.last_record,
        messages=row.messages,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
    )


CERTIFICATES = Listing(
    CertificateAnswer,
    lambda actor, rows: [_certificate(row) for row in rows],
    sorts={"id": "pk"},
    default="-id",
    filters={"store": filters.text("store_name", "The store's name.")},
)


@group.list("/retention/certificates", CERTIFICATES)
def certificate_list(actor: Actor) -> QuerySet[DeletionCertificate]:
    """List the certificates of what retention deleted, the newest first."""
    actor.require(Right.MANAGE_RETENTION)
    return DeletionCertificate.objects.all()


@group.get("/messages/{messageId}/retention", admit=manages_retention)
def message_dates_read(actor: Actor, message_id: str) -> MessageDatesAnswer:
    """How long is a message kept, and what says so?

    Of a message in several archives the longest counts.
    """
    store, row = deleting.find_message(message_id)
    found = message_dates(actor, store, row)
    return MessageDatesAnswer(
        minimum_date=found.minimum,
        minimum_policy=found.minimum_policy or None,
        maximum_date=found.maximum,
        maximum_policy=found.maximum_policy or None,
        archives=[
            MailboxDatesAnswer(
                mailbox=each.mailbox,
                policy=each.policy or None,
                minimum_date=each.minimum,
                maximum_date=each.maximum,
            )
            for each in found.by_mailbox
        ],
        other_policies=found.other_policies,
        is_held=found.is_held,
        holds=found.holds,
        reasons=found.reasons,
    )


@group.post("/messages/{messageId}/deletion", admit=holding(Right.DELETE_MAIL))
def message_delete(actor: Actor, message_id: str, body: Deletion) -> None:
    """Delete an archived message, with a reason.

    By its id, `<store>:<number>`. 409 where retention, a hold or compliance keeps it, which says what does.
    """
    deleting.delete_message(actor, message_id, reason=body.reason)
