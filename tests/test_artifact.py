"""The model file: whole or absent, the same model again, and nothing but a model."""

import contextlib
import copyreg
import gzip
import hashlib
import io
import os
import pickle
import pickletools
import random
import re
import shutil
import struct
import subprocess
import tracemalloc

import nearest_neighbours
import numpy as np
import pytest
from oddities import NO_FILES
from reference import DATA, read_reference
from reporting import Lines

from gaussian_processes import arc_cosine
from gaussian_processes.algorithm import Query
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.self_test import SelfTest
from gaussian_processes.storage import sealed_pickle
from gaussian_processes.storage.model_file import FILE_NAME, MOST, Artifact, load_artifact, missing_model, save_artifact
from gaussian_processes.storage.sealed_pickle import read_document

ALGORITHM = arc_cosine.algorithm
TEST = SelfTest(np.ones((1, 2)), {"mean": np.ones(1)})


@pytest.fixture
def saved(tmp_path, example):
    """A trained model, and the folder that it was saved in."""
    X, y, _, _ = example
    hyperparameters = arc_cosine.Hyperparameters(q=0, l=2, feature_scaling="standard", target_scaling="standard")
    dataset = Dataset(X, y, (Source("a.csv", len(y)),))
    model = ALGORITHM.fit(dataset, hyperparameters, Lines())
    test = SelfTest.of(ALGORITHM, model, dataset)
    save_artifact(Artifact(ALGORITHM.name, 2, hyperparameters.model_dump(), ALGORITHM.state(model), test), tmp_path)
    return model, tmp_path


def test_a_saved_model_predicts_to_the_bit_what_it_did(saved, example):
    """Mean and standard deviation both."""
    model, directory = saved
    before = ALGORITHM.predict(model, example[2], Query(("mean", "std")))
    loaded = ALGORITHM.from_state(load_artifact(directory, ALGORITHM).state)
    after = ALGORITHM.predict(loaded, example[2], Query(("mean", "std")))
    for name in ("mean", "std"):
        assert np.array_equal(before[name], after[name])


def test_a_file_of_earlier_days_still_loads(example):
    """Of format 2, without what was added since: it predicts what neural-tangents does for q = l = 1 and sigma2 = 0.1."""
    artifact = load_artifact(DATA / "model_format_2", ALGORITHM)
    assert (artifact.columns, artifact.warnings) == ((), ())
    model = ALGORITHM.from_state(artifact.state)
    artifact.self_test.check(ALGORITHM, model)
    wanted = [
        (float(row["mean"]), float(row["var"]))
        for row in read_reference("neural_tangents_example.csv")
        if (row["q"], row["l"], row["sigma2"]) == ("1", "1", "0.1")
    ]
    found = ALGORITHM.predict(model, example[2], Query(("mean", "std")))
    np.testing.assert_allclose(np.column_stack([found["mean"], found["std"] ** 2]), wanted, rtol=1e-7, atol=1e-10)


