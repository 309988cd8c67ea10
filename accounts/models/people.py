"""People: somebody who may sign in, and where they belong. Not for addresses that receive mail (`domains.Mailbox`)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.permissions import Level
from accounts.scopes import ScopeRef, scope_ref
from config.kit.versions import Versioned


class UserManager(BaseUserManager["User"]):
    """Finds people; making them is `services.create_user`."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(Versioned, AbstractBaseUser):
    """Somebody who may sign in. `email` is kept in the canonical form of `accounts.addresses`."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("Like the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Rows(models.TextChoices):
        USUAL = "", _("Usual")
        COMPACT = "compact", _("Compact")
        NORMAL = "normal", pgettext_lazy("row height", "Normal")
        COMFORTABLE = "comfortable", _("Roomy")

    class Language(models.TextChoices):
        BROWSER = "", _("Like the browser")
        ENGLISH = "en", "English"
        GERMAN = "de", "Deutsch"
        FRENCH = "fr", "Français"
        SPANISH = "es", "Español"
        NORWEGIAN = "nb", "Norsk bokmål"
        DANISH = "da", "Dansk"

    email = models.CharField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    first_name = models.CharField(_("first name"), max_length=100, blank=True, default="")
    last_name = models.CharField(_("last name"), max_length=100, blank=True, default="")
    is_administrator = models.BooleanField(_("administrator"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    language = models.CharField(_("language"), max_length=10, blank=True, default="", choices=Language.choices)
    theme = models.CharField(_("appearance"), max_length=10, default=Theme.SYSTEM, choices=Theme.choices)
    rows = models.CharField(_("rows"), max_length=12, blank=True, default="", db_default="", choices=Rows.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Where the person belongs, kept by the app that knows domains; a system administrator may belong nowhere.
    home_domain_id = models.BigIntegerField(null=True, editable=False)
    home_customer_id = models.BigIntegerField(null=True, editable=False)
    # Privileges as archive clients know them (seeds: login, archive, export …) and what was taken from the person.
    privileges = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    login_privileges = ArrayField(models.CharField(max_length=40), null=True, blank=True)  # null: by every door
    denied_rights = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    authentication = models.CharField(max_length=20, default="integrated")
    distinguished_name = models.CharField(max_length=500, blank=True, default="")
    # Kept by services.second_factors: since when there is a second factor; since when one is demanded that isn't there;
    # whether an administrator wants one set up before anything else.
    second_factor_at = models.DateTimeField(null=True, editable=False)
    second_factor_asked_at = models.DateTimeField(null=True, editable=False)
    second_factor_wanted = models.BooleanField(default=False, db_default=False, editable=False)

    # Kept by services.password_keeping: since when the password is this one; whether a new one is wanted before all
    # else; when the person was last told by mail that it expires.
    password_changed_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    password_wanted = models.BooleanField(default=False, db_default=False, editable=False)
    password_told_at = models.DateTimeField(null=True, editable=False)

    # Kept by services.sessions: what programs began before it opens nothing any more.
    sessions_ended_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [models.CheckConstraint(name="user_email_lower", condition=~models.Q(email__regex="[A-Z]"))]
        indexes = [
            models.Index(fields=["home_domain_id", "email"], name="user_by_domain"),
            models.Index(fields=["home_customer_id", "email"], name="user_by_customer"),
            models.Index(fields=["is_administrator", "email"], name="user_administrators"),
            models.Index(fields=["email"], condition=models.Q(is_active=False), name="user_shut_out"),
            GinIndex(fields=["email"], opclasses=["gin_trgm_ops"], name="user_email_parts"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="user_name_parts"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or f"{self.first_name} {self.last_name}".strip() or self.email

    def scopes(self) -> tuple[ScopeRef, ...]:
        """The scopes this person lies in (accounts.scopes.Scoped)."""
        return (
            *scope_ref(Level.USER, self.pk),
            *scope_ref(Level.DOMAIN, self.home_domain_id),
            *scope_ref(Level.CUSTOMER, self.home_customer_id),
        )


class FormerPassword(models.Model):
    """A password that somebody had before, as its hash: where an option wants that none is taken again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_passwords")
    encoded = models.CharField(max_length=200)
    ended_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"former password {self.pk}"
