"""Addresses of signatures: people's own under /signatures/, those of places under /gateway/signatures/."""

from __future__ import annotations

from django.urls import path

from gateway.views import signature_places as places
from gateway.views import signatures as own

_P = "gateway/signatures/<str:level>/<int:object_id>"

patterns = [
    path("signatures/", own.my_signatures, name="my-signatures"),
    path("signatures/new/", own.my_signature_create, name="my-signature-create"),
    path("signatures/canvas/", own.signature_canvas, name="signature-canvas"),
    path("signatures/preview/", own.my_signature_preview, name="my-signature-preview"),
    path("signatures/<int:signature_id>/", own.my_signature_edit, name="my-signature-edit"),
    path("signatures/<int:signature_id>/delete/", own.my_signature_delete, name="my-signature-delete"),
    path("signatures/pictures/<int:picture_id>/", own.signature_picture, name="signature-picture"),
    path("signatures/pictures/<int:picture_id>/delete/", own.picture_delete, name="signature-picture-delete"),
    path("signatures/of/<int:mailbox_id>/", own.user_signatures, name="user-signatures"),
    path("signatures/of/<int:mailbox_id>/new/", own.user_signature_create, name="user-signature-create"),
    path("signatures/of/<int:mailbox_id>/now/", own.signature_effective, name="signature-effective"),
    path("signatures/of/<int:mailbox_id>/pictures/", own.my_picture_add, name="my-picture-add"),
    path("gateway/signatures/", places.signature_template_list, name="signature-template-list"),
    path("gateway/signatures/try/", places.signature_trial, name="signature-trial"),
    path("gateway/signatures/try/frame/", places.signature_trial_frame, name="signature-trial-frame"),
    path("gateway/signatures/who/", places.signature_people, name="signature-people"),
    path("gateway/signatures/preview/", places.signature_template_preview, name="signature-template-preview"),
    path("gateway/signatures/<int:template_id>/", places.signature_template_edit, name="signature-template-edit"),
    path(
        "gateway/signatures/<int:template_id>/delete/",
        places.signature_template_delete,
        name="signature-template-delete",
    ),
    path("gateway/signature-rules/<int:rule_id>/", places.signature_rule_edit, name="signature-rule-edit"),
    path("gateway/signature-rules/<int:rule_id>/delete/", places.signature_rule_delete, name="signature-rule-delete"),
    path(f"{_P}/", places.signature_place, name="signature-place"),
    path(f"{_P}/worth/", places.signature_worth, name="signature-worth"),
    path(f"{_P}/pictures/", places.signature_place_picture, name="signature-place-picture"),
    path(f"{_P}/templates/new/", places.signature_template_create, name="signature-template-create"),
    path(f"{_P}/rules/new/", places.signature_rule_create, name="signature-rule-create"),
]
