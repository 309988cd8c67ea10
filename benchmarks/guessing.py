"""Signing in while a thousand addresses guess a thousand passwords a second, at the accounts of those who sign in.

Three kinds of people, one after another, each from a network of their own: a browser that was never here, one of
somebody who mistypes once, and one that has signed in before. Counted is at which try they are in (a mistyped one is
none), and how long it took from the first right password to their first page. Not for a quiet machine's sign-in.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from urllib.parse import urlencode

from benchmarks.asking import Api
from benchmarks.figures import Target, percentile, table
from benchmarks.house import PASSWORD, ROOT, House, clean_environment
from benchmarks.passing import inside
from benchmarks.section import Bench, Result

TITLE = "Signing in beside a crowd that guesses"
ADDRESSES, SECONDS, WARM_S = 1000, 60.0, 3.0
PEOPLE = 60
TRIES, BETWEEN_S = 20, 2.0
KINDS = ("new", "mistyped", "known")
SETTING_UP = f"""
from accounts.models import User
first = User(email="p0@bench.example")
first.set_password({PASSWORD!r})
addresses = [f"p{{number}}@bench.example" for number in range({PEOPLE})]
User.objects.bulk_create(User(email=address, password=first.password) for address in addresses)
"""


class Person:
    """Somebody in a browser of their own; cookies stay from visit to visit."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._email = f"p{number}@bench.example"
        self._cookies: dict[str, str] = {}
        self._headers = {
            "X-Forwarded-For": f"203.0.113.{number + 1}",
            "Origin": f"http://127.0.0.1:{port}",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def sign_in(self, *, mistypes: int = 0) -> tuple[int, float]:
        """(at which try, seconds) from sending the right password to the first page; (0, seconds) for never."""
        form = self._form()
        for _each in range(mistypes):
            self._ask("POST", "/sign-in/", urlencode(form | {"password": "mistyped"}))
        began = time.monotonic()
        for tries in range(1, TRIES + 1):
            if self._ask("POST", "/sign-in/", urlencode(form | {"password": PASSWORD}))[0] in (302, 303):
                status = self._ask("GET", "/account/")[0]
                assert status == 200, status
                return tries, time.monotonic() - began
            time.sleep(BETWEEN_S)
        return 0, time.monotonic() - began

    def leave(self) -> None:
        """Sign out by losing the session's cookie; the browser stays known."""
        self._cookies = {name: value for name, value in self._cookies.items() if name != "postkeep"}

    def _form(self) -> dict[str, str]:
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', self._ask("GET", "/sign-in/")[1])
        assert token is not None
        return {"csrfmiddlewaretoken": token[1].decode(), "email": self._email}

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = Api(self._port, {}).ask(method, path, body.encode() or None, self._headers | {"Cookie": cookies})
        for cookie in answer.cookies:
            name, _, value = cookie.split(";", 1)[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.body


def measure(bench: Bench, known: Result) -> Result:
    with bench.scratch("guessing") as home, House(home, POSTKEEP_TRUSTED_PROXIES="127.0.0.1/32") as house:
        inside(home, SETTING_UP)
        people = [Person(house.port, number) for number in range(PEOPLE)]
        familiar = people[2::3]
        for person in familiar:
            assert person.sign_in()[0] == 1
            person.leave()
        quiet = [person.sign_in()[1] for person in familiar]
        for person in familiar:
            person.leave()
        return {"quiet_s": percentile(quiet, 50), **_beside_a_crowd(bench, house.port, people)}


def _beside_a_crowd(bench: Bench, port: int, people: list[Person]) -> Result:
    emails = [f"p{number}@bench.example" for number in range(PEOPLE)]
    argv = [sys.executable, "-m", "benchmarks.guessing_crowd", str(port), str(ADDRESSES), str(SECONDS), *emails]
    # where both share a few processors, the crowd is what yields: on the net it has its own
    process = subprocess.Popen(
        argv, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    process.stderr.readline()  # it begins
    ends = time.monotonic() + SECONDS - WARM_S
    time.sleep(WARM_S)
    found: dict[str, list[tuple[int, float]]] = {kind: [] for kind in KINDS}
    for number, person in enumerate(people):
        if time.monotonic() > ends:
            break
        kind = KINDS[number % len(KINDS)]
        found[kind].append(person.sign_in(mistypes=int(kind == "mistyped")))
    said, _errors = process.communicate()
    crowd = json.loads(said)
    bench.say(f"crowd: {crowd}")
    return {"crowd": crowd, "people": found}


def tables(found: Result) -> str:
    rows = []
    for kind, label in zip(KINDS, ("a new browser", "the same, after a mistyped one", "a known browser"), strict=True):
        tries = [each[0] for each in found["people"][kind]]
        seconds = [each[1] for each in found["people"][kind]]
        first = sum(1 for each in tries if each == 1)
        figures = [f"{percentile(seconds, 50):.2f}", f"{percentile(seconds, 95):.2f}"] if seconds else ["", ""]
        rows.append([label, str(len(tries)), str(first), str(sum(map(bool, tries))), *figures])
    crowd = found["crowd"]
    rate = sum(crowd["said"].values()) / crowd["seconds"]
    said = ", ".join(f"{status}: {times:,}" for status, times in sorted(crowd["said"].items()))
    head = ["who", "people", "in at the first try", "in at all", "p50 s", "p95 s"]
    return (
        f"{ADDRESSES:,} addresses, one guess a second each: {crowd['sent']:,} sent in {crowd['seconds']:.0f} s, "
        f"{rate:,.0f} answered a second ({said}). Without a crowd: {found['quiet_s']:.2f} s.\n\n{table(head, rows)}"
    )


def targets(found: Result) -> list[Target]:
    everybody = [each for kind in KINDS for each in found["people"][kind]]
    first = sum(1 for tries, _seconds in everybody if tries == 1)
    return [
        Target("beside a crowd, in at the first try", 100 * first / max(1, len(everybody)), 100, " %", at_least=True)
    ]
