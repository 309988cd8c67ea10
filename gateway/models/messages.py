"""The passport of a message: what came in, what became of it for each recipient, and every step on the way.

`Step` only grows. A message's facts and decisions are JSON as the judges made them; what lists sort and filter by has
columns. Not for bytes (`content`) nor for what is waiting to leave (`queue`).
"""

from __future__ import annotations

import functools
from collections.abc import Collection

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import ScopeRef, scope_ref
from domains.models import Mailbox
from gateway.models.content import Content
from gateway.models.subject_words import SubjectWords


class Message(models.Model):
    """One message as it came in. Its life is in its steps; its bytes stay while something needs them."""

    class Door(models.TextChoices):
        MX = "mx", _("from another server")
        SUBMISSION = "submission", _("submitted")
        FILTER = "filter", _("through Postfix")
        JOURNAL = "journal", _("journal")
        CONSOLE = "console", _("written here")
        RELEASE = "release", _("released")
        REPROCESS = "reprocess", _("processed again")
        OWN = "own", _("from Postkeep itself")

    key = models.CharField(max_length=32)
    received_at = models.DateTimeField(default=timezone.now)
    door = models.CharField(_("came in"), max_length=12, choices=Door.choices)
    direction = models.CharField(_("direction"), max_length=10)  # domains.policy.facts.Direction
    client_address = models.GenericIPAddressField(_("from address"), null=True, blank=True)
    client_name = models.CharField(_("from server"), max_length=255, blank=True, default="")
    helo = models.CharField(max_length=255, blank=True, default="")
    tls = models.CharField(_("encryption"), max_length=100, blank=True, default="")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    sender = models.CharField(_("envelope sender"), max_length=320, blank=True, default="")
    header_from = models.CharField(_("From"), max_length=320, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=500, blank=True, default="")
    message_id = models.CharField(_("Message-ID"), max_length=500, blank=True, default="")
    size_bytes = models.BigIntegerField(_("size"), default=0)
    sha256 = models.BinaryField(max_length=32)
    # facts.* as they were found, score parts, authentication, what wasn't looked at
    facts = models.JSONField(default=dict)
    content = models.ForeignKey(Content, on_delete=models.SET_NULL, null=True, related_name="messages")

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="gw_message_newest"),
            models.Index(
                fields=["sender", "-received_at"],
                name="gw_message_by_sender",
                opclasses=["text_pattern_ops", "timestamptz_ops"],
            ),
            models.Index(
                fields=["header_from", "-received_at"],
                name="gw_message_by_from",
                opclasses=["text_pattern_ops", "timestamptz_ops"],
            ),
            models.Index(fields=["message_id"], name="gw_message_by_message_id", condition=~Q(message_id="")),
            # a full list of what is new is sorted in while somebody waits for their 250: so it stays short
            GinIndex(SubjectWords("subject"), name="gw_message_by_words", gin_pending_list_limit=512),
        ]
        # not `unique=True`, which adds an index for LIKE
        constraints = [models.UniqueConstraint(fields=["key"], name="gw_message_key")]

    def __str__(self) -> str:
        return self.key


def _one_of(column: str, numbers: Collection[int]) -> Q:
    """A single one said as equal: an index on (column, time) then has the rows in the order of lists."""
    return Q(**{column: next(iter(numbers))}) if len(numbers) == 1 else Q(**{f"{column}__in": numbers})


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def visible_to(self, actor: Actor, right: str) -> RecipientQuerySet:
        """Those of domains, customers and persons on whom the actor holds the right; fails closed."""
        reach = actor.reach(right)
        if reach.everything:
            return self
        people = Mailbox.objects.filter(user_id__in=reach.users).order_by().values("pk")
        within = [
            *([_one_of("domain_id", reach.domains)] if reach.domains else []),
            *([_one_of("customer_id", reach.customers)] if reach.customers else []),
            *([Q(mailbox_id__in=people)] if reach.users else []),
        ]
        return self.filter(functools.reduce(Q.__or__, within)) if within else self.none()

    def own(self, actor: Actor) -> RecipientQuerySet:
        """Those of the actor's own mailbox, found by its number: so an index has them in the order of lists."""
        if actor.user is None:
            return self.none()
        mailbox = Mailbox.objects.filter(user_id=actor.user.pk).order_by().values("pk")[:1]
        return self.filter(mailbox_id=models.Subquery(mailbox))


