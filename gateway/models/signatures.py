"""Signatures: people's own, templates of the server, customers and domains, the rules between, and their pictures.

What belongs to a place has its level and id, as grants do (`accounts.scopes`). What leaves with mail is made by
`gateway.signature_books`; nothing here knows about messages.
"""

from __future__ import annotations

from typing import TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import places
from accounts.actors import Actor
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.versions import Versioned
from domains.models import Mailbox

LEVELS = [
    (Level.SERVER.value, _("Server")), (Level.CUSTOMER.value, _("Customer")), (Level.DOMAIN.value, _("Domain"))
]  # fmt: skip
M = TypeVar("M", bound=models.Model)


class OfPlaces(models.QuerySet[M]):
    """For models with `level` and `object_id`."""

    def visible_to(self, actor: Actor, right: str) -> OfPlaces[M]:
        """Those of places on which the actor holds the right; fails closed."""
        return self.filter(places.condition(actor.reach(right)))


class OfPlace(Versioned):
    """A row that the server, a customer or a domain has."""

    level = models.CharField(_("place"), max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def place(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return places.chain(self.place)[:-1]


class OwnSignature(Versioned):
    """One of a person's own; the default one goes with their mail."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="signatures")
    name = models.CharField(_("name"), max_length=100)
    html = models.TextField(_("signature"))  # cleaned
    text = models.TextField(_("as text"), blank=True, default="")  # "": made of the HTML
    is_default = models.BooleanField(_("goes with your mail"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-is_default", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "name"], name="gw_own_signature_name"),
            models.UniqueConstraint(fields=["mailbox"], condition=Q(is_default=True), name="gw_own_signature_default"),
        ]

    def __str__(self) -> str:
        return self.name

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.mailbox.scopes()


class SignatureTemplate(OfPlace):
    """A signature, or an addition below it (a notice, a banner), with placeholders of the directory."""

    class Kind(models.TextChoices):
        SIGNATURE = "signature", pgettext_lazy("of a template", "Signature")
        ADDITION = "addition", pgettext_lazy("of a template", "Addition below it")

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.SIGNATURE)
    html = models.TextField("HTML")
    text = models.TextField(_("as text"), blank=True, default="")
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    objects = OfPlaces.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["level", "object_id", "name"], name="gw_template_name_once")]
        indexes = [models.Index(fields=["name", "id"], name="gw_template_by_name")]

    def __str__(self) -> str:
        return self.name


class SignatureRule(OfPlace):
    """Who gets which template, when. Empty lists mean everybody; no template means no signature.

    people: ids of mailboxes; groups: of addresses that are groups; domains: of domains. recipients: patterns with `*`.
    """

    class Side(models.TextChoices):
        ANY = "any", _("to anybody")
        INSIDE = "inside", _("to people of the same customer")
        OUTSIDE = "outside", _("to people elsewhere")

    class Occasion(models.TextChoices):
        ANY = "any", _("in every message")
        FIRST = "first", _("in the first message of a thread")
        REPLY = "reply", _("in replies")

    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=100)
    is_enabled = models.BooleanField(_("in use"), default=True)
    template = models.ForeignKey(
        SignatureTemplate, on_delete=models.CASCADE, null=True, blank=True, related_name="rules"
    )
    people = ArrayField(models.BigIntegerField(), default=list, blank=True)
    groups = ArrayField(models.BigIntegerField(), default=list, blank=True)
    domains = ArrayField(models.BigIntegerField(), default=list, blank=True)
    side = models.CharField(_("to whom"), max_length=10, choices=Side.choices, default=Side.ANY)
    recipients = ArrayField(models.CharField(max_length=320), default=list, blank=True)
    occasion = models.CharField(_("when"), max_length=10, choices=Occasion.choices, default=Occasion.ANY)
    first_day = models.DateField(_("from"), null=True, blank=True)
    last_day = models.DateField(_("until"), null=True, blank=True)
    stops = models.BooleanField(_("no further rule of this place"), default=False)

    objects = OfPlaces.as_manager()

    class Meta:
        ordering = ["level", "object_id", "position", "pk"]
        indexes = [
            models.Index(fields=["level", "object_id", "position"], name="gw_signature_rule_order"),
            models.Index(fields=["name", "id"], name="gw_signature_rule_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class SignatureSetting(OfPlace):
    """What people's own signatures are worth in a place; without a row as the place above says."""

    class Own(models.TextChoices):
        FIRST = "first", _("count before templates")
        ELSE = "else", _("count where no template does")
        NEVER = "never", _("are not used")

    own = models.CharField(_("own signatures"), max_length=10, choices=Own.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "object_id"], name="gw_signature_setting_once")]

    def __str__(self) -> str:
        return f"{self.level} {self.object_id}: {self.own}"


class PictureContent(models.Model):
    """A picture's bytes, written anew from what was uploaded; once however many have it."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of data
    content_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.digest[:12]


class SignaturePicture(models.Model):
    """A picture that a person (`mailbox`) or a place has for its signatures, where it is called `cid:picture-<id>`."""

    content = models.ForeignKey(PictureContent, on_delete=models.PROTECT, related_name="uses")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, related_name="signature_pictures")
    level = models.CharField(max_length=10, blank=True, default="")
    object_id = models.BigIntegerField(default=0)
    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["level", "object_id"], name="gw_picture_by_place")]
        constraints = [
            models.UniqueConstraint(
                fields=["content", "mailbox", "level", "object_id"], nulls_distinct=False, name="gw_picture_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def reference(self) -> str:
        """What stands in the HTML."""
        return f"cid:picture-{self.pk}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        if self.mailbox is not None:
            return self.mailbox.scopes()
        return places.chain(SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id))[:-1]
