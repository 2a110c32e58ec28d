"""The models of a multi-model endpoint: loaded by name, within the memory, the least recently used let go first."""

import threading
from dataclasses import dataclass

import pytest

from gaussian_processes.errors import (
    DataError,
    InsufficientMemoryError,
    ModelPresentError,
    PlatformError,
    UnknownModelError,
)
from gaussian_processes.serving.models import RESERVE, Models

SIZE = 1000


@dataclass
class Memory:
    """What is left beside the models that are held."""

    models: int = 3

    def __post_init__(self):
        self.held = []

    def load(self, folder):
        self.held.append(folder)
        return f"the model in {folder.name}"

    def available(self):
        return RESERVE + SIZE * (self.models - len(self.held))


@pytest.fixture
def folders(tmp_path):
    """Ten of them, with a model file of SIZE bytes each."""
    for number in range(10):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/model.pkl").write_bytes(bytes(SIZE))
    return [str(tmp_path / f"{number}") for number in range(10)]


def test_a_loaded_model_answers_until_it_is_unloaded(folders):
    """By its name, and only by it."""
    memory = Memory()
    models = Models(memory.load, memory.available)
    models.load("a", folders[0])
    assert models.get("a") == "the model in 0"
    assert models.entry("a").url == folders[0]
    models.unload("a")
    for ask in (models.get, models.entry, models.unload):
        with pytest.raises(UnknownModelError, match="There is no model 'a'"):
            ask("a")


def test_a_name_is_given_once(folders):
    """Another model under it would be a surprise."""
    memory = Memory()
    models = Models(memory.load, memory.available)
    models.load("a", folders[0])
    with pytest.raises(ModelPresentError, match="'a' is loaded already"):
        models.load("a", folders[1])
    assert models.get("a") == "the model in 0"


def test_what_does_not_fit_is_refused_and_nothing_is_lost(folders):
    """With the memory that the others leave, as SageMaker expects: it then unloads one, and asks again."""
    memory = Memory(models=2)
    models = Models(memory.load, memory.available)
    models.load("a", folders[0])
    models.load("b", folders[1])
    with pytest.raises(InsufficientMemoryError, match=r"'c' of 1000 bytes does not fit .* beside 2 others"):
        models.load("c", folders[2])
    assert [models.get(name) for name in "ab"] == ["the model in 0", "the model in 1"]
    with pytest.raises(UnknownModelError):
        models.entry("c")
    models.unload("a")
    memory.held.pop(0)
    models.load("c", folders[2])
    assert models.get("c") == "the model in 2"


def test_the_least_recently_used_makes_room_and_is_read_again(folders):
    """With a limit of its own the server keeps all names, and the models that were asked last."""
    memory = Memory(models=10)
    models = Models(memory.load, memory.available, most=2)
    for number, name in enumerate("abc"):
        models.load(name, folders[number])
        models.get("a")
    in_memory = {name for name in "abc" if models.entry(name).predictor is not None}
    assert in_memory == {"a", "c"}
    assert len(models) == 3
    read = len(memory.held)
    assert models.get("b") == "the model in 1"
    assert len(memory.held) == read + 1
    assert models.entry("c").predictor is None


def test_pages_hold_every_model_once(folders):
    """By name, whatever is used or unloaded between two of them."""
    memory = Memory(models=10)
    models = Models(memory.load, memory.available)
    for number in (3, 1, 2, 0, 4):
        models.load(f"m{number}", folders[number])
    first, token = models.page("", 2)
    models.get("m0")
    models.unload("m1")
    second, token = models.page(token, 2)
    third, last = models.page(token, 2)
    assert [entry.name for entry in (*first, *second, *third)] == ["m0", "m1", "m2", "m3", "m4"]
    assert last is None


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/nonexistent", UnknownModelError),
        ("/etc/passwd/model", UnknownModelError),
        ("\0", DataError),
        ("x" * 5000, DataError),
        ("\ud800", DataError),
        ("/etc/passwd", DataError),
    ],
)
def test_a_folder_that_is_none_is_the_callers_fault(url, kind):
    """Whatever its name does to the file system; a path that is not there is a model that is unknown."""
    memory = Memory()
    with pytest.raises(kind, match="'a' cannot be loaded from"):
        Models(memory.load, memory.available).load("a", url)


def test_a_model_that_memory_runs_out_for_is_refused_as_too_large(folders):
    """However small its file."""

    def load(_folder):
        raise PlatformError("model.pkl does not fit into memory.")

    with pytest.raises(InsufficientMemoryError, match="does not fit into memory"):
        Models(load, Memory().available).load("a", folders[0])


def test_loads_at_the_same_time_keep_to_the_memory(folders):
    """Each is held against what the last one left."""
    memory = Memory(models=4)
    models = Models(memory.load, memory.available)
    refused = []

    def load(number):
        try:
            models.load(f"m{number}", folders[number])
        except InsufficientMemoryError:
            refused.append(number)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(models), len(refused)) == (4, 6)
