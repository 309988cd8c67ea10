"""`python -m tests.browser.shots OUTDIR [more pytest options]`: a picture of every page, in both sizes and both themes.

For looking at them; it runs the walk over all pages and keeps what it sees.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from config import messages, translations


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    translations.compile_all(messages.ROOT / "locale")  # PAGE_LOCALE chooses which language is seen
    os.environ["PAGE_SHOTS"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    return int(pytest.main(["-q", str(Path(__file__).parent / "test_pages.py"), *arguments[1:]]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
