"""Hyperparameters: every encoding that SageMaker's clients use, and every fault in one message."""

import json
import math
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from gaussian_processes.arc_cosine import Hyperparameters
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.documents import read_object
from gaussian_processes.job.contract.parsing import OBJECTIVE_KEY, objective_name, parse_hyperparameters


def parse(**raw):
    return parse_hyperparameters(Hyperparameters, raw)


def test_with_nothing_set_it_is_the_mathematics_to_the_letter():
    """q = 1, l = 1, sigma2 = 0.1 on the sphere; no bias, no scaling."""
    wanted = {"q": 1, "l": 1, "sigma2": 0.1, "geometry": "sphere", "bias": 0.0, "degree": None, "variance": 1.0}
    wanted |= {"lengthscales": None, "feature_scaling": "none", "target_scaling": "none", "optimize": "none"}
    found = parse().model_dump()
    assert found.items() >= (wanted | {"precision": "double", "include_variance": True}).items()
    # What learning would go by decides nothing where nothing is learned.
    learning = {"criterion", "iterations", "restarts", "seed", "finalists", "learning_rows", "bounds"}
    hosts = {"distributed", "arrival_seconds", "deadline_seconds"}
    assert found.keys() - wanted.keys() == {"precision", "include_variance", "solver"} | learning | hosts


class Colour(Enum):
    RED = 1
    BLUE = 2


class Every(BaseModel):
    """A hyperparameter of every kind, with nothing said of NaN and infinity."""

    optimizer: str = "sgd"
    rounds: int = 1
    rate: float = 0.1
    centred: bool = False
    layers: list[int] = []
    rates: tuple[float, ...] = ()
    label: str | None = None
    momentum: float | None = None
    mode: Literal["None", "fast"] = "fast"
    order: Literal[0, 1, 2] = 0
    colour: Colour = Colour.RED
    width: int | list[int] = 1
    penalty: float = Field(1.0, alias="lambda")
    ceiling: Annotated[float, Field(allow_inf_nan=True)] = 1.0


def every(**raw):
    return parse_hyperparameters(Every, raw)


ENCODINGS = {
    "as typed": ({"optimizer": "adam", "rounds": "3", "centred": "True", "layers": "[1, 2]"}),
    "boto3, another spelling": ({"optimizer": "adam", "rounds": "3.0", "centred": "true", "layers": "[1,2]"}),
    "str()": ({"optimizer": "adam", "rounds": "3", "centred": "True", "layers": "(1, 2)"}),
    "json.dumps": ({"optimizer": '"adam"', "rounds": "3", "centred": "true", "layers": "[1, 2]"}),
    "json.dumps of strings": ({"optimizer": '"adam"', "rounds": '"3"', "centred": '"true"', "layers": '"[1, 2]"'}),
    "json.dumps of other strings": (
        {"optimizer": '"adam"', "rounds": '"3.0"', "centred": '"True"', "layers": '["1", "2"]'}
    ),
    "JSON itself": ({"optimizer": "adam", "rounds": 3, "centred": True, "layers": [1, 2]}),
    "JSON of floats": ({"optimizer": "adam", "rounds": 3.0, "centred": 1, "layers": [1.0, 2.0]}),
}


@pytest.mark.parametrize("raw", ENCODINGS.values(), ids=ENCODINGS)
def test_every_clients_encoding_means_the_same(raw):
    """boto3 sends strings as typed, the SDK's clients str() or json.dumps of them."""
    assert every(**raw) == Every(optimizer="adam", rounds=3, centred=True, layers=[1, 2])


@pytest.mark.parametrize("q", ["3", 3, '"3"', " 3 ", "3.0", '"3.0"', 3.0], ids=repr)
def test_a_number_is_read_however_it_was_encoded(q):
    """boto3 sends strings, the SDK's clients add JSON quotes or a decimal point."""
    assert parse(q=q).q == 3


