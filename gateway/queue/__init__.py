"""What waits to leave: put there, claimed, tried again, given up.

Not for speaking SMTP (`gateway.delivery`) nor for who may do what to it (`gateway.services.queues`).
"""
