"""Writes of what we serve; one module a subject. Every one takes the actor first and checks the right itself."""
