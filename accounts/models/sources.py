"""Where people prove who they are when it isn't here, for which domains, and what their groups there give them.

A source belongs to a scope and serves only what lies in it. Secrets are sealed; what else it is told is `settings`, of
which `accounts.sources.kinds` is the catalogue.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import places
from accounts.models.people import User
from accounts.models.rights import LEVELS, Role
from accounts.permissions import Level, Right
from accounts.scopes import SERVER, ScopeRef
from accounts.sources.kinds import LABELS, Kind
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class Source(Versioned):
    """A directory, a mail server or an identity provider.

    authority: the rights that whoever configured it last held on its scope: for people who hold more it doesn't speak.
    null: everything, server administrators included.
    """

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=[(each.value, LABELS[each]) for each in Kind])
    level = models.CharField(max_length=10, choices=LEVELS, default=Level.SERVER)
    object_id = models.BigIntegerField(default=0)
    is_enabled = models.BooleanField(_("in use"), default=True)
    settings = models.JSONField(default=dict)
    secret = SealedTextField(purpose="identity source")
    creates_people = models.BooleanField(_("make people at their first sign-in"), default=False)
    asks_second_factor = models.BooleanField(_("asks for the second factor itself"), default=False)
    meets_demands = models.BooleanField(
        _("its second factor counts where one is demanded"), default=False, db_default=False
    )
    local_for_administrators = models.BooleanField(_("administrators may use a password kept here"), default=True)
    shows_button = models.BooleanField(_("button on the sign-in page"), default=False)
    authority = ArrayField(models.CharField(max_length=40), null=True, default=list)
    configured_by_label = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["level", "object_id", "name"], name="source_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def kind_of(self) -> Kind:
        return Kind(self.kind)

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    @property
    def speaks_for_all(self) -> bool:
        """Whether it may let in server administrators."""
        return self.authority is None and self.scope == SERVER

    @property
    def counts(self) -> bool:
        """Whether its word lets anybody in: it is in use, and whoever configured it could have set passwords there."""
        return self.is_enabled and (self.authority is None or Right.SET_PASSWORDS in self.authority)

    @property
    def stands_in_for_factors(self) -> bool:
        """Whether it may say that somebody showed their second factor there: only a source of the server's own
        administrators, since everybody else could have theirs say so of anybody.
        """
        return self.asks_second_factor and self.speaks_for_all

    def shows_factor(self, said: str) -> bool:
        """Whether what a token of it said (values of amr and acr, with spaces between) is among the values that its
        administrator named as signs of a second factor.
        """
        return bool(set(str(self.told("second_factor_values") or "").split()) & set(said.split()))

    def meets_demand(self, said: str) -> bool:
        """Whether that makes up for a second factor that is demanded here: while a server administrator wants it."""
        return self.meets_demands and self.speaks_for_all and self.counts and self.shows_factor(said)

    def told(self, name: str) -> Any:
        """One of its settings."""
        return self.settings.get(name)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return places.chain(self.scope)[:-1]


class SourceChoice(models.Model):
    """What a domain, a customer or the server chose for its people; without a source: passwords kept here."""

    level = models.CharField(max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="choices")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "object_id"], name="source_choice_once")]

    def __str__(self) -> str:
        return f"{self.source} for {self.level} {self.object_id}"

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)


class GroupRole(models.Model):
    """Whoever is in this group of the source holds this role on this scope, as long as they are."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="group_roles")
    group = models.CharField(_("group"), max_length=500)
    role_key = models.CharField(max_length=40, blank=True, default="")  # a built-in role
    role = models.ForeignKey(Role, on_delete=models.PROTECT, null=True, related_name="group_roles")
    level = models.CharField(max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)
    object_label = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["group", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "group", "role_key", "role", "level", "object_id"],
                name="group_role_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.role_key or self.role} on {self.object_label or self.level}"

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)


class Identity(models.Model):
    """Who somebody is at a source: bound at their first sign-in or synchronisation, so that an address given to
    somebody else there later opens nothing here.

    digest: of what the directory said last; empty where not all of it could be taken over. shut: why a synchronisation
    shut the person out (disabled there, gone from there), so that only it lets them in again; "left": gone from there,
    and shut out by somebody else before. aliases: those that it made. groups_lack: why their groups couldn't be told at
    their last sign-in (`accounts.sources.oidc.Lack`), so that what those give stays as it was.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="identities", db_index=False)
    subject = models.CharField(max_length=600)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    digest = models.BinaryField(max_length=16, default=b"", editable=False)
    shut = models.CharField(max_length=10, blank=True, default="", editable=False)
    aliases = ArrayField(models.CharField(max_length=254), default=list, blank=True, editable=False)
    groups_lack = models.CharField(max_length=10, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["source", "subject"], name="identity_once"),
            models.UniqueConstraint(fields=["source", "user"], name="identity_of_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.source}"