class Recipient(models.Model):
    """What became of a message for one recipient (outgoing mail: one row per recipient, whose the sender is).

    `domain_id`, `customer_id` and `mailbox` say whose it is; they are plain numbers but for the mailbox, because a
    passport outlives a domain.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("on its way")
        DELIVERED = "delivered", _("delivered")
        HELD = "held", _("in quarantine")
        RELEASED = "released", _("released")
        REFUSED = "refused", _("refused")
        BOUNCED = "bounced", _("came back")
        DELETED = "deleted", _("deleted")
        EXPIRED = "expired", _("expired")
        DISCARDED = "discarded", _("discarded by a rule")
        ARCHIVED = "archived", _("archived only")
        STORED = "stored", _("in a repository")
        REDIRECTED = "redirected", _("sent on by a rule")

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="recipients")
    received_at = models.DateTimeField()  # the message's
    direction = models.CharField(max_length=10)  # the message's
    asked = models.CharField(_("written to"), max_length=320)
    address = models.CharField(_("recipient"), max_length=320)
    way = models.JSONField(default=list)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    category = models.CharField(_("verdict"), max_length=20)  # domains.policy.decision.Category
    action = models.CharField(max_length=10)  # domains.policy.decision.Action
    score = models.FloatField(_("score"), null=True)
    decision = models.JSONField(default=dict)  # Decision.as_data()
    state = models.CharField(_("state"), max_length=12, choices=State.choices)
    state_at = models.DateTimeField(default=timezone.now)
    # what lists of quarantine look through: subject, From and envelope sender of what is held, "" of all else
    held_text = models.TextField(default="", db_default="")
    # the message this one was sent on as: of a release or of processing it again
    followed_by = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="follows")

    objects = RecipientQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(
                fields=["address", "-received_at", "-id"],
                name="gw_recipient_by_address",
                opclasses=["text_pattern_ops", "timestamptz_ops", "int8_ops"],
            ),
            models.Index(fields=["domain_id", "-received_at", "-id"], name="gw_recipient_by_domain"),
            models.Index(fields=["customer_id", "-received_at", "-id"], name="gw_recipient_by_customer"),
            models.Index(
                fields=["mailbox", "-received_at", "-id"], name="gw_recipient_by_mailbox", condition=~Q(mailbox=None)
            ),
            models.Index(fields=["-received_at", "-id"], name="gw_recipient_newest"),
            models.Index(
                fields=["mailbox", "-received_at", "-id"], name="gw_recipient_held_box", condition=Q(state="held")
            ),
            models.Index(
                fields=["domain_id", "-received_at", "-id"], name="gw_recipient_held_domain", condition=Q(state="held")
            ),
            GinIndex(
                fields=["held_text"],
                opclasses=["gin_trgm_ops"],
                name="gw_recipient_held_text",
                condition=Q(state="held"),
            ),
            # The last column of each is for those who ask for a verdict and a state that hardly meet.
            models.Index(
                fields=["state", "-received_at", "-id", "category"],
                name="gw_recipient_of_state",
                condition=~Q(state="delivered"),
            ),
            models.Index(
                fields=["category", "-received_at", "-id", "state"],
                name="gw_recipient_of_category",
                condition=~Q(category="clean"),
            ),
        ]

    def __str__(self) -> str:
        return self.address

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (
            *scope_ref(Level.USER, self.mailbox.user_id if self.mailbox is not None else None),
            *scope_ref(Level.DOMAIN, self.domain_id),
            *scope_ref(Level.CUSTOMER, self.customer_id),
        )


class Step(models.Model):
    """Something that happened to a message, or to it for one recipient. Only ever added.

    kind: received, judged, kept, queued, attempt, delivered, bounced, released, deleted, expired, reported, ruled…;
    `gateway.steps` has the words and the shape of `data` of each.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="steps")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, null=True, related_name="steps")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.kind