@pytest.mark.parametrize("rate", ["0.001", "1e-3", '"1e-3"', " 1E-3 ", 0.001], ids=repr)
def test_a_continuous_number_may_have_an_exponent(rate):
    """Python writes small numbers so."""
    assert every(rate=rate).rate == 0.001


def test_a_whole_number_has_no_exponent():
    """No client writes one so, and 3e0 is as likely a slip as three."""
    with pytest.raises(ConfigurationError, match="q is '3e0', a valid integer or a valid list or 'auto' is wanted"):
        parse(q="3e0")


@pytest.mark.parametrize("geometry", ["homogeneous", '"homogeneous"'])
def test_a_word_is_read_with_and_without_json_quotes(geometry):
    """Some of the SDK's estimators quote strings, others do not."""
    assert parse(geometry=geometry).geometry == "homogeneous"


@pytest.mark.parametrize(("text", "wanted"), [("True", True), ("true", True), ("False", False), ("false", False)])
@pytest.mark.parametrize("quote", ["", '"'])
def test_booleans_come_in_pythons_spelling_and_in_jsons(text, wanted, quote):
    """The same SDK sends true from one of its classes and True from another."""
    assert every(centred=f"{quote}{text}{quote}").centred is wanted


@pytest.mark.parametrize("degree", ["None", "null", "", '""', None])
def test_none_in_any_spelling_is_not_set(degree):
    """str(None) and json.dumps(None) both reach the file."""
    assert parse(degree=degree).degree is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("layers", "[1, 2]", [1, 2]),
        ("rates", "[0.5, 1e-3]", (0.5, 0.001)),
        ("width", "3", 3),
        ("width", "[3, 4]", [3, 4]),
        ("optimizer", "None", "None"),
        ("optimizer", "3", "3"),
        ("optimizer", "[1, 2]", "[1, 2]"),
        ("optimizer", '"[x]"', "[x]"),
        ("optimizer", "nan", "nan"),
        ("optimizer", '"', '"'),
        ("label", "None", None),
        ("label", "(a)", "(a)"),
        ("momentum", "0.5", 0.5),
        ("mode", "None", "None"),
        ("order", "2", 2),
        ("order", '"2.0"', 2),
        ("colour", "2", Colour.BLUE),
        ("lambda", "0.5", 0.5),
    ],
)
def test_the_annotation_decides_what_a_string_means(name, text, value):
    """A list is read from its JSON, a number among choices from its digits; text keeps its words, None among them."""
    parsed = every(**{name: text})
    assert getattr(parsed, "penalty" if name == "lambda" else name) == value


RESERVED = [
    "_tuning_objective_metric",
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_region",
    "sagemaker_s3_output",
    "sagemaker_mpi_enabled",
    "sagemaker_mpi_custom_mpi_options",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distribution_instance_groups",
    "sagemaker_estimator_class_name",
    "sagemaker_estimator_module",
    "default_user_module_name",
]


@pytest.mark.parametrize("name", RESERVED)
def test_what_sagemaker_adds_is_passed_over(name):
    """Reserved keys are not the user's."""
    assert parse(q="2", **{name: '"x"'}) == Hyperparameters(q=2)


@pytest.mark.parametrize("name", ["tuning", "Sagemaker_program", "user_module_name", "_q"])
def test_any_other_unknown_name_fails(name):
    """A typo must not pass for one of SageMaker's."""
    with pytest.raises(ConfigurationError, match=f"'{name}' is not one"):
        parse(**{name: "1"})


