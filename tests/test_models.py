"""The models of a multi-model endpoint: loaded by name, within the memory, the least recently used let go first."""

import io
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from processes import wait_for

from gaussian_processes.errors import (
    DataError,
    InsufficientMemoryError,
    ModelPresentError,
    PlatformError,
    UnknownModelError,
)
from gaussian_processes.serving.models import loaded as module
from gaussian_processes.serving.models.loaded import RESERVE, Models

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


def dies(work):
    """A child process that does the work, and is killed."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_a_process_that_takes_a_dead_ones_place_knows_its_models(folders):
    """Those that were loaded, and not those that were unloaded; each is read when it is asked for, however many die."""
    memory = Memory(models=10)
    models = Models(memory.load, memory.available)

    def first():
        for number, name in enumerate("abc"):
            models.load(name, folders[number])
        models.unload("b")

    def second():
        models.recall()
        models.load("d", folders[3])
        models.unload("c")

    dies(first)
    dies(second)
    models.recall()
    assert [(entry.name, entry.url) for entry in models.page("", 10)[0]] == [("a", folders[0]), ("d", folders[3])]
    assert memory.held == []
    assert models.get("a") == "the model in 0"
    for name in "bc":
        with pytest.raises(UnknownModelError):
            models.get(name)
    with pytest.raises(ModelPresentError):
        models.load("d", folders[3])


def test_a_model_whose_loading_kills_the_process_is_not_known_to_the_next_one(folders):
    """It was never loaded; and the others are, of which one that kills when it is read again is so only if it is asked for."""
    memory = Memory(models=10)
    models = Models(
        lambda folder: os.kill(os.getpid(), signal.SIGKILL) if folder.name == "1" else memory.load(folder),
        memory.available,
    )

    def first():
        models.load("a", folders[0])
        models.load("b", folders[1])

    dies(first)
    models.recall()
    assert [entry.name for entry in models.page("", 10)[0]] == ["a"]
    assert models.get("a") == "the model in 0"


class Slow:
    """Loads that last until they are let go, by the folder's name."""

    def __init__(self, memory, *names):
        self._memory = memory
        self.begun = {name: threading.Event() for name in names}
        self.go = {name: threading.Event() for name in names}

    def load(self, folder):
        model = self._memory.load(folder)
        if folder.name in self.go:
            self.begun[folder.name].set()
            assert self.go[folder.name].wait(60)
        return model


@pytest.fixture
def slow():
    """Three models fit; that of folder 0 loads until it is let go."""
    return Slow(Memory(models=3), "0")


def begin(work, *arguments):
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def refusal(refused, models, *model):
    """Note why a model is refused."""
    try:
        models.load(*model)
    except (ModelPresentError, InsufficientMemoryError) as error:
        refused.append(error)


def ends(thread):
    thread.join(30)
    return not thread.is_alive()


def test_a_load_blocks_no_other(folders, slow):
    """Nor requests for what is loaded; only a load of the same name waits for it."""
    models = Models(slow.load, slow._memory.available)
    stuck = begin(models.load, "a", folders[0])
    assert slow.begun["0"].wait(30)
    assert ends(begin(models.load, "b", folders[1]))
    assert ends(begin(models.get, "b"))
    assert ends(begin(models.unload, "b"))
    refused = []
    again = begin(refusal, refused, models, "a", folders[2])
    slow.go["0"].set()
    assert ends(stuck)
    assert ends(again)
    assert [type(error) for error in refused] == [ModelPresentError]
    assert models.get("a") == "the model in 0"


def test_all_that_touches_a_models_disk_may_hang(folders, monkeypatch):
    """Looking at its file, and searching a folder that has none, as well as reading it: none of it is done where others wait."""
    offloaded, touched = [], []

    def offload(work):
        offloaded.append(work)
        try:
            return work()
        finally:
            offloaded.pop()

    def touching(function):
        return lambda *arguments, **named: touched.append(bool(offloaded)) or function(*arguments, **named)

    for name in ("open_file", "missing_model"):
        monkeypatch.setattr(module, name, touching(getattr(module, name)))
    memory = Memory()
    models = Models(touching(memory.load), memory.available, 2, offload)
    models.load("a", folders[0])
    with pytest.raises(DataError):
        models.load("b", str(Path(folders[0]).parent))
    assert touched == [True] * 4


def test_loads_in_progress_count_against_the_memory(folders):
    """Before they have taken any: of two models for which there is room for one, the second waits, and is then refused."""
    held, begun, go = [], threading.Event(), threading.Event()

    def load(folder):
        begun.set()
        assert go.wait(60)
        held.append(folder)
        return folder

    looks = []

    def available():
        looks.append(1)
        return RESERVE + SIZE * (1 - len(held))

    models = Models(load, available)
    first = begin(models.load, "a", folders[0])
    assert begun.wait(30)
    refused = []
    second = begin(refusal, refused, models, "b", folders[1])
    wait_for(lambda: len(looks) == 2)  # the second has seen what the first has not taken yet
    go.set()
    assert ends(first)
    assert ends(second)
    assert [type(error) for error in refused] == [InsufficientMemoryError]
    assert (len(held), len(models)) == (1, 1)


def test_a_model_that_is_unloaded_while_it_is_read_again_stays_so(folders, slow):
    """The request that had it read is answered."""
    models = Models(slow.load, slow._memory.available, most=1)
    slow.go["0"].set()
    models.load("a", folders[0])
    models.load("b", folders[1])
    slow.go["0"].clear()
    slow.begun["0"].clear()
    found = []
    reading = begin(lambda: found.append(models.get("a")))
    assert slow.begun["0"].wait(30)
    models.unload("a")
    slow.go["0"].set()
    assert ends(reading)
    assert found == ["the model in 0"]
    with pytest.raises(UnknownModelError):
        models.entry("a")


def test_a_load_that_takes_long_says_so(folders, slow, monkeypatch):
    """Again and again, by the model's name on one line; one that does not says nothing."""
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(module, "FIRST", 0.01)
    monkeypatch.setattr(module, "AGAIN", 0.01)
    models = Models(slow.load, slow._memory.available)
    thread = begin(models.load, "a\u2028b", folders[0])
    while log.getvalue().count("is still being loaded") < 2:
        time.sleep(0.01)
    slow.go["0"].set()
    assert ends(thread)
    assert log.getvalue().startswith("The model 'a\\u2028b' is still being loaded, after 0 s.\n")
    monkeypatch.setattr(module, "FIRST", 1000)
    models.load("c", folders[1])
    assert "'c'" not in log.getvalue()
