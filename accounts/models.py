"""People, what they were granted, their one-time links and tokens, options, and the audit trail.

Not for addresses that receive mail (`domains.Mailbox`). Scopes of higher apps (customers, domains) are kept as a level
and an id, without a foreign key: nothing here points upwards.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import places
from accounts.permissions import BUILT_IN_ROLES, Level, Right, known_rights, rights_at
from accounts.scopes import SERVER, ScopeRef, scope_ref
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned

LEVELS = [(level.value, level.value) for level in Level]


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


class Role(Versioned):
    """A bundle of rights somebody made, for one scope and what lies below it. The built-in ones are no rows."""

    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    rights = ArrayField(models.CharField(max_length=40), verbose_name=_("rights"))
    level = models.CharField(max_length=10, choices=LEVELS, default=Level.SERVER)
    object_id = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["level", "object_id", "name"], name="role_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return places.chain(self.scope)[:-1]


class Grant(models.Model):
    """A person holds a role, or single rights, on a scope. System administrators have a flag instead."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role_key = models.CharField(max_length=40, blank=True, default="")  # a built-in role
    role = models.ForeignKey(Role, on_delete=models.PROTECT, null=True, related_name="grants")
    rights = ArrayField(models.CharField(max_length=40), default=list)  # single rights, besides the role's
    level = models.CharField(max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)
    object_label = models.CharField(max_length=300, blank=True, default="")
    granted_by_label = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["level", "object_id", "user"], name="grant_by_scope")]
        constraints = [
            models.UniqueConstraint(fields=["user", "level", "object_id"], name="grant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.level} {self.object_label or self.object_id}"

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def all_rights(self) -> frozenset[Right]:
        """What it gives, cut to what its level can carry: a right that lost a level isn't held there any more."""
        names = set(self.rights)
        if self.role_key:
            built_in = BUILT_IN_ROLES.get(self.role_key)
            names |= set(built_in.rights) if built_in else set()
        elif self.role is not None:
            names |= set(self.role.rights)
        return known_rights(names) & rights_at(Level(self.level))


class FolderGrant(models.Model):
    """Somebody may read a folder of another's archive and what lies below it, or may not read one that they else could.

    The mailbox is named by its number and the folder by its path ("" for the whole archive): nothing here points
    upwards. Without privileges it denies, also what a wider one gives, and also in one's own archive.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="folder_grants")
    mailbox_id = models.BigIntegerField(db_index=True)
    folder = models.CharField(max_length=1000, blank=True, default="")
    privileges = ArrayField(models.CharField(max_length=10), default=list)
    granted_by_label = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["mailbox_id", "folder"]
        constraints = [models.UniqueConstraint(fields=["user", "mailbox_id", "folder"], name="folder_grant_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.mailbox_id}/{self.folder}"

    def covers(self, path: str) -> bool:
        """Whether a folder is this one or lies below it."""
        return not self.folder or path == self.folder or path.startswith(f"{self.folder}/")


class OneTimeLink(models.Model):
    """A link that works once. Only a hash of its token is kept, so a copied database opens nothing."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("Invitation")
        RESET = "reset", _("New password")
        FIRST_ADMINISTRATOR = "first_administrator", _("First administrator")
        SIGN_IN = "sign_in", _("Temporary sign-in")

    kind = models.CharField(max_length=20, choices=Kind.choices)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} link {self.pk}"


class Preference(models.Model):
    """What a person remembers about a page ("list.jobs.tasks": columns, rows, views). See `accounts.remembering`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="preferences")
    key = models.CharField(max_length=100)
    value = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.key}"


class ApiToken(models.Model):
    """What a program signs in with; the value is shown once and only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    rights = ArrayField(models.CharField(max_length=40), null=True)  # null: all that the person has
    read_only = models.BooleanField(default=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="token_name_once")]

    def __str__(self) -> str:
        return f"token {self.name}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


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


class SignInThrottle(models.Model):
    """How often somebody guessed wrong, per account, per network address and per known device (see `throttle`)."""

    key = models.CharField(max_length=100, unique=True)
    failures = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField(default=timezone.now)
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key


class AuditEvent(models.Model):
    """One thing somebody did. Only ever added: a trigger of the database refuses changes and deletions.

    No constraint binds `actor` to a user row: the event outlives the person.
    """

    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="audit_events"
    )
    actor_label = models.CharField(max_length=300)
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=100, blank=True, default="")
    object_id = models.CharField(max_length=100, blank=True, default="")
    object_label = models.CharField(max_length=300, blank=True, default="")
    details = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)  # {field: [old, new]}
    reason = models.CharField(max_length=500, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")  # where the request came from
    via = models.CharField(max_length=20, blank=True, default="")
    # The scopes the object lay in when it happened: who may read about a domain reads these.
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    about_user_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_by_object"),
            models.Index(fields=["domain_id", "-id"], name="audit_by_domain"),
            models.Index(fields=["customer_id", "-id"], name="audit_by_customer"),
            models.Index(fields=["about_user_id", "-id"], name="audit_about_user"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["via", "-id"], name="audit_by_door"),
            models.Index(OpClass(Lower("object_label"), "text_pattern_ops"), F("id").desc(), name="audit_by_label"),
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"


class AuditWaiting(models.Model):
    """An event that isn't sealed yet; a trigger of the database puts it here with the event (`services.sealing`)."""

    event_id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"event {self.event_id}"


class AuditSeal(models.Model):
    """The place of an event in the chain. `hash` is SHA-256 over the hash before it and the event's canonical form.

    Only ever added, as the events. `mac` signs the hash with a key that the database alone doesn't open; every batch
    ends in a signed one.
    """

    sequence = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)
    mac = models.CharField(max_length=100, blank=True, default="")
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"seal {self.sequence}"
