"""Queries: the words in which a request says what it wants to know."""

import pytest

from gaussian_processes.algorithm import Output, Query
from gaussian_processes.errors import DataError
from gaussian_processes.serving.http.queries import parse_attributes, parse_query

OUTPUTS = (Output("mean", "", usual=True), Output("std", "", usual=True), Output("interval", ""), Output("samples", ""))


def query(words, *, usual=True):
    return parse_query(words, OUTPUTS, usual=usual)


def test_who_says_nothing_gets_the_usual_outputs_or_the_first():
    """JSON has names for several; CSV has one number a line."""
    assert query({}).query == Query(("mean", "std"))
    assert query({}, usual=False).query == Query(("mean",))
    assert not query({}).explicit


def test_every_word_is_read():
    """Outputs in the order in which they are named, once each."""
    words = {"outputs": "interval, mean,interval", "level": "0.9", "samples": "7", "seed": "0", "charset": "utf-8"}
    wish = query(words, usual=False)
    assert wish.query == Query(("interval", "mean"), level=0.9, samples=7, seed=0)
    assert wish.explicit


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"outputs": "mena"}, r"'mena' is no output \(did you mean 'mean'\?\); mean, std, interval, samples are"),
        ({"outputs": "mean,x"}, "'x' is no output; mean"),
        ({"level": "1"}, "level is '1', a probability between 0 and 1 is wanted"),
        ({"level": "0"}, "level is '0'"),
        ({"level": "nan"}, "level is 'nan'"),
        ({"level": "95%"}, "level is '95%'"),
        ({"samples": "0"}, "samples is '0', a whole number from 1 to 1000 is wanted"),
        ({"samples": "1001"}, "samples is '1001'"),
        ({"samples": "1e2"}, "samples is '1e2'"),
        ({"seed": "-1"}, "seed is '-1', a whole number from 0"),
        ({"seed": "9" * 5000}, "seed is '9999"),
        ({"level": "2", "seed": "x", "outputs": "y"}, "'y' is no output.*level is '2'.*seed is 'x'"),
    ],
)
def test_what_means_nothing_is_refused(words, reason):
    """By name, with what was found and what is wanted; all of them together."""
    with pytest.raises(DataError, match=reason):
        query(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outputs=mean,interval;level=0.9", {"outputs": "mean,interval", "level": "0.9"}),
        (' Outputs = "mean, std" ; SEED=3 ', {"outputs": "mean, std", "seed": "3"}),
        ("c000b4f9-df62-4c85-a0bf-7c525f9104a4", {}),
        ("", {}),
    ],
)
def test_custom_attributes_are_words_between_semicolons(text, words):
    """Whatever else a client writes there is its own business."""
    assert parse_attributes(text) == words
