"""Gathering: requests that wait for the same model are predicted together, and none of them notices."""

from types import SimpleNamespace

import gevent
import numpy as np
import pytest

from gaussian_processes.algorithm import Query
from gaussian_processes.errors import RowError
from gaussian_processes.serving.models.batching import ROWS, Gathering, Question

MEAN, BOTH = Query(("mean",)), Query(("mean", "double"))


class Model:
    """Answers each row with its own number, and remembers how many rows it was asked for at a time."""

    def __init__(self):
        self.asked = []

    def predict(self, model, rows, query):
        assert model is self
        self.asked.append(len(rows))
        if (rows < 0).any():
            raise RowError(np.flatnonzero(rows[:, 0] < 0).tolist(), "is below zero")
        if (rows == 13).any():
            raise ZeroDivisionError
        columns = {"mean": rows[:, 0], "double": np.column_stack([rows[:, 0], rows[:, 0]])}
        return {name: columns[name] for name in query.outputs}


def ask(gathering, model, values, query=MEAN):
    """What one request hears: its columns, or its exception."""
    rows = np.array(values, np.float64)[:, None]
    try:
        return gathering._ask(Question(SimpleNamespace(predict=model.predict), model, rows, query))
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return error


def offload(work):
    gevent.sleep(0.01)
    return work()


@pytest.fixture
def gathering():
    return Gathering(offload, offload, at_once=1)


def asked_together(gathering, *questions):
    """The answers to questions that come while the first of them is under way."""
    greenlets = [gevent.spawn(ask, gathering, *question) for question in questions]
    gevent.joinall(greenlets, timeout=20, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def test_what_waits_is_predicted_together_and_told_apart(gathering):
    """The first alone; the rest, of any number of rows, at once."""
    model = Model()
    answers = asked_together(gathering, (model, [0]), *((model, list(range(n))) for n in range(1, 9)))
    assert [answer["mean"].tolist() for answer in answers[1:]] == [list(range(n)) for n in range(1, 9)]
    assert model.asked == [1, 36]


def test_only_what_one_prediction_can_answer_goes_together(gathering):
    """Other models and other queries have their own; columns beside each other stay so."""
    model, other = Model(), Model()
    answers = asked_together(gathering, (model, [1]), (model, [2]), (other, [3]), (model, [4], BOTH), (model, [5]))
    assert [answer["mean"].tolist() for answer in answers] == [[1], [2], [3], [4], [5]]
    assert answers[3]["double"].tolist() == [[4, 4]]
    assert (sorted(model.asked), other.asked) == ([1, 1, 2], [1])


def test_a_refused_row_is_its_own_requests_affair(gathering):
    """The others are answered as if it had not been there, and it hears of its own rows by their own numbers."""
    model = Model()
    answers = asked_together(gathering, (model, [0]), (model, [1, 2]), (model, [3, -1]), (model, [4]))
    assert answers[1]["mean"].tolist() == [1, 2]
    assert isinstance(answers[2], RowError)
    assert answers[2].rows == [1]
    assert answers[3]["mean"].tolist() == [4]


def test_a_fault_is_told_to_all_and_does_not_stop_the_next(gathering):
    """Nobody waits for ever."""
    model = Model()
    answers = asked_together(gathering, (model, [0]), (model, [13]), (model, [1]))
    assert [type(answer) for answer in answers[1:]] == [ZeroDivisionError, ZeroDivisionError]
    assert ask(gathering, model, [2])["mean"].tolist() == [2]


def test_a_prediction_has_a_limited_number_of_rows(gathering):
    """So that the first of them does not wait for many; one request larger than that is long work, and goes alone."""
    model = Model()
    asked_together(gathering, (model, [0]), *((model, [1] * 100) for _ in range(7)), (model, [1] * (ROWS + 1)))
    assert max(model.asked) == ROWS + 1
    assert sorted(model.asked)[:-1] == [1, 100, 200, 200, 200]


def test_as_many_predictions_are_under_way_as_may_be():
    """Not more, not fewer."""
    under_way, most = [0], []

    def counting(work):
        under_way[0] += 1
        most.append(under_way[0])
        try:
            return offload(work)
        finally:
            under_way[0] -= 1

    gathering = Gathering(counting, offload, at_once=3)
    models = [Model() for _ in range(10)]
    asked_together(gathering, *((model, [1]) for model in models))
    assert max(most) == 3
    assert [model.asked for model in models] == [[1]] * 10


def test_a_place_that_is_given_back_is_there_for_the_next():
    """However many come and go at once, and whatever becomes of their predictions."""
    gathering, model = Gathering(offload, offload, at_once=3), Model()
    for values in ([1], [13], [-1]):
        for count in range(1, 12):
            asked_together(gathering, *((model, values) for _ in range(count)))
            gevent.sleep(0)
            assert gathering._free == 3
