"""What this app registers when it starts: people as a place, options, pages, sentences, the sealing of the trail."""

from accounts.offers import clock, options, pages, people, sentences


def register() -> None:
    people.register()
    options.register()
    clock.register()
    sentences.register()
    pages.register()
