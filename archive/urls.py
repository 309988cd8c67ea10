"""The archive's addresses."""

from __future__ import annotations

from django.urls import path, re_path

from archive.views import access, evidence, exports, imports, mail, messages, packages, sharing, stores

app_name = "archive"
_MESSAGE = r"^mail/message/(?P<message_id>[1-9][0-9]{0,17}:[1-9][0-9]{0,17})/"

urlpatterns = [
    path("mail/", mail.search, name="search"),
    path("mail/folder/<int:store_id>/<int:number>/", mail.folder, name="folder"),
    re_path(_MESSAGE + r"\Z", messages.message, name="message"),
    re_path(_MESSAGE + r"source/\Z", messages.message_source, name="message-source"),
    re_path(_MESSAGE + r"proof/\Z", messages.message_proof, name="message-proof"),
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
