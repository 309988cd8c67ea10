"""Digest mails: their settings, the mail as it would be, and what its links lead to."""

from __future__ import annotations

from django.urls import path

from gateway.views import digest_links, digests

_OF = "gateway/digests/<str:level>/<int:object_id>/"

patterns = [
    path("q/<str:token>/", digest_links.digest_link, name="digest-link"),
    path("quarantine/digest/", digests.own_digest, name="own-digest"),
    path("quarantine/digest/mail/", digests.own_digest_preview, name="own-digest-preview"),
    path("quarantine/digest/send/", digests.own_digest_send, name="own-digest-send"),
    path("gateway/digests/", digests.server_digest, name="server-digest"),
    path(_OF, digests.digest_settings, name="digest-settings"),
    path(f"{_OF}mail/", digests.digest_example, name="digest-example"),
    path(f"{_OF}send/", digests.digest_example_send, name="digest-example-send"),
]