@pytest.mark.parametrize(
    ("value", "objective"),
    [
        ("validation:RMSE", "validation:RMSE"),
        ('"validation:RMSE"', "validation:RMSE"),
        (" validation:RMSE ", "validation:RMSE"),
        ("", None),
        ('""', None),
        (None, None),
    ],
)
def test_the_objectives_name_is_read_with_and_without_quotes(value, objective):
    """SageMaker sends it plain; a client that quotes everything may quote it too."""
    assert objective_name({OBJECTIVE_KEY: value, "q": "1"}) == objective
    assert objective_name({"q": "1"}) is None


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf", "Infinity", "1e400", '"nan"', math.nan, math.inf])
@pytest.mark.parametrize("name", ["rate", "momentum", "lambda"])
def test_numbers_are_finite_whatever_the_schema_forgot(name, value):
    """Neither an optional field nor one with an alias lets NaN or infinity through."""
    with pytest.raises(ConfigurationError, match=f"{name} is '.*', a finite number is wanted"):
        every(**{name: value})


@pytest.mark.parametrize("value", ["[1, NaN]", "[1, Infinity]", '["nan", 1]'])
def test_numbers_in_a_list_are_finite_too(value):
    """JSON has no NaN, but Python's reader takes it."""
    with pytest.raises(ConfigurationError, match=r"rates.\d is 'nan|inf', a finite number is wanted"):
        every(rates=value)


def test_infinity_is_for_schemas_that_ask_for_it():
    """In so many words; and a default is the author's."""
    assert every(ceiling="inf").ceiling == math.inf


def test_a_long_value_is_read_whole():
    """2,500 characters are what the API allows; a message shows the first forty."""
    layers = list(range(650))
    text = json.dumps(layers, separators=(",", ":"))
    assert 2400 < len(text) <= 2500
    assert every(layers=text).layers == layers
    assert every(optimizer="x" * 2500).optimizer == "x" * 2500
    with pytest.raises(ConfigurationError) as caught:
        every(rounds="x" * 2500)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"rounds": [1]}, "rounds is '[1]', a valid integer is wanted"),
        ({"rounds": 1.5}, "rounds is '1.5', a valid integer is wanted"),
        ({"rounds": {"a": 1}}, "rounds is \"{'a': 1}\", a valid integer is wanted"),
        ({"optimizer": 3}, "optimizer is '3', a valid string is wanted"),
        ({"layers": 3}, "layers is '3', a valid list is wanted"),
        ({"layers": "[1, x]"}, "layers is '[1, x]', a valid list is wanted"),
        ({"layers": "[" * 2500}, f"layers is '{'[' * 40}', a valid list is wanted"),
        ({"layers": [1, "x"]}, "layers.1 is 'x', a valid integer is wanted"),
        ({"width": "x"}, "width is 'x', a valid integer or a valid list is wanted"),
        ({"centred": "maybe"}, "centred is 'maybe', a valid boolean is wanted"),
        ({"order": "3"}, "order is '3', 0, 1 or 2 is wanted"),
        ({"colour": "3"}, "colour is '3', 1 or 2 is wanted"),
    ],
)
def test_what_is_no_string_is_read_or_refused_in_words(raw, words):
    """The name, what was found, what is wanted."""
    with pytest.raises(ConfigurationError) as caught:
        every(**raw)
    assert str(caught.value) == f"1 hyperparameter is wrong: {words}."


def test_an_algorithms_own_checks_speak_for_themselves():
    """A missing value, a check of one field, a check of several."""

    class Checked(BaseModel):
        low: int
        high: int = 9

        @field_validator("high")
        @classmethod
        def _odd(cls, value):
            if value % 2 == 0:
                raise ValueError("an odd number is wanted")
            return value

        @model_validator(mode="after")
        def _ordered(self):
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    for raw, words in (
        ({}, "1 hyperparameter is wrong: low is not set, and has no default."),
        ({"high": "4"}, "2 hyperparameters are wrong: low is not set, and has no default; high is '4', an odd number"),
        ({"low": "10"}, "1 hyperparameter is wrong: low is above high."),
    ):
        with pytest.raises(ConfigurationError) as caught:
            parse_hyperparameters(Checked, raw)
        assert str(caught.value).startswith(words)
    assert parse_hyperparameters(Checked, {"low": "1"}) == Checked(low=1)