def test_the_file_names_no_code(saved):
    """Any Python can read it with the standard library alone, and there is nothing in it to run."""
    body = (saved[1] / FILE_NAME).read_bytes()
    opcodes = {opcode.name for opcode, _, _ in pickletools.genops(body)}
    assert not opcodes & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}
    document = pickle.loads(body)
    assert document["format"] == 2
    assert document["state"]["kernel"]["l"] == 2
    assert document["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize("columns", [(), ("y", "a", "a"), ("größe", " a ", "")])
def test_the_names_of_the_columns_are_kept(tmp_path, columns):
    """As they are, or none."""
    save_artifact(Artifact(ALGORITHM.name, 2, {}, {}, TEST, columns), tmp_path)
    assert load_artifact(tmp_path, ALGORITHM).columns == columns


def write_sealed(directory, body):
    """A file with a checksum that is right, whatever it holds."""
    seal = pickle.dumps(hashlib.sha256(body).hexdigest(), protocol=5)
    (directory / FILE_NAME).write_bytes(body + seal)


class Exploit:
    """What unpickles as a call, and if it is to, as what is done to the result."""

    def __init__(self, function, *arguments, state=None):
        self.call = function, arguments, state

    def __reduce__(self):
        return self.call


def bundle(*parts):
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def small(text):
    """A string in a pickle."""
    return pickle.SHORT_BINUNICODE + bytes([len(text)]) + text.encode()


def sized(opcode, size, form="<Q"):
    """An opcode that announces so many bytes, of which none follow."""
    return opcode + struct.pack(form, size)


def doubled(levels, container):
    """The pickle of a container of two references to a container of two references to ..., without its ends."""
    value = container()
    for _ in range(levels):
        value = container((value, value))
    return pickle.dumps(value, protocol=5)[11:-1]


COMMAND = "touch owned"
CODE = {
    "os.system": pickle.dumps(Exploit(os.system, COMMAND)),
    "posix.system in each protocol's words 0": pickle.dumps(Exploit(os.system, COMMAND), protocol=0),
    "posix.system in each protocol's words 2": pickle.dumps(Exploit(os.system, COMMAND), protocol=2),
    "subprocess": pickle.dumps(Exploit(subprocess.check_call, ["touch", "owned"])),
    "eval": pickle.dumps(Exploit(eval, "open('owned', 'w')")),
    "exec": pickle.dumps(Exploit(exec, "open('owned', 'w')")),
    "getattr, deep in a document": pickle.dumps({"format": 1, "state": {"x": [Exploit(getattr, "", "upper")]}}),
    "a chain of calls": pickle.dumps(Exploit(getattr, Exploit(__import__, "os"), "system")),
    "copyreg.__newobj__": bundle("ccopyreg\n__newobj__\n(csubprocess\nPopen\nV", COMMAND, "\ntR."),
    "NEWOBJ": bundle("csubprocess\nPopen\n(V", COMMAND, b"\nt\x81."),
    "NEWOBJ_EX": bundle("csubprocess\nPopen\n(V", COMMAND, b"\nt}\x92."),
    "a nested pickle": pickle.dumps(Exploit(pickle.loads, pickle.dumps(Exploit(os.system, COMMAND)))),
    "__setstate__": pickle.dumps(Exploit(Exploit, os.system, COMMAND, state={"call": 1})),
    "numpy.ndarray": pickle.dumps(np.ones(3)),
    "numpy's objects": pickle.dumps(np.array([Exploit(os.system, COMMAND)], dtype=object)),
    "numpy.load": pickle.dumps(Exploit(np.load, "owned.npy", None, True)),
    "numpy's exec": bundle("cnumpy.testing._private.utils\nrunstring\n(V", COMMAND, "\n}tR."),
    "numpy.f2py": bundle("cnumpy.f2py.crackfortran\nmyeval\n(Vopen('owned', 'w')\ntR."),
    "INST": bundle("(S'", COMMAND, "'\nios\nsystem\n."),
    "OBJ": bundle("(cos\nsystem\nS'", COMMAND, "'\no."),
    "GLOBAL": bundle("cos\nsystem\n(S'", COMMAND, "'\ntR."),
    "STACK_GLOBAL": bundle(b"\x80\x04", small("os"), small("system"), b"\x93", small(COMMAND), b"\x85R."),
    "EXT1": b"\x80\x02\x82\xf0" + small(COMMAND) + b"\x85R.",
    "EXT4": b"\x80\x02\x84\xf0\x00\x00\x00" + small(COMMAND) + b"\x85R.",
    "PERSID": b"Powned\n.",
    "BINPERSID": b"\x80\x02" + small("owned") + b"Q.",
    "BUILD": b"\x80\x02}}b.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "a set": pickle.dumps({1, 2}),
    "a complex number": pickle.dumps(1j),
}


@pytest.mark.parametrize("body", CODE.values(), ids=CODE)
def test_a_pickle_that_asks_for_code_is_refused_and_runs_none(tmp_path, monkeypatch, body):
    """Before anything in it is called, whatever the opcode it asks with, and though its checksum is right."""
    monkeypatch.chdir(tmp_path)
    copyreg.add_extension("os", "system", 0xF0)
    try:
        write_sealed(tmp_path, body)
        with pytest.raises(DataError, match=r"cannot be used as a model: it asks for [A-Z]+.* names no code"):
            load_artifact(tmp_path, ALGORITHM)
    finally:
        copyreg.remove_extension("os", "system", 0xF0)
    assert not (tmp_path / "owned").exists()


def array(**changes):
    return {"dtype": "<f8", "shape": (2,), "order": "C", "data": bytes(16)} | changes


def stored_test(**changes):
    return {"rows": array(shape=(1, 2)), "columns": {"mean": array(shape=(1,), data=bytes(8))}} | changes


def without_memo(value):
    """The pickle of a value, without its ends, that leaves the memo to what follows."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, protocol=5)
    pickler.fast = True
    pickler.dump(value)
    return stream.getvalue()[11:-1]


def document(value):
    """What is a model's document, but for a value in its state."""
    entries = small("format") + b"K\x02" + small("algorithm") + small(ALGORITHM.name) + small("features") + b"K\x02"
    entries += small("self_test") + without_memo(stored_test())
    return (
        b"\x80\x05}(" + entries + small("hyperparameters") + b"}" + small("state") + b"}" + small("x") + value + b"su."
    )


SHORT, TWICE = "it breaks off", "it uses a list, a dictionary or an array twice"
BOMBS = {
    "LONG4": (sized(pickle.LONG4, 2**31 - 1, "<i"), SHORT),
    "LONG4 of negative size": (sized(pickle.LONG4, -1, "<i"), SHORT),
    "BINUNICODE": (sized(pickle.BINUNICODE, 2**32 - 1, "<I"), SHORT),
    "BINUNICODE8": (sized(pickle.BINUNICODE8, 2**63), SHORT),
    "BINBYTES": (sized(pickle.BINBYTES, 2**32 - 1, "<I"), SHORT),
    "BINBYTES8": (sized(pickle.BINBYTES8, 2**40), SHORT),
    "BINBYTES8 beyond any machine": (sized(pickle.BINBYTES8, 2**64 - 1), SHORT),
    "BYTEARRAY8": (sized(pickle.BYTEARRAY8, 2**40), SHORT),
    "a memo of 2^31 entries": (b"Nr\xff\xff\xff\x7f", "it asks for LONG_BINPUT"),
    "a memo of 2^31 entries, in digits": (b"Np2147483647\n", "it asks for PUT"),
    "an entry of the memo that is none": (b"j\xff\xff\xff\x7f", "list index out of range"),
    "lists in lists": (b"]" * 10**5 + b"a" * (10**5 - 1), "maximum recursion depth exceeded"),
    "tuples in tuples for a key": (b"})" + b"\x85" * 10**6 + b"Ns", "it holds a tuple of something else than"),
    "a list for a key": (b"}]Ns", "no dictionary with strings for its keys"),
    "a list that holds itself": (b"]\x94h\x00a", TWICE),
    "a dictionary that holds itself": (b"}\x94" + small("a") + b"h\x00s", TWICE),
    "a list doubled 60 times": (doubled(60, list), TWICE),
    "a tuple doubled 60 times": (doubled(60, tuple), "it holds a tuple of something else than"),
    "tuples doubled 60 times for a key": (b"}" + doubled(60, tuple) + b"Ns", "it holds a tuple of something else than"),
    "DUP": (b"]" + b"2\x86" * 60, "it asks for DUP"),
    "an array used twice": (b"](C\x01a\x94h\x00h\x00e", TWICE),
    "marks alone": (b"(" * 10**6, SHORT),
}


@pytest.mark.parametrize(("value", "reason"), BOMBS.values(), ids=BOMBS)
def test_a_small_file_takes_little_memory_and_time(tmp_path, value, reason):
    """What would take gigabytes, years or the whole stack elsewhere is refused where it begins."""
    body = document(value)
    if reason == SHORT:
        body = body.removesuffix(b"su.")
    write_sealed(tmp_path, body)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=f"cannot be used as a model: .*{reason}"):
            load_artifact(tmp_path, ALGORITHM)
        assert tracemalloc.get_traced_memory()[1] < 2**25 + 100 * len(body)
    finally:
        tracemalloc.stop()


