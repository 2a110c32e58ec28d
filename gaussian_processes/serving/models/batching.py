"""Batching: small requests that wait for the same model are predicted together.

A single row costs a pass over the whole factor, and so do a hundred: while one prediction is under way, those that wait
for it become the next one. Nobody waits for others to come.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gevent
import numpy as np
from gevent.event import AsyncResult
from numpy.typing import NDArray

from gaussian_processes.algorithm import Algorithm, Query
from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import RowError
from gaussian_processes.serving.models.predictor import Predictor

# Rows that are predicted together at most: more cost as much each, and let the first of them wait.
ROWS = 256

Columns = Mapping[str, NDArray[Any]]
Run = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True, eq=False)
class Question:
    """What one request asks a model.

    Attributes:
        algorithm: of the model.
        model: that is asked.
        rows: (n, d).
        query: what is wanted; of outputs that each row has for itself.
        answer: where the columns are put, or the exception.
    """

    algorithm: Algorithm[Any, Any]
    model: Any
    rows: Array
    query: Query
    answer: AsyncResult = field(default_factory=AsyncResult)

    def goes_with(self, other: "Question") -> bool:
        """Whether one prediction can answer both."""
        return self.model is other.model and self.query == other.query and self.rows.shape[1] == other.rows.shape[1]


class Gathering:
    """What a worker's small requests wait in. All but the predictions runs in gevent's hub, and needs no locks.

    Args:
        short: runs a prediction where it does not hold up the hub.
        long: runs one that takes long, where it does not hold up others either.
        at_once: short predictions under way at the same time, at most.
    """

    def __init__(self, short: Run, long: Run, at_once: int) -> None:
        self._short = short
        self._long = long
        self._free = at_once
        self._waiting: deque[Question] = deque()

    def of(self, predictor: Predictor) -> Predictor:
        """The same predictor, for greenlets of requests that may be predicted together with others."""
        algorithm = predictor.algorithm

        def predict(model: Any, rows: Array, query: Query) -> Columns:
            return self._ask(Question(algorithm, model, rows, query))

        return replace(predictor, algorithm=replace(algorithm, predict=predict))

    def _ask(self, question: Question) -> Columns:
        if len(question.rows) > ROWS:
            return self._long(lambda: _predicted(question, question.rows))  # type: ignore[no-any-return]
        self._waiting.append(question)
        if self._free:
            self._free -= 1
            self._answer_next()
        columns: Columns = question.answer.get()
        return columns

    def _answer_next(self) -> None:
        """Answer who has waited longest, and all that can be answered with it; another greenlet sees to the rest."""
        if not self._waiting:  # others have been quicker
            self._free += 1
            return
        first = self._waiting.popleft()
        questions, rows, others = [first], len(first.rows), []
        for question in self._waiting:
            if question.goes_with(first) and rows + len(question.rows) <= ROWS:
                questions.append(question)
                rows += len(question.rows)
            else:
                others.append(question)
        self._waiting = deque(others)
        try:
            answers = self._short(lambda: _answers(questions))
        finally:
            if self._waiting:
                gevent.spawn(self._answer_next)
            else:
                self._free += 1
        for question, answer in zip(questions, answers, strict=True):
            if isinstance(answer, Exception):
                question.answer.set_exception(answer)
            else:
                question.answer.set(answer)


def _answers(questions: list[Question]) -> list[Columns | Exception]:
    """What is answered to each, in a native thread."""
    try:
        columns = _predicted(questions[0], np.concatenate([question.rows for question in questions]))
    except RowError:  # of one of them, which the others shall not hear of
        return [_answer(question) for question in questions]
    except Exception as error:  # noqa: BLE001  # each request deals with it as if it had been alone
        return [error] * len(questions)
    ends = np.cumsum([len(question.rows) for question in questions])
    parts = [slice(end - len(question.rows), end) for question, end in zip(questions, ends, strict=True)]
    return [{name: column[part] for name, column in columns.items()} for part in parts]


def _answer(question: Question) -> Columns | Exception:
    try:
        return _predicted(question, question.rows)
    except Exception as error:  # noqa: BLE001
        return error


def _predicted(question: Question, rows: Array) -> Columns:
    return question.algorithm.predict(question.model, rows, question.query)
