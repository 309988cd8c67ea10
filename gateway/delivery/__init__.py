"""How mail leaves: which servers, connections to them, the bytes, and what they answered.

`loop` is the process (`manage.py deliver`); the client speaks SMTP on asyncio. Why our own client and not aiosmtplib:
docs/decisions. Not for what is sent when (`gateway.queue`) nor for bounces (`gateway.bounces`).
"""