INTEGERS = ("q", "l", "iterations", "restarts", "seed", "finalists", "learning_rows")
NUMBERS = (*INTEGERS, "sigma2", "bias", "degree", "variance", "arrival_seconds", "deadline_seconds")
# What Python, or a parser written in it, may take for a number, or for a list of them.
NO_NUMBERS = (
    "1_0",
    "1_000.5",
    "\N{FULLWIDTH DIGIT ONE}",
    "٣",
    "²",
    "0x10",
    "0b1",
    "1e",
    "1 0",
    "1;2",
    "true",
    "True",
    True,
    "[true]",
    "[1_0]",
)
NO_NUMBERS += (
    "[0x10]",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1j",
    "(1j,)",
    "--1",
    "abc",
    "abc,def",
    "[[1]]",
    "{}",
    "[1",
    "\x00",
)
# The words of a validation library.
FOREIGN = (
    "Input should",
    "Tuple should",
    "List should",
    "after validation",
    "Field required",
    "Value error",
    "unable to",
)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", [*NUMBERS, "lengthscales"])
def test_what_looks_like_a_number_to_python_alone_is_none(name, value):
    """Underscores, other scripts' digits, other bases, truth values: refused by name, in words of our own."""
    with pytest.raises(ConfigurationError) as caught:
        parse(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"1 hyperparameter is wrong: {name}")
    assert message.endswith(" is wanted.")
    assert not any(words in message for words in FOREIGN)


@pytest.mark.parametrize("name", [name for name in Hyperparameters.model_fields if name != "seed"])
@pytest.mark.parametrize("value", ["", '""', "9" * 400, "[]", "1,,2", ",", "[null]", "[1]", "'1'", "None,None", "-1"])
def test_every_hyperparameter_takes_a_value_or_refuses_it_in_our_own_words(name, value):
    """Of every kind: no library's words, and no number that later is too large to be computed with."""
    try:
        found = getattr(parse(**{name: value}), name)
    except ConfigurationError as error:
        message = str(error)
        assert message.startswith(f"1 hyperparameter is wrong: {name}")
        assert message.endswith(" is wanted.")
        assert not any(words in message for words in FOREIGN)
    else:
        assert found is None or value == "[1]" or name == "learning_rows", found


@pytest.mark.parametrize("name", ["q", "l", "sigma2", "geometry", "optimize", "include_variance", "bounds"])
def test_nothing_is_no_value_of_what_cannot_be_unset(name):
    """An empty string is a slip where None is no value; the default would be taken without a word."""
    for value in ("", '""', "  "):
        with pytest.raises(ConfigurationError, match=f"1 hyperparameter is wrong: {name}"):
            parse(**{name: value})
    assert getattr(parse(**{name: "None"}), name) == getattr(Hyperparameters(), name)


@pytest.mark.parametrize("value", ["abc,def", "1,abc", "[]", "1.5,2", "[1, [2]]", "true"])
def test_an_order_is_a_number_or_a_list_or_auto(value):
    """All three are said, whatever was found."""
    wanted = "a list with at least 1 item" if value == "[]" else "a valid list"
    with pytest.raises(ConfigurationError) as caught:
        parse(q=value)
    assert str(caught.value) == (
        f"1 hyperparameter is wrong: q is {value!r}, a valid integer or {wanted} or 'auto' is wanted."
    )


@pytest.mark.parametrize("name", ["q", "l", "iterations", "restarts"])
def test_counts_end_where_32_bits_do(name):
    """As a request's own integers; compiled functions count in 64."""
    assert getattr(parse(**{name: str(2**31 - 1)}), name) == 2**31 - 1
    with pytest.raises(ConfigurationError, match="less than or equal to 2147483647"):
        parse(**{name: str(2**31)})


def test_words_with_digits_in_them_are_words():
    """An underscore between digits is for no number, and for all that is none."""

    class Words(BaseModel):
        mode: Literal["v1_2", "true_0x1"] = "v1_2"
        label: str = ""
        labels: list[str] = []
        flags: list[bool] = []

    found = parse_hyperparameters(
        Words, {"mode": "true_0x1", "label": "1_0", "labels": "['1_0', 'true']", "flags": "[true, false]"}
    )
    assert found == Words(mode="true_0x1", label="1_0", labels=["1_0", "true"], flags=[True, False])


