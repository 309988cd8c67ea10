"""How the gateway's lists look, and what they can be asked."""
