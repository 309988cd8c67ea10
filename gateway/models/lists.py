"""What came for a mailing list and what became of it; the bytes stay as long as somebody has to decide, or a digest."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ScopeRef
from domains.models import MailingList
from gateway.models.content import Content
from gateway.models.messages import Message, Recipient


class ListPosting(models.Model):
    """One message to a list, or to one of its addresses (`command`: subscribe, bounces…; `argument`: what stands
    behind the plus).

    WAITING: to be worked on; HELD: for a moderator; DIGEST: distributed, and waits for a digest; DONE; REFUSED.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("on its way")
        HELD = "held", _("waits for a moderator")
        DIGEST = "digest", _("distributed")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    list = models.ForeignKey(MailingList, on_delete=models.CASCADE, related_name="+", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    recipient = models.ForeignKey(Recipient, on_delete=models.SET_NULL, null=True, related_name="+")
    content = models.ForeignKey(Content, on_delete=models.PROTECT, null=True, related_name="+")
    command = models.CharField(max_length=20, blank=True, default="")
    argument = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    why = models.CharField(_("reason"), max_length=20, blank=True, default="")  # gateway.lists.deciding
    is_approved = models.BooleanField(default=False)
    decided_by = models.CharField(max_length=300, blank=True, default="")
    copies = models.PositiveIntegerField(_("copies"), default=0)
    created_at = models.DateTimeField(_("came"), default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="gw_posting_waiting"),
            models.Index(fields=["list", "state", "id"], name="gw_posting_by_list"),
        ]

    def __str__(self) -> str:
        return f"{self.list} {self.message_id}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.list.scopes()
