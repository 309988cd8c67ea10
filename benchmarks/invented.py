"""Invented customers, domains and people for a directory of any size, the same ones for the same seed.

Pure: names and numbers only. Sizes are uneven as they are in life: one domain in twenty holds half of the people, most
hold a dozen; one customer has a fifth of the domains, most have a handful. One domain in sixteen is internationalised.
Not for writing them anywhere: that is benchmarks.directory_data for us and benchmarks.modoboa for the peer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words("""
Ada Agnes Ahmed Alina Amir Ana Anders Anna Anton Aron Astrid Aysel Bela Benedikt Bente Birgit Björn Bo Carla Carlos
Cecilia Chiara Chloé Clara Daniel David Diego Dilek Dora Eda Elias Elif Elin Élodie Emil Emma Enzo Erik Esra Eva
Fabian Fatma Felix Fiona Florian Franka Frida Gabriel Gerda Greta Gustav Hanna Hans Hedda Heike Helge Henrik Hugo
Ida Ilse Ines Inga Irina Isabel Ivan Jakob Jana Jasper Jens Jo Johan Jonas Josefine Julia Kai Karin Karl Katja Kemal
Kerstin Kim Klara Knut Lars Laura Léa Leo Lena Lilli Linus Lotte Louis Lucia Luís Lukas Magnus Maja Malte Manon Mara
Marco Maria Marie Markus Marta Mats Mehmet Mia Mila Mira Mona Nadia Nils Nina Noah Nora Ole Olga Olivia Oskar Paul
Pauline Per Petra Philipp Pia Rasmus Rita Rosa Sami Sara Selma Signe Silja Simon Sofia Søren Stefan Svea Sven Tamara
Theo Thea Till Tomás Tove Ulla Ursula Valentin Vera Viktor Vito Willem Yara Yusuf Zoe
""")
LAST = _words("""
Aalto Abel Acker Adler Ahlers Albrecht Almeida Andersen Arnold Bach Bauer Beck Becker Berg Berger Bernard Bianchi
Blanc Blom Böhm Bosch Brandt Braun Breuer Brun Busch Carlsen Castro Christensen Costa Dahl Demir Diaz Dietrich
Dubois Dumont Ebert Egger Ek Engel Eriksen Ernst Esposito Faber Falk Ferrari Fischer Fontaine Forster Frank Franke
Friis Fuchs Gallo Garcia Gerber Girard Graf Greco Gross Günther Haas Hagen Hahn Halvorsen Hansen Hartmann Heinrich
Henriksen Herrmann Hoffmann Holm Horn Huber Iversen Jacobsen Jäger Jansen Jensen Johansen Jung Kaiser Kaya Keller
Klein Koch Köhler König Kraft Krause Krüger Kuhn Lang Larsen Lehmann Lemaire Lind Lindqvist Lopez Lorenz Lund Maier
Mancini Marino Martin Martins Mayer Meier Meyer Möller Moreau Moretti Mørk Müller Nagel Neumann Nielsen Novak Nowak
Nyberg Öberg Olsen Otto Öztürk Pedersen Pereira Peters Petit Pfeiffer Pohl Ramos Rasmussen Reis Richter Ricci Riedel
Rossi Roth Roux Ruiz Sahin Santos Sauer Schäfer Schmidt Schneider Scholz Schreiber Schubert Schulz Schwarz Seidel
Silva Simon Sommer Sørensen Stein Strand Suarez Svensson Thomas Thomsen Torres Vargas Vidal Vogel Vogt Voss Wagner
Walter Weber Weiss Werner Wiese Winkler Wolf Yildiz Ziegler Zimmermann
""")
STEMS = _words("""
adler ahorn anker apfel atlas aurora birke brücke brunnen burg delta dorn düne eiche eisen erle falken feder feld
fels ferro fjord flora forst fuchs garten glas gold grün hafen hain hammer harz hecke heide hirsch höhe holz insel
jura kamm kanal kastanie kiesel klee korn kran krone küste lärche lager laub licht linde lotse luft marmor mast meer
mond moor möwe mühle nebel nord nuss oliv orion pappel perle pfad pilot quelle rabe reben ring rosen salz sand
schiefer schilf see segel silber sonne stahl stern strom süd tanne taube teich turm ufer ulme wald weide weiler
wiese wind winkel wolke zeder ziegel
""")
TRADES = _words("""
bau druck energie film foto garten gas handel haus holz hotel kanzlei klinik kredit labor logistik markt medien
metall möbel mode museum musik optik papier pflege physik post reise schule software spedition stadt stiftung
technik textil verlag verein versicherung werk werft wohnen
""")
PLAIN = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "é": "e", "è": "e", "á": "a", "í": "i", "ñ": "n",
    "ç": "c",
})  # fmt: skip
TOP = "example"
LARGEST_SHARES = (0.20, 0.10)
SKEW_PEOPLE, SKEW_DOMAINS, FLATTEN = 1.05, 1.6, 3.0
EVERY_IDN = 16


GIB = 1 << 30
QUOTAS_GIB = (1, 2, 5, 10, 50)
MESSAGE_BYTES = 75_000
EVERY_ALIAS, EVERY_TEAM = 20, 25
LARGEST_GROUP = 10_000
ELSEWHERE = "example.net"


@dataclass(frozen=True, slots=True)
class Person:
    """One person in one domain; `local` is unique there, lower case, ASCII.

    status: enabled, disabled or pending. quota_bytes: None = as the domain says. What is used follows no quota.
    """

    local: str
    first: str
    last: str
    status: str
    quota_bytes: int | None
    used_bytes: int
    used_messages: int


@dataclass(frozen=True, slots=True)
class Group:
    """A group: the local parts of its members in the domain (people or other groups), and one address elsewhere."""

    local: str
    members: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InventedDomain:
    """`number` counts from 0 over all; `name` is as people write it (U-labels), lower case.

    quota_bytes: of its mailboxes, None = the server's.
    """

    number: int
    name: str
    customer: int
    size: int
    quota_bytes: int | None


class Directory:
    """So many mailboxes in so many domains of so many customers; the same for the same numbers and seed."""

    def __init__(self, mailboxes: int, domains: int, customers: int, *, seed: int = 1) -> None:
        if not 0 < customers <= domains <= mailboxes:
            raise ValueError("a customer has a domain, a domain has a mailbox")
        self.mailboxes, self.seed = mailboxes, seed
        self._domains, self._customers = domains, customers

    @cached_property
    def customers(self) -> list[str]:
        """Their names; the first has a fifth of all domains, the second a tenth."""
        chance = self._chance("customers")
        names = [f"{stem.capitalize()} {trade.capitalize()}" for stem in STEMS for trade in TRADES]
        chance.shuffle(names)
        return [names[at] if at < len(names) else f"{names[at % len(names)]} {at}" for at in range(self._customers)]

    @cached_property
    def domains(self) -> list[InventedDomain]:
        """All of them, those of one customer beside each other."""
        owners = [customer for customer, count in enumerate(self.domain_counts) for _ in range(count)]
        sizes = parts(self.mailboxes, self._domains, SKEW_PEOPLE)
        self._chance("sizes").shuffle(sizes)
        made: list[InventedDomain] = []
        within = 0
        for number, (owner, size) in enumerate(zip(owners, sizes, strict=True)):
            within = within + 1 if made and made[-1].customer == owner else 0
            name, quota = self._domain_name(number, owner, within), (2 + number % 3 * 4) * GIB if number % 2 else None
            made.append(InventedDomain(number, name, owner, size, quota))
        return made

    @cached_property
    def domain_counts(self) -> list[int]:
        """How many domains each customer has."""
        large = [max(1, round(self._domains * share)) for share in LARGEST_SHARES][: max(0, self._customers - 1)]
        rest = self._customers - len(large)
        return large + parts(self._domains - sum(large), rest, SKEW_DOMAINS)

    def people(self, domain: InventedDomain) -> Iterator[Person]:
        """The people of one domain; made anew at each call, so a million need no memory."""
        chance = self._chance(f"people {domain.number}")
        taken: dict[str, int] = {}
        for _ in range(domain.size):
            first, last = FIRST[int(chance.random() * len(FIRST))], LAST[int(chance.random() * len(LAST))]
            base = f"{plain(first)}.{plain(last)}"
            times = taken[base] = taken.get(base, 0) + 1
            local = base if times == 1 else f"{base}{times}"
            what, quota, used = chance.random(), chance.random(), chance.random()
            status = "disabled" if what < 0.04 else "pending" if what < 0.06 else "enabled"
            quota_bytes = QUOTAS_GIB[int(quota * 20)] * GIB if quota < 0.25 else None
            used_bytes = int(8 * GIB * used**6)
            yield Person(local, first, last, status, quota_bytes, used_bytes, used_bytes // MESSAGE_BYTES)

    def groups(self, domain: InventedDomain, people: Sequence[Person]) -> Iterator[Group]:
        """A team for every 25 of its people, `everyone` of all teams, and in the largest domain one of 10,000."""
        locals_ = [person.local for person in people]
        teams = [locals_[at : at + EVERY_TEAM] for at in range(0, len(locals_), EVERY_TEAM)]
        for number, members in enumerate(teams, 1):
            elsewhere = (f"{members[0]}@{ELSEWHERE}",) if number % 4 == 0 else ()
            yield Group(f"team{number}", tuple(members), elsewhere)
        yield Group("everyone", tuple(f"team{number}" for number in range(1, len(teams) + 1)))
        if domain == self.largest:
            yield Group("ten-thousand", tuple(locals_[:LARGEST_GROUP]))

    def forwards(self, domain: InventedDomain) -> Iterator[tuple[str, str]]:
        """(local part, where to): one in each domain, to somebody elsewhere."""
        yield "kontakt", f"d{domain.number}@{ELSEWHERE}"

    @cached_property
    def largest(self) -> InventedDomain:
        """The domain with the most people."""
        return max(self.domains, key=lambda domain: (domain.size, -domain.number))

    def _domain_name(self, number: int, owner: int, within: int) -> str:
        """The customer's own name, then branches of it: `nord-bau.example`, `nord-bau-12.example`."""
        stem, trade = self.customers[owner].lower().split(" ")[:2]
        again = f"{owner}" if owner >= len(STEMS) * len(TRADES) else ""
        if number % EVERY_IDN:
            stem, trade = plain(stem), plain(trade)
        elif stem.isascii() and trade.isascii():
            stem = f"{stem}-münchen"
        branch = f"-{within}" if within else ""
        if within and within % 5 == 0:
            return f"abteilung{within}.{plain(stem)}{plain(trade)}{again}.{TOP}"
        return f"{stem}-{trade}{again}{branch}.{TOP}"

    def _chance(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")  # noqa: S311  (names, not secrets)


def aliases(people: Sequence[Person]) -> Iterator[tuple[str, str]]:
    """(alias, person) as local parts; one of twenty people of a domain has one."""
    taken: set[str] = set()
    for at, person in enumerate(people):
        alias = f"{person.local[0]}.{plain(person.last)}"
        if at % EVERY_ALIAS == 0 and alias not in taken:
            taken.add(alias)
            yield alias, person.local


def parts(total: int, count: int, skew: float) -> list[int]:
    """`total` in `count` parts of at least 1, a few large and most small, largest first; the more skew the fewer."""
    weights = [(at + FLATTEN) ** -skew for at in range(count)]
    scale = (total - count) / sum(weights)
    sizes = [1 + int(weight * scale) for weight in weights]
    sizes[0] += total - sum(sizes)
    return sizes


def plain(text: str) -> str:
    """Lower case ASCII, as people write names in addresses."""
    return text.lower().translate(PLAIN)
