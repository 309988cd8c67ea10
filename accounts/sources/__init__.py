"""Clients of the places where an organisation keeps its people: a directory, a mail server, an identity provider.

They speak protocols through the gate and know nothing of accounts: whom an answer lets in is
`accounts.services.source_sign_in`.
"""
