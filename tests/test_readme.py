"""The README says what the program does: hyperparameters, metrics, environment variables, executables."""

import re

from reference import ROOT

from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.description.markdown import table_of

README = (ROOT / "README.md").read_text()


def test_the_table_of_hyperparameters_is_the_one_that_describe_prints():
    """Names, defaults, values and meanings, to the letter: `gaussian_processes/describe --table` makes it."""
    section = README.partition("## Hyperparameters")[2].partition("\n## ")[0]
    assert f"\n{table_of(Hyperparameters)}\n" in section


def test_every_metric_is_described():
    """Under the name that a MetricDefinition needs."""
    for metric in algorithm.metrics:
        assert f"`{metric.name}`" in README


def test_the_commands_it_gives_exist():
    """Scripts by their paths, files by their links."""
    for path in re.findall(r"\]\(([^)#]+)\)", README) + re.findall(
        r"^(?:\./)?((?:local_test|tests)/\S+|build\S+\.sh)", README, re.MULTILINE
    ):
        assert (ROOT / path).exists(), path
