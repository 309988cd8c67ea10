"""A script as people have them for MailStore: nothing but Python's standard library, and the facts of its interface.

    MAILSTORE_PASSWORD=… python script.py https://127.0.0.1:8463 you@example.org VerifyStore id=1 includeIndexes=true

It asks for the functions there are, refuses what isn't among them by itself, answers the challenge, and follows a
function to its end: news go to stderr, its result as JSON to stdout. Exit code 1: the function failed; 2: it wasn't
called. Not a part of Postkeep: it must not import any of it.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode


class Management:
    """One server. The certificate is not looked at, as most such scripts have it (`ignoreInvalidSSLCerts`)."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.base = url.rstrip("/") + "/api/"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, user, password)
        # Sends each call bare first and again after the challenge, as the older wrappers do.
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPBasicAuthHandler(passwords)
        )
        self.functions = {each["name"]: each["args"] for each in self.post("get-metadata")}

    def post(self, path: str, form: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(self.base + path, urlencode(form or {}).encode(), method="POST")
        with self.opener.open(request, timeout=60) as answer:
            return json.loads(answer.read().decode("utf-8-sig"))

    def call(self, function: str, form: dict[str, str]) -> dict[str, Any]:
        """The last envelope. Raises: SystemExit for what the metadata don't know."""
        known = self.functions.get(function)
        if known is None:
            sys.exit(f"{function} is no function of this server")
        missing = [each["name"] for each in known if not each["nullable"] and each["name"] not in form]
        unknown = sorted(form.keys() - {each["name"] for each in known})
        if missing or unknown:
            sys.exit(f"{function}: missing {missing}, unknown {unknown}")
        found: dict[str, Any] = self.post(f"invoke/{function}", form)
        while found["statusCode"] == "running":
            print(f"{found['percentProgress']} % {found['statusText']} {found['logOutput'] or ''}", file=sys.stderr)
            last = {"lastKnownStatusVersion": found["statusVersion"], "millisecondsTimeout": 1000}
            found = self.post("/get-status", {"token": found["token"], **last})  # a slash too many, as they send it
        return found


def main(arguments: list[str]) -> int:
    url, user, function, *given = arguments
    try:
        server = Management(url, user, os.environ["MAILSTORE_PASSWORD"])
        found = server.call(function, dict(each.split("=", 1) for each in given))
    except urllib.error.HTTPError as error:
        print(f"{error.code} {error.reason}", file=sys.stderr)
        return 2
    if found["error"]:
        print(found["error"]["message"], file=sys.stderr)
        return 1
    json.dump(found["result"], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
