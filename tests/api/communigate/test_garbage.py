"""Command lines of any kind, for seconds here and for long in `make torture`: always a reply, never a traceback."""

from __future__ import annotations

import os
import random
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from api.communigate.commands import COMMANDS
from api.communigate.format import DataError, read_value, write_value
from api.communigate.grammar import BadSyntax, compiled, parse
from api.communigate.scripts import find_calls
from tests import factories
from tests.api.communigate.asking import reply
from tests.domains.factories import make_domain, make_mailbox_in

WORDS = sorted({word for each in COMMANDS for word in " ".join(each.patterns).split() if word.isupper()})
SCRAPS = [
    "{}", "()", "{a=b;}", "(a,(b,#5))", '"a b"', "#5", "#NULL#", "#T01-01-2020", "#I[10.0.0.1]:5", "[aGk=]", "*", '""',
    "[10.0.0.1]", "ada@main.example", "main.example", "nobody", "<a@b.example>", "%s", "../..", '"', "(", "{a", "\\",
    "{Members=(a,b);RealName=#5;Password=(x);}", "(1,x,((Subject,is,y)),((Discard,---)))", "((1))", "\x00", "ä", "'",
    "{MaxAccountSize={};AccessMode=();Rules=x;AccountType=();}", "{a={domain=();port=x;};}", ";", "-1", "9" * 30,
]  # fmt: skip


def lines(chance: random.Random, count: int) -> list[str]:
    found = []
    for _ in range(count):
        parts = [chance.choice(SCRAPS + WORDS) for _ in range(chance.randrange(6))]
        found.append(" ".join([chance.choice(COMMANDS).name, *parts]))
    return found


def answer_all(root: User, seed: int, count: int) -> None:
    chance = random.Random(seed)
    for line in lines(chance, count):
        began = time.monotonic()
        found = reply(root, line)
        assert 200 <= found.code <= 599, line
        assert "failed; the server" not in found.text and "server’s log" not in found.text, f"seed {seed}: {line}"
        assert time.monotonic() - began < 10, line


@pytest.mark.django_db
def test_any_arguments_of_any_command_are_answered() -> None:
    make_mailbox_in(make_domain("main.example"), "ada")
    seed = int(os.environ.get("POSTKEEP_SEED") or random.randrange(10**6))
    print(f"seed {seed}")
    answer_all(factories.make_administrator("root@main.example"), seed, 400)


FOR_LONG = pytest.mark.skipif(not os.environ.get("POSTKEEP_TORTURE"), reason="make torture")


@pytest.mark.torture
@FOR_LONG
@pytest.mark.django_db
def test_any_arguments_of_any_command_for_long() -> None:
    make_mailbox_in(make_domain("main.example"), "ada")
    root = factories.make_administrator("root@main.example")
    for seed in range(40):
        answer_all(root, seed, 500)


@pytest.mark.torture
@FOR_LONG
def test_the_format_under_a_fuzzer_that_sees_its_branches() -> None:
    atheris = pytest.importorskip("atheris")

    def one(data: bytes) -> None:
        text = data.decode("latin-1")
        try:
            value = read_value(text)
        except DataError:
            return
        assert read_value(write_value(value)) == value

    if os.fork() == 0:
        atheris.Setup([sys.argv[0], "-max_total_time=300", "-max_len=4096"], one)
        atheris.Fuzz()
    assert os.wait()[1] == 0


PATTERNS = sorted({pattern for each in COMMANDS for pattern in each.patterns})


@settings(max_examples=300)
@given(
    st.sampled_from(PATTERNS),
    st.lists(st.sampled_from(SCRAPS + WORDS), max_size=7).map(" ".join) | st.text(max_size=60),
)
def test_the_grammar_reads_or_refuses_whatever_stands_behind_a_command(pattern: str, text: str) -> None:
    try:
        parse(pattern, text)
    except BadSyntax as error:
        assert str(error).startswith("syntax error")


def test_every_pattern_can_be_read() -> None:
    assert all(compiled(pattern) is not None for pattern in PATTERNS)
    assert len({each.name for each in COMMANDS}) == len(COMMANDS) == 369


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_any_text_is_looked_through_for_calls(text: str) -> None:
    assert all(found.line >= 1 for found in find_calls(text))
