"""The certificate of the server by the names that archive programs know: which one the pages show.

Source of the name: SetServiceCertificate of the MailStore administration API. A thumbprint is the SHA-1 or SHA-256 of
the certificate, in hexadecimal, with or without colons and spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from domains.errors import Invalid
from gateway.models import Certificate
from gateway.services.certificates import save_certificate
from jobs.commands import About, command
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class CertificateArguments:
    """Which."""

    thumbprint: Annotated[str, About(gettext_lazy("Thumbprint"))]


@command(
    "SetServiceCertificate",
    needs=Right.MANAGE_SERVER,
    arguments=CertificateArguments,
    label=gettext_lazy("Certificate of the server"),
    plannable=False,
)
def set_service_certificate(actor: Actor, run: TaskRun, arguments: CertificateArguments) -> dict[str, object]:
    """Choose the certificate that the pages show; it must be one of the gateway's."""
    wanted = "".join(letter for letter in arguments.thumbprint.lower() if letter in "0123456789abcdef")
    row = next((row for row in Certificate.objects.all() if wanted and wanted in _thumbprints(row)), None)
    if row is None:
        raise Invalid(_("There is no certificate of this thumbprint; add it to the certificates first."))
    save_certificate(actor, row, {"is_web": True})
    return {"name": row.name, "thumbprint": row.fingerprint, "hosts": row.hosts}


def _thumbprints(row: Certificate) -> set[str]:
    found = {row.fingerprint}
    if row.chain:
        certificate = x509.load_pem_x509_certificates(row.chain.encode())[0]
        found.add(certificate.fingerprint(hashes.SHA1()).hex())  # noqa: S303  # a name, not a proof
    return found
