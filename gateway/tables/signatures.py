"""The list of templates for signatures."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.kit.list_fields import Choice, Main, Number, Text, Time
from config.kit.listing import Listing
from config.kit.tables import Empty
from gateway.models import SignatureTemplate
from gateway.models.signatures import LEVELS

KINDS = tuple(SignatureTemplate.Kind.choices)

TEMPLATES: Listing[SignatureTemplate] = Listing(
    "gateway.signature-templates",
    (
        Main("name", _("Name"), words=True, sort=True, url="gateway:signature-template-edit"),
        Choice("kind", _("Kind"), choices=KINDS, filter=True),
        Choice("level", _("Place"), choices=tuple(LEVELS), filter=True),
        Text("place", _("Whose"), path="place_name", search=False),
        Number("rules", _("Rules"), path="rule_count"),
        Time("made", _("Made"), path="created_at"),
    ),
    sort="name",
    caption=_("Templates for signatures"),
    first_step=Empty(
        _("No template yet"),
        _("A template is a signature with placeholders of the directory; rules say whose mail gets it, and when."),
        "pencil-square",
    ),
    nothing=_("No template like this"),
)
