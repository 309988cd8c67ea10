"""What this app registers when it starts: people as a place, its options."""

from accounts.offers import options, people


def register() -> None:
    people.register()
    options.register()
