"""What an import trains dictionaries on."""

from __future__ import annotations

import hashlib

from archive.store.contract import mail
from archive.store.samples import Samples


def test_a_message_that_was_erased_since_it_was_sampled_is_not_trained_on() -> None:
    samples = Samples(0, 0)
    contents = [mail(f"m{at}", "x" * 9000) for at in range(200)]
    for content in contents:
        samples.add(content)
    erased = {hashlib.sha256(content).digest() for content in contents[:40]}
    # The last fifty are on their way into the store, so they are not looked for there.
    found = samples.due(150, lambda digests: {one for one in digests[:150] if one not in erased})
    assert found == contents[40:]
