"""The decision: what happens to a message, given what is known of it, a policy and the rules.

Pure: no Django, no clock, no network, no files; the same input gives the same answer. README.md here is the model.
Rows become these dataclasses elsewhere (`domains`), the facts come from whoever received the message.

Not for: receiving, scanning, keeping or delivering mail, nor for storing policies and rules.
"""
