"""Telling senders what became of their mail: failed, delayed, handed on (RFC 3464); and to whom nothing is told.

A notice is a message of our own with the empty sender, which leaves through the queue like any other. Called while
outcomes are written down, in the same transaction. Not for refusals in SMTP, which the other side tells.
"""

from gateway.bounces.deciding import give_up, tell_of_delay, tell_of_success, wants_success

__all__ = ["give_up", "tell_of_delay", "tell_of_success", "wants_success"]
