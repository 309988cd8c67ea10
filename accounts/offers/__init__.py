"""What this app registers when it starts: people as a place, options, pages, sentences, the sealing of the trail."""

from accounts import networks
from accounts.lists_sessions import SESSIONS, EndSessions
from accounts.offers import clock, factors, known_settings, options, pages, people, sentences
from accounts.selectors.sessions import list_sessions
from config.kit import bulk


def register() -> None:
    people.register()
    options.register()
    networks.register()
    known_settings.register()
    clock.register()
    sentences.register()
    pages.register()
    factors.register()
    bulk.register(SESSIONS, list_sessions, EndSessions())
