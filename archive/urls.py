"""The archive's addresses."""

from __future__ import annotations

from django.urls import path, re_path

from archive.views import (
    access,
    deletions,
    evidence,
    exports,
    holds,
    imports,
    keeping,
    mail,
    messages,
    packages,
    sharing,
    stores,
)

app_name = "archive"
_MESSAGE = r"^mail/message/(?P<message_id>[1-9][0-9]{0,17}:[1-9][0-9]{0,17})/"

urlpatterns = [
    path("mail/", mail.search, name="search"),
    path("mail/folder/<int:store_id>/<int:number>/", mail.folder, name="folder"),
    re_path(_MESSAGE + r"\Z", messages.message, name="message"),
    re_path(_MESSAGE + r"source/\Z", messages.message_source, name="message-source"),
    re_path(_MESSAGE + r"proof/\Z", messages.message_proof, name="message-proof"),
    re_path(_MESSAGE + r"retention/\Z", deletions.message_retention, name="message-retention"),
    re_path(_MESSAGE + r"delete/\Z", deletions.message_delete, name="message-delete"),
    re_path(_MESSAGE + r"body/\Z", messages.message_body, name="message-body"),
    re_path(_MESSAGE + r"message\.eml\Z", messages.message_eml, name="message-eml"),
    re_path(_MESSAGE + r"parts/(?P<index>[0-9]{1,5})/\Z", messages.part, name="part"),
    path("mail/import/", imports.import_mail, name="import"),
    path("mail/import/<int:task_id>/rejected/", imports.import_items, name="import-items"),
    path("mail/export/", exports.export_mail, name="export"),
    path("mail/export/<uuid:export_id>/", exports.export_download, name="export-download"),
    path("mail/export/<uuid:export_id>/delete/", exports.export_delete, name="export-delete"),
    path("mail/open/", access.archive_open, name="open-archive"),
    path("mail/open/<int:access_id>/close/", access.archive_close, name="close-archive"),
    path("mail/readers/", access.access_log, name="access-log"),
    path("mail/readers/<int:access_id>/", access.access_detail, name="access-detail"),
    path("mail/shares/<int:grant_id>/end/", sharing.share_end, name="share-end"),
    path("users/<int:user_id>/folders/", sharing.person_folders, name="person-folders"),
    path("retention/", keeping.retention, name="retention"),
    path("retention/policies/new/", keeping.policy_create, name="policy-create"),
    path("retention/policies/<int:policy_id>/", keeping.policy_edit, name="policy-edit"),
    path("retention/policies/<int:policy_id>/delete/", keeping.policy_delete, name="policy-delete"),
    path("retention/process/", keeping.retention_process, name="retention-process"),
    path("retention/certificates/<int:certificate_id>/", keeping.certificate, name="certificate"),
    path("retention/compliance/", keeping.compliance_edit, name="compliance-edit"),
    path("holds/", holds.hold_list, name="hold-list"),
    path("holds/new/", holds.hold_create, name="hold-create"),
    path("holds/<int:hold_id>/", holds.hold_detail, name="hold-detail"),
    path("stores/", stores.store_list, name="store-list"),
    path("stores/<int:store_id>/", stores.store_detail, name="store-detail"),
    path("stores/<int:store_id>/evidence/", evidence.store_evidence, name="store-evidence"),
    path("stores/<int:store_id>/sign/", evidence.store_sign, name="store-sign"),
    path("stores/evidence-keys.pem", evidence.evidence_key, name="evidence-key"),
    path("packages/", packages.package_list, name="package-list"),
    path("packages/add/", packages.package_add, name="package-add"),
    path("packages/<uuid:package_id>/", packages.package_download, name="package-download"),
    path("packages/<uuid:package_id>/delete/", packages.package_delete, name="package-delete"),
    path("stores/<int:store_id>/verify/", stores.store_verify, name="store-verify"),
]
