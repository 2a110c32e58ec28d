"""Models that are never whole in memory: written in pieces, mapped, and as safe and as right as any other."""

import errno
import hashlib
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
import streaming_neighbours
from oddities import NO_FILES
from processes import NEIGHBOURS, environ_of, run_train, running_server, wait_for, write_opt_ml
from reference import DATA, ROOT
from reporting import Lines

from gaussian_processes import arc_cosine
from gaussian_processes.algorithm import Query, Streamed
from gaussian_processes.arc_cosine.regression import FittedRegression
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import DataError, InsufficientMemoryError, PlatformError
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.self_test import SelfTest
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.models.loaded import RESERVE, Models
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.storage import atomic as files
from gaussian_processes.storage.atomic import remove_unfinished
from gaussian_processes.storage.model_file import FILE_NAME, Artifact, load_artifact, save_artifact

ALGORITHM = arc_cosine.algorithm
ALL = Query(("mean", "std", "extrapolating"))
TEST = SelfTest(np.ones((1, 2)), {"mean": np.ones(1)})
TILE = 37


@dataclass(frozen=True, eq=False)
class SpreadRegression(FittedRegression):
    """A regression whose factor can be had in tiles alone, as one that is spread over hosts."""

    @property
    def stored_factor(self):
        L = self.gp.solution.factor.L
        return Streamed(L.rectangle.dtype.name, L.rectangle.shape, self.fill)

    def fill(self, array, advance):
        L = self.gp.solution.factor.L
        target, tiles = Packed(array), L.tiles(TILE)
        for done, columns in enumerate(reversed(tiles), 1):
            for rows in (tile for tile in tiles if tile.start >= columns.start):
                part = target[rows, columns]
                if rows == columns:  # above its diagonal lies what is another tile's
                    lower = np.tril_indices(len(part))
                    part[lower] = L[rows, columns][lower]
                else:
                    part[...] = L[rows, columns]
            advance(done / len(tiles))


def spread(model):
    """The same model, as many hosts have it."""
    return SpreadRegression(**{one.name: getattr(model, one.name) for one in fields(model)})


def learnt(rows, precision="double"):
    X = np.random.default_rng(rows).normal(size=(rows, 3))
    dataset = Dataset(X, np.sin(X[:, 0]), (Source("a.csv", rows),))
    hyperparameters = arc_cosine.Hyperparameters(q=1, l=2, bias=1, sigma2=0.01, precision=precision)
    model = ALGORITHM.fit(dataset, hyperparameters, Lines())
    return model, SelfTest.of(ALGORITHM, spread(model), dataset)


def save(model, test, folder):
    save_artifact(Artifact(ALGORITHM.name, 3, {"q": 1}, ALGORITHM.state(model), test), folder)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A model, and the folder that it was written to in tiles."""
    model, test = learnt(200)
    folder = tmp_path_factory.mktemp("written") / "model"
    save(spread(model), test, folder)
    return model, folder


@pytest.fixture
def saved(written, tmp_path):
    """A copy of that folder, to spoil."""
    return shutil.copytree(written[1], tmp_path / "copy")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.last_digits
@pytest.mark.parametrize("precision", ["double", "mixed"])
@pytest.mark.parametrize("rows", [1, 2, 36, 37, 38, 151, 200])
def test_a_model_written_in_tiles_predicts_to_the_bit_what_it_did(tmp_path, rows, precision):
    """Whatever the number of rows is to the tiles; and its file is the array that the whole model would have stored."""
    model, test = learnt(rows, precision)
    save(spread(model), test, tmp_path)
    assert names(tmp_path) == ["factor.npy", "model.pkl"]
    assert np.array_equal(np.load(tmp_path / "factor.npy"), ALGORITHM.state(model)["factor"])
    loaded = Predictor.load(tmp_path, ALGORITHM).model
    factor = loaded.gp.solution.factor.L.rectangle
    assert isinstance(factor, np.memmap)
    assert not factor.flags.writeable
    rows = np.random.default_rng(0).normal(size=(50, 3))
    before, after = ALGORITHM.predict(model, rows, ALL), ALGORITHM.predict(loaded, rows, ALL)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    # Everything that reads a factor reads this one.
    one, other = model.gp.solution.factor, loaded.gp.solution.factor
    B = np.random.default_rng(1).normal(size=(len(one.L), 4))
    for ask in (
        lambda factor: factor.solve(B),
        lambda factor: factor.half_solve(B),
        lambda factor: factor.transposed_half_solve(B),
        lambda factor: factor.log_det(),
        lambda factor: factor.inverse_diagonal(),
    ):
        assert np.array_equal(ask(one), ask(other))


def test_the_size_and_the_progress_are_of_all_files(tmp_path, written):
    """To the byte, ever upwards, and while the array's file is read again as well."""
    model, _ = written
    artifact = Artifact("a", 3, {}, ALGORITHM.state(spread(model)), TEST)
    told = []
    save_artifact(artifact, tmp_path, told.append)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert artifact.size == sum(sizes)
    assert told == sorted(told)
    assert told[-1] == sum(sizes) - len(pickle.dumps("0" * 64, protocol=5))
    array = (tmp_path / "factor.npy").stat().st_size
    assert array // 2 in told  # when it is filled
    assert told.count(array) == 1  # when it has been read, too


