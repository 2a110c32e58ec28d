"""Messages: what the leader tells the others, and they it. The scheduler keeps them for those who come late."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Topics of the scheduler's log of events: what the leader says, and which hosts have heard its last word.
LEADER, HEARD = "leader", "heard"
WORK: dict[str, Any] = {"say": "work"}


@dataclass(frozen=True)
class Farewell:
    """The leader's last word.

    Attributes:
        code: with which the others are to exit.
        reason: why, in a sentence.
    """

    code: int
    reason: str

    @property
    def message(self) -> dict[str, Any]:
        """As it is sent."""
        return {"say": "farewell", "code": self.code, "reason": self.reason}


def farewell_of(message: Mapping[str, Any]) -> Farewell | None:
    """What was said, if it was the last word."""
    return Farewell(int(message["code"]), str(message["reason"])) if message.get("say") == "farewell" else None