def test_the_document_of_these_tests_is_a_models(tmp_path):
    """With something harmless in it, it is read: what is refused above is refused for what it is."""
    write_sealed(tmp_path, document(b"](K\x01K\x02e"))
    assert load_artifact(tmp_path, ALGORITHM).state == {"x": [1, 2]}


def test_a_malformed_pickle_is_refused_at_every_byte(saved):
    """Any byte of the structure changed, the checksum right: an explanation, or a model's file still."""
    body = (saved[1] / FILE_NAME).read_bytes()
    body = body[: -len(pickle.dumps("0" * 64, protocol=5))]
    generator = random.Random(0)
    for place in [*range(400), *(generator.randrange(len(body)) for _ in range(200))]:
        damaged = bytearray(body)
        damaged[place] = generator.randrange(256)
        write_sealed(saved[1], bytes(damaged))
        with contextlib.suppress(DataError):
            load_artifact(saved[1], ALGORITHM)


ZIPPED = io.BytesIO()
np.savez(ZIPPED, a=np.ones(3))
SAVED = io.BytesIO()
np.save(SAVED, np.ones(3))
FOREIGN = {
    "a zip archive": (ZIPPED.getvalue(), "a zip archive, as PyTorch, Keras"),
    "gzip": (gzip.compress(b"model"), "a gzip archive; if it is a model.tar.gz, unpack it"),
    "npy": (SAVED.getvalue(), "an array of NumPy's"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    "a pickle of another program": (pickle.dumps(np.ones(30)), "a pickle that another program wrote"),
    "an exploit without a checksum": (CODE["os.system"], "a pickle that another program wrote"),
    "text": ("q=1, l=1, weights à la carte\n".encode() * 10, "text"),
    "noise": (bytes(range(256)) * 4, "nothing that is known here"),
}


@pytest.mark.parametrize(("body", "kind"), FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_kind_is_named(tmp_path, monkeypatch, body, kind):
    """What it looks like, and what to do; nothing in it is run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(body)
    with pytest.raises(DataError, match=f"no model of ours: it looks like {kind}.*what `train` wrote, or train again"):
        load_artifact(tmp_path, ALGORITHM)
    assert not (tmp_path / "owned").exists()


def test_an_empty_file_says_so(tmp_path):
    """It was cut short, or the disk was full."""
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(DataError, match=r"is empty: .* cut short\. Copy it again, or train again"):
        load_artifact(tmp_path, ALGORITHM)


def test_a_model_that_memory_cannot_hold_is_the_platforms_failure(saved, monkeypatch):
    """It is not the file that is at fault."""

    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(PlatformError, match=r"does not fit into memory\. Use an instance with more"):
        load_artifact(saved[1], ALGORITHM)


def test_every_truncation_is_noticed(saved):
    """A file cut at any point is refused."""
    path = saved[1] / FILE_NAME
    body = path.read_bytes()
    for size in [*range(0, len(body), 997), len(body) - 1]:
        path.write_bytes(body[:size])
        with pytest.raises(DataError, match="cut short"):
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
    with pytest.raises(DataError, match=r"it is of format 99, and version .* reads format 2\. Train again"):
        load_artifact(tmp_path, ALGORITHM)


def forged(self_test=None, more=None, **state):
    document = {"format": 2, "algorithm": ALGORITHM.name, "features": 2, "hyperparameters": {}, "state": state}
    return pickle.dumps({**document, "self_test": self_test or stored_test(), **(more or {})}, protocol=5)


def test_the_forged_files_of_these_tests_are_models_but_for_what_is_wrong_with_them(tmp_path):
    """With nothing wrong they are read."""
    write_sealed(tmp_path, forged(X=array()))
    loaded = load_artifact(tmp_path, ALGORITHM)
    assert np.array_equal(loaded.state["X"], np.zeros(2))
    assert loaded.columns == ()  # as in a file of a version that kept no names
    write_sealed(tmp_path, pickle.dumps({"format": 2, "self_test": stored_test()}, protocol=5))
    with pytest.raises(DataError, match="lacks what a model file holds"):
        load_artifact(tmp_path, ALGORITHM)


@pytest.mark.parametrize(
    "body",
    [
        pickle.dumps([1, 2], protocol=5),
        pickle.dumps({"format": 2}, protocol=5),
        forged(X=array(dtype="|O")),
        forged(X=array(dtype="zzz")),
        forged(X=array(dtype="<M8[s]")),
        forged(X=array(shape=(3,))),
        forged(X=array(shape=(2**62,))),
        forged(X=array(data=bytes(15))),
        forged(X=array(order="K")),
        forged({"rows": array(shape=(1, 2))}),
        forged({"columns": {}, "rows": [1.0, 2.0]}),
        forged(stored_test(rows={})),
        forged(stored_test(rows=array(shape=(2,)))),
        forged(stored_test(rows=array(shape=(2, 1)))),
        forged(stored_test(rows=array(shape=(1, 1), data=bytes(8)))),
        forged(stored_test(rows=array(shape=(0, 2), data=b""))),
        forged(stored_test(rows=array(shape=(1, 2), dtype="<f4", data=bytes(8)))),
        forged(stored_test(rows=array(shape=(1, 2), dtype="<i8"))),
        forged(stored_test(rows=array(shape=(1, 2), data=np.array([1.0, np.inf]).tobytes()))),
        forged(stored_test(columns=[])),
        forged(stored_test(columns={})),
        forged(stored_test(columns={"mean": [0.0]})),
        forged(stored_test(columns={"mean": array()})),
        forged(stored_test(columns={"mean": array(shape=(1, 1, 2))})),
        forged(stored_test(columns={"mean": array(shape=(1, 0), data=b"")})),
        forged(stored_test(columns={"mean": array(shape=(1,), data=np.array([np.nan]).tobytes())})),
        *(
            forged(more={"columns": c})
            for c in (["y", "a"], ["y", "a", 1], "ya", 3, ["y", "a", "b", "c"], b"ya", [["y"]])
        ),
        b"\x80\x05\x95" + (2**40).to_bytes(8, "little") + b"N.",
        b"",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_forged_file_is_refused_in_words(tmp_path, body):
    """Its checksum is right, and still nothing but an explanation comes out."""
    write_sealed(tmp_path, body)
    with pytest.raises(DataError, match="cannot be used as a model"):
        load_artifact(tmp_path, ALGORITHM)


def test_no_model_says_so(tmp_path):
    """And what to run."""
    with pytest.raises(DataError, match=r"There is no model .*model\.pkl\. Run `train` first"):
        load_artifact(tmp_path, ALGORITHM)


PACKING = r"To pack a folder's contents, and not the folder: tar -C model -czf model\.tar\.gz \.$"


@pytest.mark.parametrize(
    ("files", "holds"),
    [
        (["model/model.pkl"], "'model/model.pkl'"),
        (["a/b/model.pkl", "a/b/factor.npy", "._a"], "'a/b/model.pkl'; '._a'; 'a/b/factor.npy'"),
        (["model.pkl/model.pkl"], "'model.pkl/model.pkl'"),
        (["model.tar.gz"], "'model.tar.gz'"),
        (["zeta.TGZ", "alpha.txt"], "'zeta.TGZ'; 'alpha.txt'"),
        (["Model.pkl"], "'Model.pkl'"),
        (["my\nmodel.pkl"], r"'my\\nmodel.pkl'"),
        (["model.joblib"], "'model.joblib'"),
        ([*(f"{n}.txt" for n in range(9)), "z.pkl"], "'z.pkl'; '0.txt'; '1.txt'; '2.txt'; '3.txt'; and 5 more"),
    ],
    ids=str,
)
def test_a_model_that_lies_elsewhere_is_named_with_how_to_pack_it(tmp_path, files, holds):
    """One folder too deep, under another name, or still packed: what is there, and what to do."""
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = rf"^There is no model .*/model\.pkl; its folder holds {holds}\. model\.pkl has to lie there by this name, .*{PACKING}"
    with pytest.raises(DataError, match=found):
        load_artifact(tmp_path, ALGORITHM)


def test_the_command_that_is_named_makes_a_model_that_loads(saved, tmp_path):
    """As SageMaker unpacks it."""
    (tmp_path / "work").mkdir()
    shutil.copytree(saved[1], tmp_path / "work/model", ignore=shutil.ignore_patterns("work"))
    subprocess.run(["tar", "-C", "model", "-czf", "model.tar.gz", "."], cwd=tmp_path / "work", check=True)
    (tmp_path / "served").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "served", "-xzf", tmp_path / "work/model.tar.gz"], check=True)
    assert load_artifact(tmp_path / "served", ALGORITHM).features == 2


def test_a_model_that_cannot_be_finished_leaves_nothing_behind(tmp_path):
    """A state that cannot be stored, and a folder that cannot be written."""
    with pytest.raises(TypeError, match=r"a state holds plain values, .* found object"):
        save_artifact(Artifact("a", 2, {}, {"x": [object()]}, TEST), tmp_path)
    with pytest.raises(TypeError, match="found an array of <U1"):
        save_artifact(Artifact("a", 2, {}, {"x": np.array(["a"])}, TEST), tmp_path)
    with pytest.raises(TypeError, match="strings for keys; found 1"):
        save_artifact(Artifact("a", 2, {}, {"x": {1: 2}}, TEST), tmp_path)
    with pytest.raises(TypeError, match="found function"):
        save_artifact(Artifact("a", 2, {"x": lambda: 0}, {}, TEST), tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("a file where the folder should be")
    with pytest.raises(PlatformError, match="cannot be written"):
        save_artifact(Artifact("a", 2, {}, {}, TEST), tmp_path / "file")


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
    save_artifact(Artifact(ALGORITHM.name, 2, {}, state, TEST), tmp_path)
    loaded = load_artifact(tmp_path, ALGORITHM).state
    assert np.array_equal(loaded["array"], array)
    assert loaded["array"].dtype == array.dtype
    assert loaded["array"].flags.f_contiguous == array.flags.f_contiguous
    assert np.array_equal(loaded["strided"], array[:, ::2])
    assert loaded["scalar"] == 2.5
    assert loaded["nested"]["n"] is None
    assert loaded["nested"]["s"][0] == "text"
    assert np.array_equal(loaded["nested"]["s"][1], array)


def test_writing_goes_on_in_blocks_and_says_how_far(tmp_path):
    """So that a signal is heard between them; the last figure is the whole dictionary's size."""
    told = []
    state = {"large": np.zeros(5 * 2**20), "small": np.zeros(3)}
    path = save_artifact(Artifact("a", 2, {}, state, TEST), tmp_path, told.append)
    assert told == sorted(told)
    assert max(np.diff([0, *told])) <= 2**23
    assert told[-1] == path.stat().st_size - len(pickle.dumps("0" * 64, protocol=5))


def test_the_size_of_the_file_is_known_before_it_is_written(tmp_path, saved):
    """To the byte, and without copying the arrays."""
    for state in (ALGORITHM.state(saved[0]), {"large": np.zeros((1000, 2000), order="F"), "list": [1.0] * 3000}):
        artifact = Artifact("a", 2, {"k": 1}, state, TEST)
        tracemalloc.start()
        size = artifact.size
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()
        assert size == save_artifact(artifact, tmp_path).stat().st_size


@pytest.mark.parametrize(("make", "reason"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_refused_in_words_and_not_waited_for(saved, make, reason):
    """Nor read for hours; and what to do is said."""
    path = saved[1] / FILE_NAME
    make(path)
    with pytest.raises(DataError, match=f"^{path} .*{reason}.*train again"):
        load_artifact(saved[1], ALGORITHM)


def test_links_within_the_folder_and_to_it_are_followed(saved, tmp_path_factory):
    """As they come with a mounted folder that is replaced as a whole: model.pkl in a folder below, itself a link."""
    folder = saved[1]
    (folder / "..1").mkdir()
    (folder / FILE_NAME).rename(folder / "..1" / FILE_NAME)
    (folder / "..data").symlink_to("..1")
    (folder / FILE_NAME).symlink_to(f"..data/{FILE_NAME}")
    link = tmp_path_factory.mktemp("link") / "model"
    link.symlink_to(folder)
    assert load_artifact(link, ALGORITHM).features == 2


def test_what_is_written_to_a_file_that_is_being_read_is_not_read(saved):
    """Which might go on for ever."""
    path = saved[1] / FILE_NAME

    def parse(document):
        with path.open("ab") as stream:
            stream.write(b"more and more")
        return document["format"]

    with path.open("rb") as stream:
        assert read_document(stream, parse) == 2


def test_a_file_without_a_seal_is_not_read_at_all(tmp_path, monkeypatch):
    """What is wrong with a file of a terabyte is known at once."""
    (tmp_path / FILE_NAME).write_bytes(bytes(2**20))
    monkeypatch.setattr(sealed_pickle, "PlainReader", lambda *_: pytest.fail("it is read"))
    with pytest.raises(DataError, match="it looks like nothing that is known here"):
        load_artifact(tmp_path, ALGORITHM)


def test_a_folder_without_a_model_is_not_searched_for_ever(tmp_path):
    """It may be the root of a disk, and lead into itself."""
    for number in range(2 * MOST):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/again").symlink_to(tmp_path)
        (tmp_path / f"{number}/model.pkl").touch()
    message = str(missing_model(tmp_path / FILE_NAME))
    assert "model.pkl'; " in message
    looked_at = int(re.search(r"and (\d+) more", message)[1])
    assert looked_at <= MOST
