"""Tags for object pages: inherited values and the page as an API call. They draw; they never query and never decide."""

from __future__ import annotations

import json
import shlex
from typing import Any

from django import template
from django.conf import settings
from django.template.context import RequestContext

register = template.Library()


@register.inclusion_tag("components/inherited.html", takes_context=True)
def inherited(
    context: RequestContext, value: Any, source: Any = "", reset_url: str = "", source_url: str = ""
) -> dict[str, Any]:
    """A value with where it comes from: grey with its `source`, or, with a `reset_url`, own and with the way back."""
    return {
        "value": value,
        "source": source,
        "reset_url": reset_url,
        "source_url": source_url,
        "csrf_token": context.get("csrf_token", ""),
    }


@register.inclusion_tag("components/api_call.html")
def api_call(method: str, path: str, body: Any = None) -> dict[str, str]:
    """What this page shows or does, as a call of the API that can be pasted into a shell."""
    return {"curl": curl(method, path, body)}


def curl(method: str, path: str, body: Any = None) -> str:
    """The call in lines; the token is the shell's $POSTKEEP_TOKEN, so that none stands in a history."""
    lines = ["curl" if method == "GET" else f"curl -X {method}", '-H "Authorization: Bearer $POSTKEEP_TOKEN"']
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
    lines.append(shlex.quote(f"{settings.PUBLIC_URL.rstrip('/')}{path}"))
    return " \\\n  ".join(lines)
