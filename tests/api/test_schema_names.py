"""Schemas of the API's document lie under their names: two of one name would be one there, and one of them wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pydantic import BaseModel

import api.v1.routes  # noqa: F401  # so that all are defined


def _below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def test_no_two_schemas_have_one_name() -> None:
    ours = {each for each in _below(BaseModel) if each.__module__.startswith("api.v1")}
    assert len(ours) > 300
    doubled = [name for name, count in Counter(each.__name__ for each in ours).items() if count > 1]
    assert doubled == []
