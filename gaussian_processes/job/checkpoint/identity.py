"""Identity: by what a job that was interrupted is known again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Characters of a value in a message.
SHOWN = 40


@dataclass(frozen=True)
class Identity:
    """What decides a training's result.

    Attributes:
        algorithm: its name.
        hyperparameters: plain values as they were read, defaults among them, so that their spelling does not count.
        data: the fingerprints of the channels, by name.
    """

    algorithm: str
    hyperparameters: Mapping[str, Any]
    data: Mapping[str, str]

    def differences(self, there: "Identity") -> Iterator[str]:
        """In words, what another identity has otherwise: none where both are the same."""
        if there.algorithm != self.algorithm:
            yield f"the algorithm is '{there.algorithm}' there and '{self.algorithm}' here"
            return  # hyperparameters of different algorithms cannot be compared
        yield from _compared(self.hyperparameters, there.hyperparameters)
        for channel in {**self.data, **there.data}:
            if channel not in there.data:
                yield f"there is no channel '{channel}' there"
            elif channel not in self.data:
                yield f"there is no channel '{channel}' here"
            elif there.data[channel] != self.data[channel]:
                yield f"channel '{channel}' holds other data"


def _compared(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    for name in {**here, **there}:
        # As text, too: NaN is not equal to itself.
        found, wanted = (json.dumps(each[name]) if name in each else "not set" for each in (there, here))
        if found != wanted and (name not in here or name not in there or here[name] != there[name]):
            yield f"{name} is {found[:SHOWN]} there and {wanted[:SHOWN]} here"