def rows_of(answer):
    return [(row["mean"], row["std"]) for row in answer["predictions"]]


def wanted(model, rows):
    found = ALGORITHM.predict(model, np.array(rows), Query(("mean", "std")))
    return list(zip(found["mean"].tolist(), found["std"].tolist(), strict=True))


QUESTION = [[1.0, 2.0, 3.0], [-0.5, 0.25, 0.0]]
BODY = {"instances": [{"features": row} for row in QUESTION]}


@pytest.mark.last_digits
def test_the_application_answers_from_a_mapped_model(written):
    """Means and standard deviations, as from the model in memory."""
    model, folder = written
    client = create_app(ALGORITHM, Predictor.load(folder, ALGORITHM), Service()).test_client()
    assert rows_of(client.post("/invocations", json=BODY).get_json()) == wanted(model, QUESTION)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc/PID/maps")
def test_the_workers_of_a_server_share_the_map(written, tmp_path):
    """Each has it, none may write to it or has pages of its own."""
    model, folder = written
    shutil.copytree(folder, tmp_path / "model")
    with running_server(OptMl(tmp_path), {"MODEL_SERVER_WORKERS": "2"}) as server:
        for _ in range(10):
            answer = server.request("/invocations", json.dumps(BODY).encode(), Content_Type="application/json")
            # A server of another number of threads adds up in another order.
            found = np.array(rows_of(json.loads(answer.text)))
            assert found == pytest.approx(np.array(wanted(model, QUESTION)), rel=1e-10)
        wait_for(lambda: len(server.workers) == 2)
        for worker in server.workers:
            maps = Path(f"/proc/{worker}/maps").read_text().splitlines()
            assert [line.split()[1] for line in maps if line.endswith("factor.npy")] == ["r--s"]


