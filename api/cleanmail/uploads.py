"""A file as Cleanmail's clients send it (multipart, its part `file`), as the document that version 1 takes."""

from __future__ import annotations

import base64
import json

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from api.errors import BadRequest

PART = "file"


def as_document(request: HttpRequest) -> bytes:
    """The file of the part `file`, or of the only part. Raises: BadRequest."""
    try:
        files = request.FILES
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise BadRequest("The upload can't be read.") from error
    found = files.get(PART) or next(iter(files.values()), None)
    if not isinstance(found, UploadedFile):
        raise BadRequest("There is no file in the upload; its part is called “file”.")
    content = base64.b64encode(found.read()).decode()
    return json.dumps({"name": found.name, "type": found.content_type or "", "content": content}).encode()
