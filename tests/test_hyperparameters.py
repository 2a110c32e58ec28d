"""Hyperparameters: every encoding that SageMaker's clients use, and every fault in one message."""

import json
import math

import pytest
from pydantic import BaseModel, ValidationError

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.gaussian_process import Hyperparameters
from gaussian_processes.job.documents import read_object
from gaussian_processes.job.hyperparameters import parse_hyperparameters


def parse(**raw):
    return parse_hyperparameters(Hyperparameters, raw)


def test_with_nothing_set_it_is_the_mathematics_to_the_letter():
    """q = 1, l = 1, sigma2 = 0.1 on the sphere; no bias, no scaling."""
    wanted = {"q": 1, "l": 1, "sigma2": 0.1, "geometry": "sphere", "bias": 0.0, "degree": None, "variance": 1.0}
    assert parse().model_dump() == {
        **wanted,
        "feature_scaling": "none",
        "target_scaling": "none",
        "precision": "double",
    }


@pytest.mark.parametrize("q", ["3", 3, '"3"', " 3 ", "3.0"], ids=repr)
def test_a_number_is_read_however_it_was_encoded(q):
    """boto3 sends strings, the SDK's clients add JSON quotes or a decimal point."""
    assert parse(q=q).q == 3


@pytest.mark.parametrize("geometry", ["homogeneous", '"homogeneous"'])
def test_a_word_is_read_with_and_without_json_quotes(geometry):
    """Some of the SDK's estimators quote strings, others do not."""
    assert parse(geometry=geometry).geometry == "homogeneous"


@pytest.mark.parametrize("degree", ["None", "null", "", '""'])
def test_none_in_any_spelling_is_not_set(degree):
    """str(None) and json.dumps(None) both reach the file."""
    assert parse(degree=degree).degree is None


def test_the_annotation_decides_what_a_string_means():
    """A list is read from its JSON; a field of text keeps its words, the word None among them."""

    class Other(BaseModel):
        layers: list[int] = []
        label: str = "a"

    given = {"layers": "[1, 2]", "label": "None"}
    assert parse_hyperparameters(Other, given).model_dump() == {"layers": [1, 2], "label": "None"}
    assert parse_hyperparameters(Other, {"label": '"[x]"'}).label == "[x]"


def test_what_sagemaker_adds_is_passed_over():
    """Reserved keys are not the user's."""
    assert parse(q="2", _tuning_objective_metric="validation:RMSE", sagemaker_program="x.py").q == 2


def test_every_fault_is_in_one_message():
    """Two malformed, two unknown: the user corrects them in one go."""
    with pytest.raises(ConfigurationError) as caught:
        parse(q="-1", sigma2="abc", sigma="1", colour="red")
    message = str(caught.value)
    assert message.startswith("4 hyperparameters are wrong: ")
    assert "'sigma' is not one (did you mean 'sigma2'?)" in message
    assert "'colour' is not one;" in message
    assert message.endswith(" The hyperparameters are " + ", ".join(Hyperparameters.model_fields) + ".")
    assert "q is '-1', greater than or equal to 0 is wanted" in message
    assert "sigma2 is 'abc', a valid number is wanted" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q", "1.5"),
        ("l", "-1"),
        ("sigma2", "0"),
        ("sigma2", "nan"),
        ("sigma2", "inf"),
        ("bias", "-0.1"),
        ("degree", "x"),
        ("variance", "0"),
        ("geometry", "plane"),
        ("feature_scaling", "robust"),
        ("q", "[1, 2]"),
    ],
)
def test_refuses_values_out_of_range(name, value):
    """The message names the hyperparameter and repeats what was found."""
    with pytest.raises(ConfigurationError, match=rf"1 hyperparameter is wrong: {name} is .* is wanted"):
        parse(**{name: value})


def test_the_schema_itself_is_strict():
    """Nobody who builds Hyperparameters in Python gets a typo past it either."""
    with pytest.raises(ValidationError):
        Hyperparameters(sigma=1.0)
    with pytest.raises(ValidationError):
        Hyperparameters(sigma2=math.nan)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"q": 1,}', "hyperparameters.json is not JSON that can be read: .* line 1 column"),
        ("[1]", "holds a JSON list; an object is wanted"),
        ('{"q": ' + "1" * 5000 + "}", "is not JSON that can be read"),
        ('{"q": ' + "[" * 100_000, "is not JSON that can be read"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_a_document_that_is_not_an_object_is_named(tmp_path, text, message):
    """File, what is wrong, where."""
    path = tmp_path / "hyperparameters.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=message):
        read_object(path)


def test_no_document_means_no_settings(tmp_path):
    """A run without SageMaker needs no file."""
    assert read_object(tmp_path / "absent.json") == {}
    (tmp_path / "present.json").write_text(json.dumps({"q": "2"}))
    assert read_object(tmp_path / "present.json") == {"q": "2"}