SAMPLED = """
import sys
from pathlib import Path
import numpy as np
from gaussian_processes import arc_cosine
from gaussian_processes.algorithm import Query, Streamed
from gaussian_processes.storage.model_file import Artifact, load_artifact, save_artifact
from gaussian_processes.self_test import SelfTest

algorithm, folder, N = arc_cosine.algorithm, Path(sys.argv[1]), int(sys.argv[2])

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))

def state(N, factor):
    scaling = {"shift": np.zeros(2), "scale": np.ones(2)}
    return {
        "X": np.random.default_rng(0).normal(size=(N, 2)), "y": np.zeros(N), "alpha": np.zeros(N), "factor": factor,
        "sigma2": 0.1, "precision": "double", "kernel": {"q": 1, "l": 1}, "learned": {}, "feature_scaling": scaling,
        "target_scaling": {"shift": np.array(0.0), "scale": np.array(1.0)},
    }

def fill(array, advance):
    m, N = array.shape[0], array.shape[1] - 1
    for row in range(m):  # 100 on the diagonal of the matrix, which stands twice in a row of the rectangle
        array[row] = 0.0
        array[row, [row, row + 1]] = 100.0
        peak.append(anonymous()) if row % 100 == 0 else None

def predict(state):
    return algorithm.predict(algorithm.from_state(state), np.ones((3, 2)), Query(("mean", "std")))

predict(state(2, np.array([[100.0, 100.0, 0.0]])))  # what is compiled, and kept, is so before
before, peak = anonymous(), []
shape = (N // 2, N + 1)
test = SelfTest(np.ones((1, 2)), {"mean": np.ones(1)})
save_artifact(Artifact(algorithm.name, 2, {}, state(N, Streamed("float64", shape, fill)), test), folder)
loaded = load_artifact(folder, algorithm)
found = predict(loaded.state)
assert (found["std"] > 0).all()
print(max(peak) - before, anonymous() - before, (folder / "factor.npy").stat().st_size)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc/self/status")
def test_neither_writing_nor_answering_takes_a_large_factors_memory(tmp_path):
    """200 MB of it, of which a process has a small part for itself: the rest the system may take back."""
    command = [sys.executable, "-W", "error", "-c", SAMPLED, str(tmp_path), "7072"]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    writing, answering, size = map(int, done.stdout.split())
    assert size > 200e6
    assert writing < size / 8
    assert answering < size / 8


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc/self/maps")
def test_an_endpoint_of_many_models_takes_what_need_not_fit_and_lets_it_go(written, tmp_path):
    """Memory is asked for the model file alone; the map ends with the model, and its file may go before it."""
    model, folder = written
    streamed, whole = shutil.copytree(folder, tmp_path / "streamed"), tmp_path / "whole"
    _, test = learnt(200)
    save(model, test, whole)
    room = RESERVE + (streamed / FILE_NAME).stat().st_size

    models = Models(lambda folder: Predictor.load(folder, ALGORITHM), lambda: room)
    client = create_app(ALGORITHM, models, Service()).test_client()
    with pytest.raises(InsufficientMemoryError):
        models.load("whole", str(whole))

    def is_mapped():
        return str(streamed / "factor.npy") in Path("/proc/self/maps").read_text()

    models.load("streamed", str(streamed))
    assert is_mapped()
    shutil.rmtree(streamed)
    assert rows_of(client.post("/models/streamed/invoke", json=BODY).get_json()) == wanted(model, QUESTION)
    assert client.delete("/models/streamed").status_code == 200
    assert not is_mapped()


def flipped(path, place):
    body = bytearray(path.read_bytes())
    body[place] ^= 1
    path.write_bytes(body)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def linked(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def folder(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def pickled(path):
    np.save(path, np.array([{"an": "object"}], dtype=object), allow_pickle=True)


def misplaced(path):
    """The same array at an odd address."""
    body = path.read_bytes()
    path.write_bytes(
        body[:8] + (int.from_bytes(body[8:10], "little") + 1).to_bytes(2, "little") + body[10:127] + b" \n" + body[128:]
    )


DAMAGE = {
    "a bit of a number": (lambda path: flipped(path, 5000), "bytes do not match the checksum"),
    "the last bit": (lambda path: flipped(path, -1), "bytes do not match the checksum"),
    "a blank of the header": (lambda path: flipped(path, 120), "header is .*, and .* is wanted"),
    "a bit of the header": (lambda path: flipped(path, 20), "header is .*, and .* is wanted"),
    "a bit of the header's length": (lambda path: flipped(path, 8), "header is .*, and .* is wanted"),
    "the first bit": (lambda path: flipped(path, 0), "does not begin as an array that NumPy saved"),
    "one byte less": (lambda path: cut(path, -1), "it has 160927 bytes, and 160928 are wanted"),
    "one byte more": (lambda path: path.write_bytes(path.read_bytes() + b"0"), "it has 160929 bytes, and 160928"),
    "the header alone": (lambda path: cut(path, 128), "it has 128 bytes, and"),
    "half a header": (lambda path: cut(path, 40), "header is"),
    "empty": (lambda path: cut(path, 0), "does not begin as an array"),
    "missing": (lambda path: path.unlink(), "is missing, which holds an array of the model"),
    "another shape": (lambda path: np.save(path, np.ones((201, 100))), r"header is .*\(201, 100\).*\(100, 201\)"),
    "another type": (lambda path: np.save(path, np.ones((100, 201), np.float32)), "header is .*<f4.*<f8"),
    "Fortran's order": (lambda path: np.save(path, np.asfortranarray(np.load(path))), "header is .*True.*False"),
    "another model's": (lambda path: np.save(path, np.ones((100, 201))), "bytes do not match the checksum"),
    "pickled objects": (pickled, r"header is .*\|O"),
    "misplaced numbers": (misplaced, "header is"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps([1])), "does not begin as an array"),
    "a symbolic link": (linked, "is no file, but a symbolic link, which is not followed"),
    "a folder": (folder, "is no file, but a folder"),
    "a pipe": (pipe, "is no file, but a device, a pipe or a socket"),
}


@pytest.mark.parametrize(("spoil", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_is_not_as_it_was_written_is_refused_in_words(saved, spoil, reason):
    """Which file, what was found, and what to do; and nothing of it is mapped, unpickled or waited for."""
    spoil(saved / "factor.npy")
    with pytest.raises(DataError, match=rf"^{saved}/factor\.npy .*{reason}.*(again|`train` wrote)"):
        load_artifact(saved, ALGORITHM)


@pytest.mark.parametrize(("make", "reason"), NO_FILES.values(), ids=NO_FILES)
def test_an_arrays_file_that_is_none_is_refused_in_words_and_not_waited_for(saved, make, reason):
    """Nor read for hours."""
    make(saved / "factor.npy")
    with pytest.raises(DataError, match=rf"^{saved}/factor\.npy .*{reason}"):
        load_artifact(saved, ALGORITHM)


def test_a_file_that_cannot_be_read_is_the_platforms_failure(saved, monkeypatch):
    """It may be as it should."""
    real = os.open

    def refuse(path, *arguments, **named):
        if str(path).endswith(".npy"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PlatformError, match=r"factor\.npy: Permission denied"):
        load_artifact(saved, ALGORITHM)


def test_another_algorithms_arrays_are_not_even_looked_for(saved):
    """Which could take minutes."""
    (saved / "factor.npy").unlink()
    with pytest.raises(DataError, match=r"written by .*arc-cosine"):
        load_artifact(saved, streaming_neighbours.algorithm)


def write_reference(folder, **changes):
    """The model file with another reference to the factor, under a checksum that is right."""
    document = pickle.loads((folder / FILE_NAME).read_bytes())
    document["state"]["factor"] |= changes
    write_sealed(folder, document)


def write_sealed(folder, document):
    body = pickle.dumps(document, protocol=5)
    (folder / FILE_NAME).write_bytes(body + pickle.dumps(hashlib.sha256(body).hexdigest(), protocol=5))


def test_the_references_of_these_tests_are_a_models_but_for_what_is_wrong_with_them(saved):
    """With nothing wrong they are followed, and tell the standard library alone where the array is."""
    write_reference(saved)
    assert load_artifact(saved, ALGORITHM).state["factor"].shape == (100, 201)
    reference = pickle.loads((saved / FILE_NAME).read_bytes())["state"]["factor"]
    digest = hashlib.sha256((saved / "factor.npy").read_bytes()).hexdigest()
    assert reference == {"file": "factor.npy", "dtype": "<f8", "shape": [100, 201], "sha256": digest}


NO_NAME = "is no name of an array's file"
FORGED = {
    "a folder above": ({"file": "../copy/factor.npy"}, NO_NAME),
    "a folder below": ({"file": "x/factor.npy"}, NO_NAME),
    "an absolute path": ({"file": "/etc/factor.npy"}, NO_NAME),
    "a hidden file": ({"file": ".npy"}, NO_NAME),
    "dots": ({"file": "...npy"}, NO_NAME),
    "another kind of file": ({"file": "model.pkl"}, NO_NAME),
    "a NUL": ({"file": "factor\0.npy"}, NO_NAME),
    "a line's end": ({"file": "factor.npy\n"}, NO_NAME),
    "a name that is too long": ({"file": "x" * 300 + ".npy"}, NO_NAME),
    "no text for a name": ({"file": 1}, "expected string"),
    "objects": ({"dtype": "|O"}, "of numbers alone"),
    "dates": ({"dtype": "<M8[s]"}, "of numbers alone"),
    "no type": ({"dtype": "<f3"}, "f3"),
    "another spelling": ({"dtype": "=f8"}, "of numbers alone"),
    "a negative size": ({"shape": [-1, 201]}, "has no shape"),
    "no whole size": ({"shape": [100.0, 201]}, "has no shape"),
    "a size beyond any": ({"shape": [2**63, 0]}, "has no shape"),
    "truth for a size": ({"shape": [True, 201]}, "has no shape"),
    "no shape": ({"shape": None}, "not iterable"),
    "too many sizes": ({"shape": [1] * 10**5}, "Header length .* too big"),
    "no checksum": ({"sha256": ""}, "has no checksum"),
    "half a checksum": ({"sha256": "0" * 32}, "has no checksum"),
}


@pytest.mark.parametrize(("changes", "reason"), FORGED.values(), ids=FORGED)
def test_a_forged_reference_is_refused_in_words(saved, changes, reason):
    """Its file is not opened."""
    write_reference(saved, **changes)
    with pytest.raises(DataError, match=rf"model\.pkl cannot be used as a model: .*{reason}"):
        load_artifact(saved, ALGORITHM)


@pytest.mark.parametrize("shape", [[2**40, 2**40], [10**9], []], ids=str)
def test_a_reference_to_more_than_there_is_maps_nothing(saved, shape):
    """The header has to say the same, and the file to have the size."""
    write_reference(saved, shape=shape)
    with pytest.raises(DataError, match=r"factor\.npy .*header is"):
        load_artifact(saved, ALGORITHM)
    header = {"descr": "<f8", "fortran_order": False, "shape": tuple(shape)}
    with (saved / "factor.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(DataError, match=r"factor\.npy .*it has 128 bytes, and \d+ are wanted"):
        load_artifact(saved, ALGORITHM)


def test_a_small_file_does_not_have_a_large_one_read_again_and_again(saved):
    """A thousand references to one file would be a thousand times its reading."""
    document = pickle.loads((saved / FILE_NAME).read_bytes())
    reference = document["state"]["factor"]
    document["state"]["again"] = {"and": {**reference, "shape": list(reference["shape"])}}
    write_sealed(saved, document)
    with pytest.raises(DataError, match=r"it refers to factor\.npy twice"):
        load_artifact(saved, ALGORITHM)


def nothing(_array, _advance):
    pass


REFUSED = {
    "in a list": ({"x": [Streamed("float64", (2,), nothing)]}, "found Streamed"),
    "objects": ({"x": Streamed("object", (2,), nothing)}, "of numbers alone"),
    "no type": ({"x": Streamed("float65", (2,), nothing)}, "float65"),
    "no shape": ({"x": Streamed("float64", (-2,), nothing)}, "has no shape"),
    "a key that names no file": ({"a/b": Streamed("float64", (2,), nothing)}, NO_NAME),
    "one name": (
        {"a.b": Streamed("float64", (2,), nothing), "a": {"b": Streamed("float64", (2,), nothing)}},
        r"two arrays .* a\.b\.npy",
    ),
    "a name in capitals": (
        {"x": Streamed("float64", (2,), nothing), "X": Streamed("float64", (2,), nothing)},
        r"two arrays .* X\.npy",
    ),
    "what looks like a reference": (
        {"x": {"file": "x", "dtype": "", "shape": (), "sha256": ""}, "y": Streamed("float64", (2,), nothing)},
        "would be taken for an array",
    ),
    "something else that cannot be stored": ({"x": Streamed("float64", (2,), nothing), "y": object()}, "found object"),
}


@pytest.mark.parametrize(("state", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(tmp_path, state, reason):
    """Which may take hours; and a key is named."""
    artifact = Artifact("a", 2, {}, state, TEST)
    with pytest.raises((TypeError, ValueError), match=reason):
        save_artifact(artifact, tmp_path / "model")
    assert names(tmp_path) == []
    with pytest.raises((TypeError, ValueError), match=reason):
        artifact.size  # noqa: B018


def halves(interruption):
    """A state of two arrays, at the second of which writing is interrupted half way."""

    def whole(array, _advance):
        array[:] = 1.0

    def half(array, _advance):
        array[:1000] = 1.0
        interruption()

    return {"one": Streamed("float64", (2000,), whole), "other": Streamed("float64", (2000,), half)}


def raising(error):
    def interruption():
        raise error

    return interruption


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("error", "raised"),
    [(ValueError("lost"), ValueError), (SystemExit(143), SystemExit), (ConnectionError("lost"), PlatformError)],
    ids=repr,
)
@pytest.mark.parametrize("before", [False, True], ids=["new", "over an earlier model"])
def test_an_interruption_leaves_the_earlier_model_or_none(tmp_path, error, raised, before):
    """None of the arrays' files, though one of them was whole, and no leftover."""
    if before:
        earlier = {"one": Streamed("float64", (3,), lambda array, _: array.fill(7.0))}
        save_artifact(Artifact(ALGORITHM.name, 2, {}, earlier, TEST), tmp_path)
    with pytest.raises(raised, match=r"lost|143"):
        save_artifact(Artifact(ALGORITHM.name, 2, {}, halves(raising(error)), TEST), tmp_path)
    assert names(tmp_path) == (["model.pkl", "one.npy"] if before else [])
    if before:
        assert load_artifact(tmp_path, ALGORITHM).state["one"].tolist() == [7.0] * 3


