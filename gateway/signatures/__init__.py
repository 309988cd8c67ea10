"""Signatures in mail that leaves: choosing, filling in, placing. Pure: no Django, no clock, no network.

    choosing   which blocks somebody's message to somebody gets        (`book` -> `choose`)
    filling    placeholders of the directory; an empty one takes its line away
    placing    a block into the bytes of a message: `place(raw, blocks) -> Placed`
    quoting, texts, pages   where the quoted text begins
    fitness    messages that are never touched

Not for rows and pages (`gateway.services.signatures`), nor for the chain they run in (`gateway.outgoing`).
"""
