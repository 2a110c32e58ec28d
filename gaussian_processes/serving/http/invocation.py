"""Invocation: a request's bytes to records, to answers, to bytes."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from werkzeug.datastructures import Headers

from gaussian_processes.data.format import parse_content_type
from gaussian_processes.data.http import ANSWERS, CSV, REQUESTS, Exchange, Request, negotiate
from gaussian_processes.data.records import Answer
from gaussian_processes.data.room import kept
from gaussian_processes.serving.http.queries import Wish, parse_attributes, parse_query
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.serving.watching.metrics import Tally

SOURCE = "The request body"


@dataclass(frozen=True)
class Habits:
    """What holds for every request that does not say otherwise.

    Attributes:
        batch: whether a record at fault is answered by the reason, and not the whole request.
        usual_format: of answers to requests without a preference; None for the request's own.
        usual_words: of queries.
        formats: that requests can have.
    """

    batch: bool = False
    usual_format: Exchange | None = None
    usual_words: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[Request, ...] = REQUESTS


@dataclass(frozen=True)
class Invocation:
    """What a request asks for, in what form, and in what form to answer."""

    received: Request
    parameters: Mapping[str, str]
    returned: Exchange
    wish: Wish
    batch: bool

    def answer(self, predictor: Predictor, body: BinaryIO, tallying: "Tallying") -> Generator[bytes, None, None]:
        """The answer's bytes, in pieces; what was in them is added to `tallying`.

        Raises:
            DataError: what is wrong with the body, and where.
        """
        reading: Any  # a generator, as every codec's reading half is
        if self.batch:
            reading = self.received.read_records(body, SOURCE, self.parameters, predictor.features)
            answers = predictor.answers_to_records(predictor.as_trained(reading), self.wish)
        else:
            reading = self.received.read(body, SOURCE, self.parameters)
            answers = predictor.answers((table.values for table in predictor.as_trained(reading)), self.wish)
        with closing(reading):  # whatever still refers to it: it may hold what others wait for
            yield from kept(self.returned.write(tallying.counted(answers)))


def parse_invocation(headers: Headers, predictor: Predictor, habits: Habits) -> Invocation:
    """What a request's headers say: Content-Type, Accept, and X-Amzn-SageMaker-Custom-Attributes.

    Raises:
        UnsupportedMediaTypeError, NotAcceptableError: a format that is not known.
        DataError: a query that means nothing.
    """
    received, parameters = parse_content_type(headers.get("Content-Type"), habits.formats)
    own = next((known for known in ANSWERS if known is received), CSV)
    returned, accepted = negotiate(headers.get("Accept"), default=habits.usual_format or own)
    attributes = parse_attributes(headers.get("X-Amzn-SageMaker-Custom-Attributes", ""))
    words = {**habits.usual_words, **attributes, **accepted}
    wish = parse_query(words, predictor.algorithm.outputs, usual=returned.every_output)
    return Invocation(received, parameters, returned, wish, habits.batch)


@dataclass
class Tallying:
    """Counts answers as they go by."""

    tally: Tally = field(default_factory=lambda: Tally(0, 0, None))

    def counted(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """The same answers."""
        for answer in answers:
            known = self.tally.extrapolating
            flagged = [int(flag.sum()) for flag in answer.flags.values()]
            self.tally = Tally(
                self.tally.rows + len(answer),
                self.tally.faults + len(answer.faults),
                (known or 0) + sum(flagged) if flagged else known,
            )
            yield answer
