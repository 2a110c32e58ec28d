"""What the documents name exists, stands there once, and is said in plain words."""

import re
from collections import Counter
from functools import cache

import pytest
from reference import ROOT

from gaussian_processes.arc_cosine import Hyperparameters, algorithm

DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [ROOT / "README.md", ROOT / "benchmarks/README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
MODULES = sorted((ROOT / "gaussian_processes").rglob("*.py"))
# Folders that hold what people write; other folders hold what programs make.
SOURCES = (
    "gaussian_processes",
    "benchmarks",
    "build_and_push.sh",
    "docs",
    "Dockerfile",
    "local_test",
    "notebooks",
    "pyproject.toml",
    "requirements",
    "tests",
)
SHORT = 60
PHRASES = re.compile(r"\b(?:of which|to be had|so many|for want of)\b")
CITATION = re.compile(r"\[([A-Z]{2,}[A-Za-z+]*\d\d[a-z]?)\b[^\]]*\]")
DEFINITION = re.compile(r"^\s*\[([A-Z]{2,}[A-Za-z+]*\d\d[a-z]?)\]\s+\S", re.MULTILINE)


@cache
def names_of_files():
    found = [path for source in SOURCES for path in [ROOT / source, *(ROOT / source).rglob("*")]]
    return [str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts]


@cache
def programs():
    """All that is executed, as one text."""
    found = [ROOT / name for name in names_of_files() if not name.endswith((".md", ".ipynb"))]
    texts = [
        path.read_text(errors="ignore") for path in found if path.is_file() and path.suffix not in {".parquet", ".npy"}
    ]
    return "\n".join(texts)


def quoted(document):
    """What stands in backticks, and in blocks of code."""
    text = DOCUMENTS[document]
    blocks = re.findall(r"^ *```.*?^ *```", text, re.MULTILINE | re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_line_stands_twice(document):
    """A paragraph that was copied by mistake; the first line of a table may come again."""
    lines = DOCUMENTS[document].splitlines()
    long = [line for line, following in zip(lines, [*lines[1:], ""], strict=True) if not following.startswith("|--")]
    assert [line for line, count in Counter(long).items() if count > 1 and len(line.strip()) >= SHORT] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nothing_is_said_in_phrases_that_must_be_read_twice(document):
    """Four of them."""
    assert PHRASES.findall(DOCUMENTS[document]) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document):
    """To a file, and to a heading of it where one is named."""
    for path, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", DOCUMENTS[document]):
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document):
    """By its whole path or the end of it."""
    text = " ".join(re.findall(r"`([^`\n]+)`", DOCUMENTS[document]))
    named = set(re.findall(r"(?<![\w/.*{<-])((?:[\w-]+/)*[\w-]+\.(?:py|md|sh|ipynb|toml|lua))\b", text))
    missing = [
        name for name in sorted(named) if not any(f"/{known}".endswith(f"/{name}") for known in names_of_files())
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_metric_that_is_named_exists(document):
    """Of the Gaussian process."""
    known = {metric.name for metric in algorithm.metrics} | {"learned:lengthscale_1"}
    named = set(re.findall(r"`((?:train|validation|learned):\w+)`", DOCUMENTS[document]))
    assert named - known == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_environment_variable_that_is_named_exists(document):
    """Some program reads it."""
    named = set(re.findall(r"(?<![\w.-])([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?![\w(-])", " ".join(quoted(document))))
    others = {"MSYS_NO_PATHCONV"}  # Git's shell on Windows reads it
    assert [name for name in sorted(named - others) if name not in programs()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_hyperparameter_that_is_named_exists(document):
    """Where a value is given to it, as in `bias=1`."""
    named = {
        name
        for text in quoted(document)
        for name in re.findall(r"(?<![\w.\-/?&$({])([a-z][a-z_0-9]*)=[\w.\[{\"]", text)
    }
    package = "\n".join(module.read_text() for module in MODULES)  # an argument or a parameter of a request will do
    others = {"assemble_with"}  # an argument of AWS's SDK
    assert [
        name
        for name in sorted(named - others - set(Hyperparameters.model_fields))
        if not re.search(rf"\b{name}\b", package)
    ] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_every_citation_is_explained(module):
    """In the module, or in the first lines of a package around it."""
    cited = set(CITATION.findall(module.read_text()))
    around = [folder / "__init__.py" for folder in module.parents if (folder / "__init__.py").exists()]
    explained = {name for file in [module, *around] for name in DEFINITION.findall(file.read_text())}
    assert cited - explained == set()


def test_every_module_has_its_place_in_the_architecture():
    """By its name; what a reader finds in the folders is explained there."""
    words = set(re.findall(r"[a-z_0-9]+", DOCUMENTS["docs/architecture.md"].lower()))
    assert [
        str(module.relative_to(ROOT)) for module in MODULES if module.stem not in words | {"__init__", "__main__"}
    ] == []


def test_four_names_at_most_stand_in_two_packages():
    """They are those that the architecture names."""
    names = Counter(module.stem for module in MODULES if not module.stem.startswith("__"))
    assert {name for name, count in names.items() if count > 1} <= {"base", "command", "page", "regression"}