def test_a_process_that_ends_without_unwinding_can_clear_up(tmp_path, way):
    """As SIGTERM ends a job: what has a name so far is removed."""
    seen = []

    def end():
        seen.append(names(tmp_path))
        remove_unfinished()
        seen.append(names(tmp_path))
        raise SystemExit

    with pytest.raises(SystemExit):
        save_artifact(Artifact("a", 2, {}, halves(end), TEST), tmp_path)
    temporary = [f".{name}.{os.getpid()}" for name in ("model.pkl", "one.npy", "other.npy")]
    assert seen == [temporary if way == "named" else [], []]


@pytest.mark.usefixtures("way")
def test_what_refers_to_files_is_named_after_them(tmp_path, monkeypatch):
    """So that a model file that is there has its arrays, and all is written before the first is named."""
    filled, seen = [], []
    keep = files._keep_names

    def named(folder):
        seen.append((len(filled), [name for name in names(tmp_path) if not name.startswith(".")]))
        keep(folder)

    monkeypatch.setattr(files, "_keep_names", named)
    save_artifact(Artifact("a", 2, {}, halves(lambda: filled.append(1)), TEST), tmp_path)
    assert seen == [(1, ["other.npy"]), (1, ["one.npy", "other.npy"]), (1, ["model.pkl", "one.npy", "other.npy"])]


