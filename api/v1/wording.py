"""Words that several groups write alike: languages, states, and how the API's enumerations stand for ours."""

from __future__ import annotations

from typing import Annotated, Literal

from api.schemas import UpperCase
from domains.models import Status

Language = Literal["EN", "FR", "DE", "ES", "NB", "DA"]
AnyCaseLanguage = Annotated[Language, UpperCase]
NewState = Literal["ENABLED", "DISABLED", "PENDING"]
State = Literal["ENABLED", "DISABLED", "PENDING", "DELETED"]
STATES: dict[str, Status] = {status.value.upper(): status for status in Status if status != Status.PURGED}
LANGUAGES: dict[str, str] = {code: code.lower() for code in ("EN", "FR", "DE", "ES", "NB", "DA")}
