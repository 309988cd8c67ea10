"""The SMTP protocol as a server speaks it: sessions, commands, DATA, TLS, AUTH. No Django, nothing of the house.

What a session asks (may this client? does this recipient exist? take this message) goes to a `door.Host`, which the
reception implements. Not for deciding, storing or sending mail.
"""
