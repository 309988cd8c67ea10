"""Somebody asks that a message of theirs be released from quarantine, and an administrator decides."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.scopes import ScopeRef
from gateway.models.messages import Recipient


class ReleaseRequestQuerySet(models.QuerySet["ReleaseRequest"]):
    def visible_to(self, actor: Actor, right: str) -> ReleaseRequestQuerySet:
        """Those about mail on which the actor holds the right; fails closed."""
        reach = actor.reach(right)
        if reach.everything:
            return self
        within = Q(recipient__domain_id__in=reach.domains) | Q(recipient__customer_id__in=reach.customers)
        return self.filter(within | Q(recipient__mailbox__user_id__in=reach.users) if reach.users else within)


class ReleaseRequest(models.Model):
    """Open until somebody agrees or declines, or the message is no more."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        GRANTED = "granted", _("granted")
        DECLINED = "declined", _("declined")
        ENDED = "ended", _("ended")

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="requests")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    requested_at = models.DateTimeField(_("asked"), default=timezone.now)
    why = models.CharField(_("reason"), max_length=500, blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    decided_by_label = models.CharField(_("decided by"), max_length=300, blank=True, default="")
    decided_at = models.DateTimeField(_("decided"), null=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")

    objects = ReleaseRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["recipient"], condition=Q(state="open"), name="gw_request_open_once")
        ]
        indexes = [models.Index(fields=["state", "-requested_at", "-id"], name="gw_request_by_state")]

    def __str__(self) -> str:
        return str(self.recipient)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.recipient.scopes()