def test_every_fault_is_in_one_message():
    """Two malformed, two unknown: the user corrects them in one go."""
    with pytest.raises(ConfigurationError) as caught:
        parse(q="-1", sigma2="abc", sigma="1", colour="red")
    message = str(caught.value)
    assert message.startswith("4 hyperparameters are wrong: ")
    assert "'sigma' is not one (did you mean 'sigma2'?)" in message
    assert "'colour' is not one;" in message
    assert message.endswith(" The hyperparameters are " + ", ".join(Hyperparameters.model_fields) + ".")
    assert "q is '-1', greater than or equal to 0 or a valid list or 'auto' is wanted" in message
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
        ("q", "[1, -2]"),
        ("l", "0,x"),
        ("optimize", "sigma2,degrees"),
        ("optimize", "[]"),
    ],
)
def test_refuses_values_out_of_range(name, value):
    """The message names the hyperparameter and repeats what was found."""
    with pytest.raises(ConfigurationError, match=rf"1 hyperparameter is wrong: {name} is .* is wanted"):
        parse(**{name: value})


@pytest.mark.parametrize(
    "text", ["0,1,2", " 0, 1 ,2", "[0, 1, 2]", '"0,1,2"', '"[0,1,2]"', [0, 1, 2], '["0", "1", "2"]']
)
def test_several_orders_are_read_however_they_were_encoded(text):
    """A person types commas, clients send lists in JSON or in Python's spelling."""
    assert parse(q=text).orders == (0, 1, 2)


def test_auto_stands_for_all_that_is_compared():
    """0 to 4 of both, and both geometries; one value alone is no choice."""
    auto = parse(q="auto", l='"auto"', geometry="auto")
    assert (auto.orders, auto.depths) == ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4))
    assert auto.geometries == ("sphere", "homogeneous")
    assert (parse(q="3").orders, parse().depths, parse().geometries) == ((3,), (1,), ("sphere",))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sigma2", ("sigma2",)),
        ("sigma2, lengthscales", ("sigma2", "lengthscales")),
        ('["bias", "variance"]', ("bias", "variance")),
        ("all", "all"),
        ("none", "none"),
        ("None", "none"),
    ],
)
def test_what_is_learned_is_a_list_of_names_or_one_word(text, wanted):
    """`all` and `none` are not among the names."""
    assert parse(optimize=text).optimize == wanted


@pytest.mark.parametrize(("text", "wanted"), [("2", (2.0,)), ("1,2.5", (1.0, 2.5)), ("[1, 2]", (1.0, 2.0))])
def test_lengthscales_are_one_for_all_or_one_for_each(text, wanted):
    """One needs no comma."""
    assert parse(lengthscales=text).lengthscales == wanted


@pytest.mark.parametrize(
    "text",
    ['{"sigma2": [1e-3, 10]}', "{'sigma2': (0.001, 10.0)}", '{"sigma2": ["1e-3", "10"]}', {"sigma2": [1e-3, 10]}],
)
def test_bounds_are_an_object_of_pairs(text):
    """In JSON, in Python's spelling, and as an object itself; what it does not name has its default."""
    bounds = parse(bounds=text).bounds_for(7.0)
    assert bounds == {**parse().bounds_for(7.0), "sigma2": (1e-3, 10.0)}


PAIR = "two ascending numbers above 0 are wanted"


