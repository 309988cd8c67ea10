"""Sieve, the language of mail rules (RFC 5228), as far as Postkeep speaks it: pure, no Django, no clock of its own.

    script = parse(text)                      # sievelib reads it; BadScript names line and column
    outcome = run(script, mail, setting)      # what is to be done, and a line for everything that was asked
    rules = rules_of(text); text = text_of(rules)   # the rules of the editor, which are Sieve too

What is done with an outcome is `gateway.ruling`'s. Not for storing scripts (`gateway.models.SieveScript`).
"""

from gateway.sieve.parsing import parse
from gateway.sieve.running import run
from gateway.sieve.script import BadScript, Script

__all__ = ["BadScript", "Script", "parse", "run"]
