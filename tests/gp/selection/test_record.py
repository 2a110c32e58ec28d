"""A resumed search repeats recorded evaluations and computes the rest."""

import numpy as np
import pytest

from gaussian_processes.gp.selection.replay import Journal


class Squares:
    """Computes squares, and counts its calls."""

    def __init__(self):
        self.asked = []

    def of(self, record, question):
        def compute():
            self.asked.append(question)
            return [x * x for x in question]

        return record.evaluate(question, compute)


QUESTIONS = [[1.0, 2.0], [3.0, -0.5], [1e-300, np.pi], [1.0, 2.0]]


@pytest.mark.parametrize("cut", range(len(QUESTIONS) + 1))
def test_recorded_steps_are_not_computed_again(cut):
    """Results are the same to the bit and in order; repeated arguments are another step."""
    whole, first, then = Journal(), Squares(), Squares()
    answers = [first.of(whole, question).tolist() for question in QUESTIONS]
    assert first.asked == QUESTIONS
    again = Journal(whole.steps[:cut])
    assert [then.of(again, question).tolist() for question in QUESTIONS] == answers
    assert then.asked == QUESTIONS[cut:]
    assert [step.tolist() for pair in again.steps for step in pair] == [
        step.tolist() for pair in whole.steps for step in pair
    ]


def test_steps_after_a_changed_step_are_computed_again():
    """They belong to another search."""
    record, squares = Journal(), Squares()
    for question in QUESTIONS:
        squares.of(record, question)
    again, others = Journal(list(record.steps)), Squares()
    for question in (QUESTIONS[0], [5.0, 6.0], QUESTIONS[2]):
        others.of(again, question)
    assert others.asked == [[5.0, 6.0], QUESTIONS[2]]
    assert [question.tolist() for question, _ in again.steps] == [QUESTIONS[0], [5.0, 6.0], QUESTIONS[2]]


def test_nan_is_a_recorded_result():
    """It marks an infeasible point, which is not computed again."""
    record, calls = Journal(), []

    def compute():
        calls.append(1)
        return [np.nan, 0.0]

    record.evaluate([1.0], compute)
    again = Journal(record.steps)
    assert np.isnan(again.evaluate([1.0], compute)[0])
    assert len(calls) == 1


def test_only_new_steps_are_saved():
    """`save` after a replayed step does nothing."""
    kept = []
    record = Journal(save_checkpoint=lambda steps: kept.append(len(steps)))
    for question in QUESTIONS[:2]:
        Squares().of(record, question)
    record.save()
    assert kept == [2]
    again = Journal(list(record.steps), lambda steps: kept.append(len(steps)))
    for question in QUESTIONS[:2]:
        Squares().of(again, question)
        again.save()
    assert kept == [2]
    Squares().of(again, QUESTIONS[2])
    again.save()
    assert kept == [2, 3]