def test_the_default_bounds_of_sigma2_are_in_variances_of_the_target():
    """1e-6 to 1e4 of them; a variance that is no number counts as 1."""
    assert parse().bounds_for(7.0)["sigma2"] == pytest.approx((7e-6, 7e4))
    assert parse().bounds_for(0.0)["sigma2"] == parse().bounds_for(math.inf)["sigma2"] == (1e-6, 1e4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"sigma": [1, 2]}', "bounds names 'sigma'; one of sigma2, variance, bias, degree, lengthscales is wanted"),
        ('{"bias": [3, 1]}', "bounds.bias is '[3, 1]', " + PAIR),
        ('{"bias": [1, 1]}', "bounds.bias is '[1, 1]', " + PAIR),
        ('{"bias": [0, 1]}', "bounds.bias is '[0, 1]', " + PAIR),
        ('{"bias": [1]}', "bounds.bias is '[1]', " + PAIR),
        ('{"bias": [1, 2, 3]}', "bounds.bias is '[1, 2, 3]', " + PAIR),
        ('{"bias": [1, Infinity]}', "bounds.bias is '[1, inf]', " + PAIR),
        ('{"bias": 3}', "bounds.bias is '3', " + PAIR),
        *(
            (text, f'bounds is {text!r}, a JSON object such as {{"sigma2": [1e-6, 10]}} is wanted')
            for text in ("1e-6,10", "[1e-6, 10]", '{"sigma2": [1e-6', '{"sigma2": [1_0, 20]}', '{"bias": [true, 2]}')
        ),
        (
            '{"noise": [1, 2], "degree": [2, 1], "bias": [1, 2]}',
            "bounds names 'noise'; one of sigma2, variance, bias, degree, lengthscales is wanted; bounds.degree is '[2, 1]', "
            + PAIR,
        ),
    ],
)
def test_the_faults_of_bounds_are_told_together(text, words):
    """Other names, and what is no ascending pair; beside the faults of other hyperparameters."""
    with pytest.raises(ConfigurationError) as caught:
        parse(bounds=text)
    assert str(caught.value) == f"1 hyperparameter is wrong: {words}."
    with pytest.raises(ConfigurationError) as caught:
        parse(bounds=text, variance="0")
    assert str(caught.value) == f"2 hyperparameters are wrong: variance is '0', greater than 0 is wanted; {words}."


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        *(
            ({"sigma2_bounds": text}, 'sigma2_bounds is now bounds={"sigma2": [1e-06, 10.0]}')
            for text in ("1e-6,10", "[1e-6, 10]", "(1e-06, 10.0)", '"1e-6, 10"', [1e-6, 10])
        ),
        (
            {"bias_bounds": "1,2", "degree_bounds": "3,4", "bounds": '{"variance": [5, 6]}'},
            'bias_bounds and degree_bounds are now bounds={"variance": [5.0, 6.0], "bias": [1.0, 2.0], "degree": [3.0, 4.0]}',
        ),
        ({"bias_bounds": "1,2", "bounds": "[1"}, 'bias_bounds is now bounds={"bias": [1.0, 2.0]}'),
        ({"bias_bounds": "wide"}, 'bias_bounds is now bounds={"bias": "wide"}'),
    ],
)
def test_former_names_are_refused_with_their_new_spelling(raw, words):
    """One spelling of all of them; beside the faults of other hyperparameters."""
    with pytest.raises(ConfigurationError) as caught:
        parse(**raw)
    assert str(caught.value) == f"1 hyperparameter is wrong: {words}."
    with pytest.raises(ConfigurationError) as caught:
        parse(q="x", **raw)
    assert str(caught.value).endswith(f"is wanted; {words}.")


@pytest.mark.parametrize("unset", ["", "None", "null"])
def test_a_former_name_without_a_value_is_passed_over(unset):
    """Clients write these for what is not set."""
    assert parse(sigma2_bounds=unset, degree_bounds=unset) == parse()


def test_the_degree_cannot_be_learned_where_there_is_none():
    """On the sphere alone; with a choice of geometries it is learned in the other one."""
    with pytest.raises(ConfigurationError, match="geometry=sphere has no degree to optimize"):
        parse(optimize="degree")
    assert parse(optimize="degree", geometry="auto").optimize == ("degree",)


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