@pytest.mark.usefixtures("way")
def test_a_model_is_written_over_another(tmp_path):
    """Both ways of naming a file."""
    for value in (1.0, 2.0):
        state = {"x": Streamed("float64", (3,), lambda array, _, value=value: array.fill(value))}
        save_artifact(Artifact(ALGORITHM.name, 2, {}, state, TEST), tmp_path)
        assert load_artifact(tmp_path, ALGORITHM).state["x"].tolist() == [value] * 3
    assert names(tmp_path) == ["model.pkl", "x.npy"]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("dtype", ["bool", "int8", ">i4", "float16", "float64"])
def test_arrays_of_any_numbers_and_shape_come_back(tmp_path, dtype, shape):
    """Read-only, in their place, with what was not written zero."""
    array = (np.arange(24).reshape(2, 3, 4) if len(shape) == 3 else np.full(shape, 5)).astype(dtype)
    state = {
        "a": {"b-1": {"c": Streamed(dtype, shape, lambda place, _: np.copyto(place, array))}},
        "empty": Streamed(dtype, shape, nothing),
        "list": [{"file": "x"}],
    }
    save_artifact(Artifact(ALGORITHM.name, 2, {}, state, TEST), tmp_path)
    assert names(tmp_path) == ["a.b-1.c.npy", "empty.npy", "model.pkl"]
    loaded = load_artifact(tmp_path, ALGORITHM).state
    found = loaded["a"]["b-1"]["c"]
    assert (found.dtype, found.shape, found.flags.writeable) == (array.dtype, shape, False)
    assert np.array_equal(found, array)
    assert not loaded["empty"].any()
    assert loaded["list"] == [{"file": "x"}]


