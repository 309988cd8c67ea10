"""Signatures in the navigation, as tabs of people, domains and customers, and the sentences of their events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Level, Right
from config.kit import nav, tabs
from domains.models import Customer, Domain

OWN = ("gateway:my-signature",)
PAGES = ("gateway:signature-place", "gateway:signature-trial", "gateway:signature-people", "gateway:signature-rule")


def _of_domain(domain: Domain) -> tuple[object, ...]:
    return (Level.DOMAIN.value, domain.pk)


def _of_customer(customer: Customer) -> tuple[object, ...]:
    return (Level.CUSTOMER.value, customer.pk)


def register() -> None:
    nav.register(
        "", _("My signature"), "gateway:my-signatures", "pencil-square", order=27,
        words=_("footer greeting name title picture"), under=OWN,
    )  # fmt: skip
    nav.register(
        "gateway", _("Signatures"), "gateway:signature-template-list", "pencil-square", Right.MANAGE_SIGNATURES, 30,
        words=_("templates footer notice disclaimer banner rules"), under=PAGES,
    )  # fmt: skip
    tabs.register(
        "user", _("Signatures"), "gateway:user-signatures", right=Right.VIEW_USERS, order=52,
        under=("gateway:user-signature-create",),
    )  # fmt: skip
    for kind, args in (("domain", _of_domain), ("customer", _of_customer)):
        tabs.register(
            kind, _("Signatures"), "gateway:signature-place", right=Right.MANAGE_SIGNATURES, order=75, args=args
        )
    sentences.register(
        {
            "signature.create": _("Own signature added"),
            "signature.delete": _("Own signature deleted"),
            "signature.edit": _("Own signature changed"),
            "signature.add_picture": _("Picture for signatures added"),
            "signature.delete_picture": _("Picture for signatures deleted"),
            "signature.create_rule": _("Rule for signatures added"),
            "signature.delete_rule": _("Rule for signatures deleted"),
            "signature.edit_rule": _("Rule for signatures changed"),
            "signature.move_rule": _("Rule for signatures moved"),
            "signature.set_worth": _("What own signatures are worth changed"),
            "template.create": _("Template for signatures added"),
            "template.delete": _("Template for signatures deleted"),
            "template.edit": _("Template for signatures changed"),
        }
    )
    sentences.register_fields(
        {
            "html": _("HTML"),
            "last_day": _("Until"),
            "first_day": _("From"),
            "occasion": _("When"),
            "own_signatures": _("Own signatures"),
            "recipients": _("To whom"),
            "rules": _("Rules"),
            "side": _("Inside or outside"),
            "stops": _("No further rule"),
        }
    )
