"""The addresses of a domain, each claimed once whatever it is, and the mailboxes behind some of them.

One name space: an `Address` row is the claim on a local part of a domain, with its kind. What it delivers to are its
`Recipient` rows (members of a group, targets of a forward, the mailbox of an alias); a mailbox keeps mail, and may have
recipients too (its forwards). Archived mail hangs on the mailbox's id, never on its address.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Level
from accounts.scopes import Reach, ScopeRef, scope_ref
from config.kit.versions import Versioned
from domains.models.tenants import Domain, Status, limit_field


def _within(reach: Reach) -> Q:
    return Q(domain_id__in=reach.domains) | Q(customer_id__in=reach.customers)


SHARED_KINDS = Q(kind__in=["group", "forward"])
# mailboxes in use that forward nothing (domains.expansion.rows asks in these words)
PLAIN = Q(kind="mailbox", is_enabled=True, recipient_count=0)


class AddressQuerySet(models.QuerySet["Address"]):
    def visible_to(self, actor: Actor, right: str) -> AddressQuerySet:
        """Those on which the actor holds the right; fails closed."""
        reach = actor.reach(right)
        if reach.everything:
            return self
        return self.filter(_within(reach) | Q(mailbox__user_id__in=reach.users) if reach.users else _within(reach))


class Address(Versioned):
    """One claimed address. `text` is the whole address under the domain's own name; alias names lead here too."""

    class Kind(models.TextChoices):
        MAILBOX = "mailbox", _("Mailbox")
        ALIAS = "alias", _("Alias")
        GROUP = "group", _("Group")
        FORWARD = "forward", _("Forward")
        LIST = "list", _("Mailing list")

    class Senders(models.TextChoices):
        ANYONE = "anyone", _("Anyone")
        DOMAIN = "domain", _("People of the domain")
        MEMBERS = "members", _("Its members")
        LISTED = "listed", _("Only those listed")
        NOBODY = "nobody", _("Nobody")

    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="addresses", db_index=False)
    customer_id = models.BigIntegerField(null=True, editable=False)
    local = models.CharField(max_length=64)
    text = models.CharField(_("address"), max_length=254, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    description = models.CharField(_("description"), max_length=1000, blank=True, default="")
    is_enabled = models.BooleanField(_("enabled"), default=True)
    senders = models.CharField(_("who may send to it"), max_length=10, choices=Senders.choices, default=Senders.ANYONE)
    keep_copy = models.BooleanField(_("keep a copy"), default=True)  # of a mailbox that forwards
    recipient_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AddressQuerySet.as_manager()

    class Meta:
        ordering = ["text"]
        constraints = [
            models.UniqueConstraint(fields=["domain", "local"], name="address_claimed_once"),
            models.CheckConstraint(name="address_lower", condition=~Q(text__regex="[A-Z]")),
        ]
        indexes = [
            models.Index(fields=["kind", "text"], name="address_by_kind"),
            models.Index(fields=["domain", "kind", "text"], name="address_by_domain_kind"),
            models.Index(fields=["customer_id", "kind", "text"], name="address_by_customer_kind"),
            GinIndex(fields=["text"], opclasses=["gin_trgm_ops"], name="address_parts"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], condition=~Q(name=""), name="address_name_parts"),
            models.Index(fields=["kind", "id"], condition=~Q(kind="mailbox"), name="address_by_kind_id"),
            # all that an expansion asks of most members of a group, without a look at the row
            models.Index(fields=["id"], include=["text", "domain"], condition=PLAIN, name="address_mailbox_plain"),
            # groups and forwards are one list; among a million mailboxes two kinds can't be merged in order
            *(
                models.Index(fields=[*before, "text", "id"], condition=SHARED_KINDS, name=f"address_shared_{short}")
                for before, short in (([], "all"), (["domain"], "domain"), (["customer_id"], "cust"))
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (*scope_ref(Level.DOMAIN, self.domain_id), *scope_ref(Level.CUSTOMER, self.customer_id))


class Recipient(models.Model):
    """Where an address's mail goes on to: an address of ours (`target`), or one elsewhere (only its text)."""

    # no index of its own: (address, email) begins with it, and gives a large group's members in order
    address = models.ForeignKey(Address, on_delete=models.CASCADE, related_name="recipients", db_index=False)
    email = models.CharField(_("address"), max_length=254)
    target = models.ForeignKey(Address, on_delete=models.CASCADE, null=True, blank=True, related_name="reached_by")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["email"]
        constraints = [
            # all that an expansion reads of a large group lies in this index
            models.UniqueConstraint(fields=["address", "email"], include=["target"], name="recipient_once")
        ]
        indexes = [
            models.Index(fields=["email"], condition=Q(target=None), name="recipient_elsewhere"),
            GinIndex(fields=["email"], opclasses=["gin_trgm_ops"], name="recipient_parts"),
        ]

    def __str__(self) -> str:
        return self.email


class AllowedSender(models.Model):
    """Who may send to an address whose senders are listed: an address, or a domain (`@example.org`)."""

    address = models.ForeignKey(Address, on_delete=models.CASCADE, related_name="allowed_senders")
    value = models.CharField(max_length=254)

    class Meta:
        ordering = ["value"]
        constraints = [models.UniqueConstraint(fields=["address", "value"], name="allowed_sender_once")]

    def __str__(self) -> str:
        return self.value


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def visible_to(self, actor: Actor, right: str) -> MailboxQuerySet:
        """Those on which the actor holds the right; never purged ones; fails closed."""
        reach, there = actor.reach(right), self.exclude(status=Status.PURGED)
        if reach.everything:
            return there
        return there.filter(_within(reach) | Q(user_id__in=reach.users) if reach.users else _within(reach))


class Mailbox(Versioned):
    """An address that keeps mail, and who signs in with it. A purged one has no address and no person any more.

    `name`, `customer_id` and `fill_permille` repeat what the person, the domain and the quotas say, so that a list of a
    million mailboxes is sorted and filtered by an index; the services keep them.
    """

    # no index of its own: (domain, address) begins with it
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="mailboxes", db_index=False)
    customer_id = models.BigIntegerField(null=True, editable=False)
    claim = models.OneToOneField(Address, on_delete=models.PROTECT, null=True, related_name="mailbox")
    address = models.CharField(_("address"), max_length=254)
    user = models.OneToOneField(User, on_delete=models.SET_NULL, null=True, related_name="mailbox")
    status = models.CharField(_("state"), max_length=10, choices=Status.choices, default=Status.ENABLED)
    status_before = models.CharField(max_length=10, blank=True, default="", editable=False)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    # null: as the domain
    policy = models.ForeignKey(
        "domains.Policy", on_delete=models.SET_NULL, null=True, blank=True, related_name="mailboxes"
    )
    relay = models.ForeignKey(
        "domains.Relay", on_delete=models.SET_NULL, null=True, blank=True, related_name="mailboxes"
    )
    policy_values = models.JSONField(
        default=dict, blank=True
    )  # over the policy: {path: value}, as domains.policy has it
    sender_verify = models.BooleanField(_("verify senders"), null=True, blank=True)  # null: as the domain
    quota_bytes = limit_field(_("quota"))
    quota_messages = limit_field(_("messages at most"))
    sieve_quota_bytes = limit_field(_("Sieve quota"))
    # kept by who keeps the scripts
    sieve_used_bytes = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    used_bytes = models.BigIntegerField(default=0, editable=False)
    used_messages = models.BigIntegerField(default=0, editable=False)
    fill_permille = models.IntegerField(default=0, editable=False)
    transport = models.CharField(_("transport"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_sign_in_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    purge_at = models.DateTimeField(null=True, editable=False)

    objects = MailboxQuerySet.as_manager()

    class Meta:
        ordering = ["address"]
        constraints = [
            models.CheckConstraint(name="mailbox_address_lower", condition=~Q(address__regex="[A-Z]")),
            models.UniqueConstraint(fields=["address"], condition=~Q(status="purged"), name="mailbox_address_once"),
        ]
        indexes = [
            *(
                models.Index(fields=[*before, column, "id"], name=f"mailbox_{short}_{column}")
                for before, short in (([], "all"), (["domain"], "domain"), (["customer_id"], "cust"))
                for column in ("address", "name", "fill_permille")
            ),
            models.Index(fields=["used_bytes", "id"], name="mailbox_all_used"),
            models.Index(fields=["domain", "id"], name="mailbox_domain_made"),
            models.Index(fields=["customer_id", "id"], name="mailbox_cust_made"),
            # by the person's id, which is the API's, within a domain or customer
            models.Index(fields=["domain", "user", "id"], name="mailbox_domain_user"),
            models.Index(fields=["customer_id", "user", "id"], name="mailbox_cust_user"),
            models.Index(fields=["status", "address"], name="mailbox_by_status"),
            models.Index(fields=["purge_at"], condition=Q(status="deleted"), name="mailbox_to_purge"),
            GinIndex(fields=["address"], opclasses=["gin_trgm_ops"], name="mailbox_address_parts"),
            GinIndex(fields=["name"], opclasses=["gin_trgm_ops"], name="mailbox_name_parts"),
        ]

    def __str__(self) -> str:
        return self.address

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (
            *scope_ref(Level.USER, self.user_id),
            *scope_ref(Level.DOMAIN, self.domain_id),
            *scope_ref(Level.CUSTOMER, self.customer_id),
        )
