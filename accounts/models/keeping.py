"""What is remembered: the values of options on scopes, and what people keep about their pages."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.models.rights import LEVELS
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.sealed import SealedTextField


class Preference(models.Model):
    """What a person remembers about a page ("list.jobs.tasks": columns, rows, views). See `accounts.remembering`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="preferences")
    key = models.CharField(max_length=100)
    value = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.key}"


class OptionValue(models.Model):
    """The value of an option on one scope; the catalogue of options is `accounts.options`."""

    name = models.CharField(max_length=80)
    level = models.CharField(max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)
    value = models.JSONField()
    secret = SealedTextField(purpose="option")  # the password of what has one; `value` then holds the rest
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "object_id", "name"], name="option_once")]

    def __str__(self) -> str:
        return f"{self.name} on {self.level} {self.object_id}"

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)
