"""Mailing lists: an address of the kind list, its settings, and its subscribers with modes and posting rights.

The gateway distributes and moderates; who may subscribe and post, confirmations and counted bounces are kept here.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ScopeRef
from config.kit.versions import Versioned
from domains.models.addresses import Address, Mailbox


class MailingList(Versioned):
    """The settings of a list; its name, description and state are its address's."""

    class Subscribing(models.TextChoices):
        NOBODY = "nobody", _("Nobody by themselves")
        CONFIRMED = "confirmed", _("Everybody who confirms")
        MODERATED = "moderated", _("Who is accepted")
        ANYBODY = "anybody", _("Everybody at once")

    class Posting(models.TextChoices):
        OWNER = "owner", _("The owner")
        SUBSCRIBERS = "subscribers", _("Subscribers")
        MODERATED = "moderated", _("Subscribers; others wait for the owner")
        ANYBODY = "anybody", _("Anybody")

    class ReplyTo(models.TextChoices):
        SENDER = "sender", _("The sender")
        LIST = "list", _("The list")
        OWNER = "owner", _("The owner")

    address = models.OneToOneField(Address, on_delete=models.CASCADE, related_name="mailing_list")
    owner = models.ForeignKey(Mailbox, on_delete=models.PROTECT, related_name="owned_lists")
    subscribing = models.CharField(
        _("who may subscribe"), max_length=10, choices=Subscribing.choices, default=Subscribing.CONFIRMED
    )
    posting = models.CharField(_("who may post"), max_length=12, choices=Posting.choices, default=Posting.SUBSCRIBERS)
    first_moderated = models.PositiveIntegerField(_("first messages of everybody wait"), default=0)
    reply_to = models.CharField(_("answers go to"), max_length=10, choices=ReplyTo.choices, default=ReplyTo.SENDER)
    subject_prefix = models.CharField(_("prefix of the subject"), max_length=60, blank=True, default="")
    header = models.TextField(_("text above"), max_length=4000, blank=True, default="")
    footer = models.TextField(_("text below"), max_length=4000, blank=True, default="")
    max_message_bytes = models.PositiveBigIntegerField(_("largest message"), null=True, blank=True)
    bounces_allowed = models.PositiveIntegerField(_("bounces before a pause"), default=5)
    confirm_hours = models.PositiveIntegerField(_("confirm within"), default=72)
    subscriber_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.address.text

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.address.scopes()


class Subscriber(models.Model):
    """Somebody on a list, or on the way to it. `email` is canonical; `target` the claim of ours behind it."""

    class Mode(models.TextChoices):
        FEED = "feed", _("Each message")
        DIGEST = "digest", _("Digest")
        INDEX = "index", _("Index of subjects")
        NULL = "null", _("Nothing for now")
        BANNED = "banned", _("Banned")

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("To be confirmed")
        WAITING = "waiting", _("To be accepted")
        SUBSCRIBED = "subscribed", _("Subscribed")
        PAUSED = "paused", _("Paused after bounces")

    class Posting(models.TextChoices):
        NORMAL = "normal", _("As the list says")
        UNMODERATED = "unmoderated", _("At once")
        MODERATED = "moderated", _("All wait for the owner")
        PROHIBITED = "prohibited", _("Not at all")
        SPECIAL = "special", _("Always, without limits")

    list = models.ForeignKey(MailingList, on_delete=models.CASCADE, related_name="subscribers")
    email = models.CharField(_("address"), max_length=254)
    target = models.ForeignKey(Address, on_delete=models.CASCADE, null=True, related_name="subscriptions")
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    mode = models.CharField(_("gets"), max_length=10, choices=Mode.choices, default=Mode.FEED)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.SUBSCRIBED)
    posting = models.CharField(_("posts"), max_length=12, choices=Posting.choices, default=Posting.NORMAL)
    moderate_next = models.PositiveIntegerField(default=0)  # so many of their next messages wait
    posts = models.PositiveIntegerField(default=0)
    bounces = models.PositiveIntegerField(default=0)
    last_bounce_at = models.DateTimeField(null=True)
    subscribed_at = models.DateTimeField(default=timezone.now)
    confirm_hash = models.CharField(max_length=64, blank=True, default="", db_index=True)
    confirm_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["email"]
        constraints = [models.UniqueConstraint(fields=["list", "email"], name="subscriber_once")]
        indexes = [
            models.Index(fields=["list", "state", "email"], name="subscriber_by_state"),
            models.Index(fields=["confirm_until"], condition=~Q(confirm_until=None), name="subscriber_to_confirm"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def gets_mail(self) -> bool:
        return self.state == self.State.SUBSCRIBED and self.mode not in (self.Mode.NULL, self.Mode.BANNED)
