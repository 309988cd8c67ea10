"""What this app registers when it starts: people as a place, options, pages, sentences, the sealing of the trail."""

from accounts.lists_sessions import SESSIONS, EndSessions
from accounts.offers import clock, factors, options, pages, people, sentences
from accounts.selectors.sessions import list_sessions
from config.kit import bulk


def register() -> None:
    people.register()
    options.register()
    clock.register()
    sentences.register()
    pages.register()
    factors.register()
    bulk.register(SESSIONS, list_sessions, EndSessions())
