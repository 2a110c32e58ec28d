"""The server's settings: strings of the environment to values, all faults together."""

import pytest

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.serving.processes.server_settings import Settings

MB = 2**20


def test_nothing_set_is_what_sagemaker_expects():
    """Port 8080, 60 s, 100 MB, one model, answers or refusals for whole requests."""
    settings = Settings.from_environ({})
    assert (settings.port, settings.timeout, settings.max_body, settings.front) == (8080, 60, 100 * MB, "gunicorn")
    assert (settings.workers, settings.threads, settings.batch, settings.multi_model) == (None, None, False, False)


@pytest.mark.parametrize(
    ("environ", "limit"),
    [
        ({"MODEL_SERVER_MAX_PAYLOAD_MB": "6"}, 6 * MB),
        ({"MODEL_SERVER_MAX_PAYLOAD_MB": "0"}, None),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}, 100 * MB),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, None),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "50", "MODEL_SERVER_MAX_PAYLOAD_MB": "6"}, 50 * MB),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "", "MODEL_SERVER_MAX_PAYLOAD_MB": ""}, 100 * MB),
    ],
)
def test_the_limit_is_never_tighter_than_what_the_platform_was_asked_to_send(environ, limit):
    """The larger of the two, and 0 for none."""
    assert Settings.from_environ(environ).max_body == limit


SDKS = {"SAGEMAKER_MODEL_SERVER_WORKERS": "3", "SAGEMAKER_MODEL_SERVER_TIMEOUT": "90"}


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        (SDKS, (3, 90)),
        (SDKS | {"MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_TIMEOUT": "30"}, (2, 30)),
        (SDKS | {"MODEL_SERVER_WORKERS": "", "MODEL_SERVER_TIMEOUT": " "}, (3, 90)),
        (dict.fromkeys(SDKS, ""), (None, 60)),
    ],
)
def test_what_the_sdk_sets_counts_where_nothing_else_is_said(environ, read):
    """Its names for workers and timeout; the program's own win."""
    settings = Settings.from_environ(environ)
    assert (settings.workers, settings.timeout) == read


@pytest.mark.parametrize(
    ("text", "truth"), [("true", True), ("True", True), ("1", True), ("false", False), ("", False)]
)
def test_truths_come_in_every_spelling(text, truth):
    """The service writes true, local mode True."""
    settings = Settings.from_environ({"SAGEMAKER_BATCH": text, "SAGEMAKER_MULTI_MODEL": text})
    assert (settings.batch, settings.multi_model) == (truth, truth)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("MODEL_SERVER_WORKERS", "two", "a whole number from 1 to 1000000"),
        ("SAGEMAKER_BIND_TO_PORT", "0", "a whole number from 1 to 65535"),
        ("SAGEMAKER_BIND_TO_PORT", "65536", "a whole number from 1 to 65535"),
        ("MODEL_SERVER_TIMEOUT", "1.5", "a whole number"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "two", "a whole number from 1 to 1000000"),
        ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "0", "a whole number from 1 to 1000000"),
        ("MODEL_SERVER_MAX_PAYLOAD_MB", "-1", "a whole number from 0"),
        ("MODEL_SERVER_MAX_MODELS", "0", "a whole number from 1"),
        ("MODEL_SERVER_FRONT", "apache", "gunicorn or nginx"),
        ("SAGEMAKER_BATCH", "yes", "true or false"),
        ("OMP_NUM_THREADS", "many", "a whole number"),
        ("MODEL_SERVER_WORKERS", "²", "a whole number"),
    ],
)
def test_what_means_nothing_is_refused_by_name(name, text, wanted):
    """What was found, and what is wanted."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environ({name: text})
    assert f"{name} is {text!r}; {wanted}" in str(caught.value)


def test_every_fault_is_in_one_message():
    """One mistake a start would be dear."""
    with pytest.raises(ConfigurationError, match=r"PORT.*WORKERS.*FRONT"):
        Settings.from_environ({"MODEL_SERVER_FRONT": "x", "SAGEMAKER_BIND_TO_PORT": "x", "MODEL_SERVER_WORKERS": "x"})