def test_a_disk_without_room_is_told_before_anything_is_filled(tmp_path, monkeypatch):
    """A map on a full disk would end the process by SIGBUS; the message says how much is wanted, and what to do."""

    def full(_descriptor, _offset, size):
        raise OSError(errno.ENOSPC, "No space left on device", size)

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(
        PlatformError, match=r"one\.npy takes 16128 bytes, .*\(No space left on device\).*VolumeSizeInGB"
    ):
        save_artifact(Artifact("a", 2, {}, halves(raising(AssertionError())), TEST), tmp_path)
    assert names(tmp_path) == []


def test_a_limit_on_the_size_of_files_is_no_death_by_signal_either(tmp_path):
    """The system's own refusal, of a file that a quota or a disk does not take."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(PlatformError, match=r"one\.npy takes 16128 bytes, .*\(File too large\)"):
            save_artifact(Artifact("a", 2, {}, halves(raising(AssertionError())), TEST), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


STREAMING = {**NEIGHBOURS, "ALGORITHM": "streaming_neighbours"}
CSV = (DATA / "example_train.csv").read_bytes()


def test_a_strangers_algorithm_trains_and_serves_from_its_own_files(tmp_path):
    """Through the executables; a server answers what the algorithm does with everything in memory."""
    paths = write_opt_ml(tmp_path / "streaming", {"training/a.csv": CSV})
    whole = write_opt_ml(tmp_path / "whole", {"training/a.csv": CSV})
    for job, extra in ((paths, STREAMING), (whole, NEIGHBOURS)):
        done = run_train(job, extra)
        assert done.returncode == 0, done.stderr
    assert names(paths.model) == ["data.features.npy", "model.pkl"]
    answers = []
    for job, extra in ((paths, STREAMING), (whole, NEIGHBOURS)):
        with running_server(job, extra) as server:
            answer = server.request(
                "/invocations", b"0.5,-1\n1,1\n", Content_Type="text/csv", Accept="application/json"
            )
            assert answer.status == 200
            answers.append(answer.text)
    assert answers[0] == answers[1]


def test_sigterm_while_an_array_is_written_leaves_none_of_it(tmp_path):
    """Exit code 143, and nothing for SageMaker to upload."""
    paths = write_opt_ml(tmp_path / "job", {"training/a.csv": CSV})
    command = [sys.executable, str(ROOT / "gaussian_processes/train")]
    environ = environ_of(paths, {**STREAMING, "STREAMING": str(tmp_path)})
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        wait_for((tmp_path / "started").exists)
        process.terminate()
        assert process.wait(timeout=10) == 143
    assert names(paths.model) == []


def test_a_factor_in_single_precision_is_known_for_one_before_it_is_written():
    """The self-test then has no column whose digits another processor would not find."""
    assert learnt(40, "double")[1].columns.keys() == {"mean", "std"}
    assert learnt(40, "mixed")[1].columns.keys() == {"mean"}
