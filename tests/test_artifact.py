"""The model file: whole or absent, the same model again, and nothing but a model."""

import hashlib
import os
import pickle
import pickletools

import nearest_neighbours
import numpy as np
import pytest
from reporting import Lines

from gaussian_processes import gaussian_process
from gaussian_processes.artifact import FILE_NAME, Artifact, load_artifact, save_artifact
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.serving.predictor import Predictor

ALGORITHM = gaussian_process.algorithm


@pytest.fixture
def saved(tmp_path, example):
    """A trained model, and the folder that it was saved in."""
    X, y, _, _ = example
    hyperparameters = gaussian_process.Hyperparameters(q=0, l=2, feature_scaling="standard", target_scaling="standard")
    model = ALGORITHM.fit(Dataset(X, y, (Source("a.csv", len(y)),)), hyperparameters, Lines())
    save_artifact(Artifact(ALGORITHM.name, 2, hyperparameters.model_dump(), ALGORITHM.state(model)), tmp_path)
    return model, tmp_path


def test_a_saved_model_predicts_to_the_bit_what_it_did(saved, example):
    """Mean and standard deviation both."""
    model, directory = saved
    before = ALGORITHM.predict(model, example[2], ("mean", "std"))
    after = Predictor.load(directory, ALGORITHM).predict(example[2], ("mean", "std"))
    for name in ("mean", "std"):
        assert np.array_equal(before[name], after[name])


def test_the_file_names_no_code(saved):
    """Any Python can read it with the standard library alone, and there is nothing in it to run."""
    body = (saved[1] / FILE_NAME).read_bytes()
    opcodes = {opcode.name for opcode, _, _ in pickletools.genops(body)}
    assert not opcodes & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}
    document = pickle.loads(body)
    assert document["format"] == 1
    assert document["state"]["kernel"]["l"] == 2
    assert document["versions"]["numpy"] == np.__version__


def write_sealed(directory, body):
    """A file with a checksum that is right, whatever it holds."""
    seal = pickle.dumps(hashlib.sha256(body).hexdigest(), protocol=5)
    (directory / FILE_NAME).write_bytes(body + seal)


class Exploit:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "payload",
    [
        Exploit(os.system, "echo owned > owned"),
        Exploit(eval, "1+1"),
        {"format": Exploit(getattr, "", "upper")},
        np.ones(3),
    ],
    ids=["os.system", "eval", "getattr", "ndarray"],
)
def test_a_pickle_that_asks_for_code_is_refused_and_runs_none(tmp_path, monkeypatch, payload):
    """Before anything in it is called."""
    monkeypatch.chdir(tmp_path)
    write_sealed(tmp_path, pickle.dumps(payload))
    with pytest.raises(DataError, match=r"is not a model file.*it asks for .*a model file names no code"):
        load_artifact(tmp_path, ALGORITHM)
    assert not (tmp_path / "owned").exists()


def test_every_truncation_is_noticed(saved):
    """A file cut at any point is refused."""
    path = saved[1] / FILE_NAME
    body = path.read_bytes()
    for size in [*range(0, len(body), 997), len(body) - 1]:
        path.write_bytes(body[:size])
        with pytest.raises(DataError, match=r"cut short|damaged"):
            load_artifact(saved[1], ALGORITHM)


def test_every_flipped_bit_is_noticed(saved):
    """Wherever it lies: in a number, where only the checksum can see it, or in the pickle's structure."""
    path = saved[1] / FILE_NAME
    body = path.read_bytes()
    for place in [*range(300), *range(300, len(body), 997), *range(len(body) - 80, len(body))]:
        damaged = bytearray(body)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            load_artifact(saved[1], ALGORITHM)


def test_another_algorithms_model_is_refused(saved):
    """Which algorithm wrote it, which one this is, and what to set."""
    with pytest.raises(DataError, match=r"written by .*arc-cosine.* this server runs 'k-nearest.*Set ALGORITHM"):
        load_artifact(saved[1], nearest_neighbours.algorithm)


def test_another_format_is_refused(tmp_path):
    """A later version's file is not guessed at."""
    write_sealed(tmp_path, pickle.dumps({"format": 99}, protocol=5))
    with pytest.raises(DataError, match="not of format 1"):
        load_artifact(tmp_path, ALGORITHM)


def forged(**state):
    document = {"format": 1, "algorithm": ALGORITHM.name, "features": 2, "hyperparameters": {}, "state": state}
    return pickle.dumps(document, protocol=5)


def array(**changes):
    return {"dtype": "<f8", "shape": (2,), "order": "C", "data": bytes(16)} | changes


@pytest.mark.parametrize(
    "body",
    [
        pickle.dumps([1, 2], protocol=5),
        pickle.dumps({"format": 1}, protocol=5),
        forged(X=array(dtype="|O")),
        forged(X=array(dtype="zzz")),
        forged(X=array(dtype="<M8[s]")),
        forged(X=array(shape=(3,))),
        forged(X=array(shape=(2**62,))),
        forged(X=array(data=bytes(15))),
        forged(X=array(order="K")),
        b"\x80\x05\x95" + (2**40).to_bytes(8, "little") + b"N.",
        b"",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_forged_file_is_refused_in_words(tmp_path, body):
    """Its checksum is right, and still nothing but an explanation comes out."""
    write_sealed(tmp_path, body)
    with pytest.raises(DataError, match="is not a model file"):
        load_artifact(tmp_path, ALGORITHM)


def test_no_model_says_so(tmp_path):
    """And what to run."""
    with pytest.raises(DataError, match=r"There is no model .*model\.pkl\. Run `train` first"):
        load_artifact(tmp_path, ALGORITHM)


def test_a_model_that_cannot_be_finished_leaves_nothing_behind(tmp_path):
    """A state that cannot be stored, and a folder that cannot be written."""
    with pytest.raises(TypeError, match=r"a state holds plain values, .* found object"):
        save_artifact(Artifact("a", 2, {}, {"x": [object()]}), tmp_path)
    with pytest.raises(TypeError, match="found an array of <U1"):
        save_artifact(Artifact("a", 2, {}, {"x": np.array(["a"])}), tmp_path)
    with pytest.raises(AttributeError):
        save_artifact(Artifact("a", 2, {"x": lambda: 0}, {}), tmp_path)  # fails in the middle of the file
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("a file where the folder should be")
    with pytest.raises(PlatformError, match="cannot be written"):
        save_artifact(Artifact("a", 2, {}, {}), tmp_path / "file")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8"])
def test_arrays_keep_their_values_type_and_layout(tmp_path, order, dtype):
    """A factor in Fortran order comes back in Fortran order, without a copy on the way."""
    array = np.arange(12, dtype=dtype).reshape(3, 4).copy(order)
    state = {
        "array": array,
        "strided": array[:, ::2],
        "scalar": np.array(2.5),
        "nested": {"n": None, "s": ["text", array]},
    }
    save_artifact(Artifact(ALGORITHM.name, 1, {}, state), tmp_path)
    loaded = load_artifact(tmp_path, ALGORITHM).state
    assert np.array_equal(loaded["array"], array)
    assert loaded["array"].dtype == array.dtype
    assert loaded["array"].flags.f_contiguous == array.flags.f_contiguous
    assert np.array_equal(loaded["strided"], array[:, ::2])
    assert loaded["scalar"] == 2.5
    assert loaded["nested"]["n"] is None
    assert loaded["nested"]["s"][0] == "text"
    assert np.array_equal(loaded["nested"]["s"][1], array)
