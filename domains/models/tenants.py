"""Whom we serve: brokers, their customers, and the customers' domains with all their names.

Counts on a domain are kept by the services in the transaction that changes them; limits are null for "as the level
above says" and −1 for "unlimited". Not for what happens to a domain's mail (policies, relays).
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.addresses import display_domain
from accounts.models import User
from accounts.permissions import Level
from accounts.scopes import ScopeRef, scope_ref
from config.kit.versions import Versioned
from domains.limits import UNLIMITED

LANGUAGES = [choice for choice in User.Language.choices if choice[0]]


class Status(models.TextChoices):
    """The state of a domain or a mailbox. What is purged is gone for everybody, but its archive stays."""

    ENABLED = "enabled", _("Enabled")
    DISABLED = "disabled", _("Disabled")
    PENDING = "pending", _("Pending")
    DELETED = "deleted", _("Deleted")
    PURGED = "purged", _("Purged")


def limit_field(label: Any) -> models.BigIntegerField[int | None, int | None]:
    """A number of things, or bytes: null inherits, −1 is unlimited."""
    return models.BigIntegerField(label, null=True, blank=True)


class BrokerQuerySet(models.QuerySet["Broker"]):
    def visible_to(self, actor: Actor, right: str) -> BrokerQuerySet:
        """Those on which the actor holds the right; fails closed."""
        reach = actor.reach(right)
        return self if reach.everything else self.filter(pk__in=reach.brokers)


class Broker(Versioned):
    """Somebody who sells our service: customers may hang on one. Its limits bound the sum over them."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    external_id = models.CharField(_("external id"), max_length=200, blank=True, default="")
    max_customers = limit_field(_("customers at most"))
    max_domains = limit_field(_("domains at most"))
    max_mailboxes = limit_field(_("mailboxes at most"))
    max_aliases = limit_field(_("aliases at most"))
    max_groups = limit_field(_("groups at most"))
    max_lists = limit_field(_("mailing lists at most"))
    max_bytes = limit_field(_("mailbox sizes at most, added up"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = BrokerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def scopes(self) -> tuple[ScopeRef, ...]:
        return scope_ref(Level.BROKER, self.pk)


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, actor: Actor, right: str) -> CustomerQuerySet:
        """Those on which the actor holds the right; fails closed."""
        reach = actor.reach(right)
        if reach.everything:
            return self
        return self.filter(Q(pk__in=reach.customers) | Q(broker_id__in=reach.brokers))


class Customer(Versioned):
    """An organisation with domains."""

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, null=True, blank=True, related_name="customers")
    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.CharField(_("description"), max_length=1000, blank=True, default="")
    external_id = models.CharField(_("external id"), max_length=200, blank=True, default="", db_index=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)  # disabled: its domains are suspended
    max_domains = limit_field(_("domains at most"))
    max_mailboxes = limit_field(_("mailboxes at most"))
    max_aliases = limit_field(_("aliases at most"))
    max_groups = limit_field(_("groups at most"))
    max_lists = limit_field(_("mailing lists at most"))
    max_bytes = limit_field(_("mailbox sizes at most, added up"))
    domain_count = models.PositiveIntegerField(default=0, editable=False)
    mailbox_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="customer_name_parts"),
            models.Index(fields=["broker", "name"], name="customer_by_broker"),
            *(
                models.Index(fields=[column, "id"], name=f"customer_by_{short}")
                for column, short in (
                    ("domain_count", "domains"),
                    ("mailbox_count", "mailboxes"),
                    ("created_at", "age"),
                )
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (*scope_ref(Level.CUSTOMER, self.pk), *scope_ref(Level.BROKER, self.broker_id))


class OutgoingProvider(models.Model):
    """A service through which domains may send besides us: its SPF name is expected in their records."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    spf_provider = models.CharField(_("SPF provider"), max_length=253)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DomainQuerySet(models.QuerySet["Domain"]):
    def visible_to(self, actor: Actor, right: str) -> DomainQuerySet:
        """Those on which the actor holds the right; never purged ones; fails closed."""
        reach, there = actor.reach(right), self.exclude(status=Status.PURGED)
        if reach.everything:
            return there
        return there.filter(Q(pk__in=reach.domains) | Q(customer_id__in=reach.customers))


class Domain(Versioned):
    """A domain we serve. `name` is in ASCII (A-labels) and lower case; its other names are `DomainName` rows.

    What is null here is as the customer says, or the server: read it through `domains.inheritance`.
    """

    class ListPriority(models.TextChoices):
        USER = "user", _("The mailbox's rules win")
        DOMAIN = "domain", _("The domain's rules win")

    class Unknown(models.TextChoices):
        """What becomes of mail to an address that isn't here, where no catch-all takes it."""

        REFUSE = "refuse", _("Refused")
        TAKE = "take", _("Taken for the mail server behind, which knows its recipients")
        ASK_OR_TAKE = "ask_or_take", _("The mail server behind is asked; taken when it gives no answer")
        ASK_OR_WAIT = "ask_or_wait", _("The mail server behind is asked; put off when it gives no answer")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="domains")
    name = models.CharField(_("name"), max_length=253)
    description = models.CharField(_("description"), max_length=1000, blank=True, default="")
    status = models.CharField(_("state"), max_length=10, choices=Status.choices, default=Status.ENABLED)
    external_id = models.CharField(_("external id"), max_length=200, blank=True, default="")
    suspended_by_customer = models.BooleanField(default=False, editable=False)
    default_language = models.CharField(  # noqa: DJ001  # null inherits
        _("language"), max_length=10, choices=LANGUAGES, null=True, blank=True
    )
    auto_provisioning = models.BooleanField(_("make mailboxes by themselves"), null=True, blank=True)
    sender_verify = models.BooleanField(_("verify senders"), null=True, blank=True)
    list_priority = models.CharField(  # noqa: DJ001  # null inherits
        _("rules that win"), max_length=10, choices=ListPriority.choices, null=True, blank=True
    )
    outgoing_subnets = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    outgoing_providers = models.ManyToManyField(OutgoingProvider, blank=True, related_name="domains")
    catch_all = models.CharField(_("catch-all address"), max_length=254, blank=True, default="")
    unknown_recipients = models.CharField(
        _("unknown addresses"), max_length=12, choices=Unknown.choices, default=Unknown.REFUSE, db_default="refuse"
    )
    default_policy = models.ForeignKey(
        "domains.Policy", on_delete=models.SET_NULL, null=True, blank=True, related_name="default_of"
    )
    end_user_rights = ArrayField(models.CharField(max_length=40), null=True, blank=True)
    # quotas of its mailboxes (−1: unlimited), and limits of the whole
    quota_bytes = limit_field(_("quota of a mailbox"))
    quota_messages = limit_field(_("messages in a mailbox at most"))
    sieve_quota_bytes = limit_field(_("Sieve quota of a mailbox"))
    max_quota_bytes = limit_field(_("largest quota of a mailbox"))
    max_bytes = limit_field(_("mailbox sizes at most, added up"))
    max_mailboxes = limit_field(_("mailboxes at most"))
    max_aliases = limit_field(_("aliases at most"))
    max_groups = limit_field(_("groups at most"))
    max_lists = limit_field(_("mailing lists at most"))
    # counts kept by the services
    mailbox_count = models.PositiveIntegerField(default=0, editable=False)
    active_count = models.PositiveIntegerField(default=0, editable=False)
    alias_count = models.PositiveIntegerField(default=0, editable=False)
    group_count = models.PositiveIntegerField(default=0, editable=False)
    forward_count = models.PositiveIntegerField(default=0, editable=False)
    list_count = models.PositiveIntegerField(default=0, editable=False)
    # counts the changes of its filters (rules), so that whoever keeps them compiled sees when they are old
    rules_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    status_before = models.CharField(max_length=10, blank=True, default="", editable=False)
    # how wide the right of whoever disabled or deleted it reached: only who reaches as far takes it back
    suspended_at_level = models.CharField(max_length=10, blank=True, default="", editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    purge_at = models.DateTimeField(null=True, editable=False)

    objects = DomainQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="domain_name_lower", condition=~Q(name__regex="[A-Z]")),
            models.UniqueConstraint(fields=["name"], condition=~Q(status="purged"), name="domain_name_once"),
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="domain_by_name"),
            models.Index(fields=["customer", "name"], name="domain_by_customer"),
            models.Index(fields=["status", "name"], name="domain_by_status"),
            models.Index(fields=["created_at", "id"], name="domain_by_age"),
            models.Index(fields=["mailbox_count", "id"], name="domain_by_mailboxes"),
            models.Index(fields=["external_id"], name="domain_by_external_id"),
            models.Index(fields=["purge_at"], condition=Q(status="deleted"), name="domain_to_purge"),
            models.Index(fields=["name"], condition=Q(suspended_by_customer=True), name="domain_suspended"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="domain_name_parts"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def display_name(self) -> str:
        """The name as people write it (U-labels)."""
        return display_domain(self.name)

    @property
    def is_serving(self) -> bool:
        """Whether its mail flows."""
        return self.status == Status.ENABLED and not self.suspended_by_customer

    @property
    def is_suspended(self) -> bool:
        """Whether its people are kept out; those of a domain that isn't in service yet may come in."""
        return self.suspended_by_customer or self.status in (Status.DISABLED, Status.DELETED, Status.PURGED)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (*scope_ref(Level.DOMAIN, self.pk), *scope_ref(Level.CUSTOMER, self.customer_id))

    def limit(self, name: str) -> int:
        """A limit of this domain alone (`max_…`), −1 where none is set."""
        value: int | None = getattr(self, name)
        return UNLIMITED if value is None else value


class DomainName(models.Model):
    """One name of a domain: its own, or an alias. Unique over the server, so no two domains answer for a name."""

    name = models.CharField(_("name"), max_length=253, unique=True)
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="names")
    is_alias = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(name="domainname_lower", condition=~Q(name__regex="[A-Z]"))]
        indexes = [GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="domainname_parts")]

    def __str__(self) -> str:
        return self.name

    @property
    def display_name(self) -> str:
        """The name as people write it (U-labels)."""
        return display_domain(self.name)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes()
