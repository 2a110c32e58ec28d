"""Inputs: what the job's documents say of its channels."""

import gzip
import io
import re

import numpy as np
import pytest
from arro3.core import Array, RecordBatch
from arro3.io import write_parquet
from processes import write_opt_ml
from reference import DATA

from gaussian_processes.errors import ConfigurationError, DataError, Faults, UserError
from gaussian_processes.job.contract.channels import find_channels, read_here, read_inputs

ROWS = "1,2\n3,4\n"


def find(tmp_path, config, channels=None):
    return find_channels(write_opt_ml(tmp_path, channels or {"training/a.csv": ROWS}, config=config))


def read(inputs):
    return read_inputs(inputs, lambda channel: read_here(channel, lambda _what, _fraction: None))


def test_other_channels_are_left_alone(tmp_path):
    """Those of the platform's own tools, files beside the channels, and any other; they are not even looked into."""
    others = {
        "code/x.py": "x",
        "sm_drivers/y.sh": "y",
        "test/z.xyz": "z",
        "training-manifest": "[]",
        "validation-manifest": "[]",
    }
    config = {"code": {"TrainingInputMode": "Pipe", "RecordWrapperType": "RecordIO"}, "sm_drivers": {"ContentType": 5}}
    inputs = find(tmp_path, config, {"training/a.csv": ROWS, **others})
    data = read(inputs)
    assert (len(data.training), inputs.validation, data.validation, inputs.others) == (2, None, None, ("test",))


@pytest.mark.parametrize("name", ["test", "eval", "val", "valid", "Validation", "TEST", "holdout", "Train", "x"])
@pytest.mark.parametrize("folder", [True, False])
def test_a_channel_that_is_not_read_is_named_with_what_to_call_it(tmp_path, name, folder):
    """Whether the request has it or a folder is there, as it is in a local run; what it holds is not looked at."""
    channels, config = {"train/a.csv": ROWS}, {"train": {}}
    inputs = find(tmp_path, config, channels | {f"{name}/b": "?"}) if folder else find(tmp_path, {name: {}}, channels)
    assert inputs.note == (
        f"Channels left alone: '{name}'; only 'train' and 'validation' are read. Name a channel 'validation' to evaluate "
        "the model on it."
    )


def test_beside_a_validation_channel_there_is_nothing_to_rename(tmp_path):
    """All are named in one line, in the order of their names, without what would break it; of the SDK's own none."""
    piped = {"TrainingInputMode": "Pipe"}
    config = {"training": {}, "validation": {}, "val": piped, "test": piped, "code": {}, "sm_drivers": {}}
    inputs = find(tmp_path, config, {"training/a.csv": ROWS, "a\nb/c": "x"})
    assert inputs.note == ("Channels left alone: 'a\\nb', 'test', 'val'; only 'training' and 'validation' are read.")
    assert find(tmp_path / "other", {"code": {}}).note is None


@pytest.mark.parametrize(
    "config",
    [
        {"model": {}},
        {"Model": {"ContentType": 5}},
        {"model": None},
        {"old": {"ContentType": "application/x-sagemaker-model"}},
        {"old": {"ContentType": "Application/X-SageMaker-Model; charset=utf-8"}},
    ],
    ids=str,
)
def test_a_model_to_go_on_from_is_refused(tmp_path, config):
    """AWS's incremental training, by its channel's name or by the content type that its SDKs give it."""
    (name,) = config
    with pytest.raises(
        DataError, match=rf"^Channel '{name}' brings a model, .*learns from its training channel alone\. Rem"
    ):
        find(tmp_path, config)


@pytest.mark.parametrize(
    ("config", "channels"),
    [({}, {}), ({}, {"validation/a.csv": ROWS}), ({"training": {}}, {"validation/a.csv": ROWS}), ({"train": {}}, {})],
)
def test_a_group_without_the_channel_is_named(tmp_path, config, channels):
    """A heterogeneous cluster: a channel can be on the hosts of some groups, whatever the documents of the others say."""
    paths = write_opt_ml(tmp_path, channels, config=config)
    with pytest.raises(
        DataError,
        match=r"no channel named 'training' .*: (none|validation)\. This host leads: its instance group, 'cpu', must",
    ):
        find_channels(paths, "cpu")


def test_a_group_with_the_channel_reads_it(tmp_path):
    """As a folder, or as a pipe that is still to come."""
    assert find_channels(write_opt_ml(tmp_path / "file", {"train/a.csv": ROWS}), "cpu").training.name == "train"
    piped = write_opt_ml(tmp_path / "pipe", {}, config={"train": {"TrainingInputMode": "Pipe"}})
    assert find_channels(piped, "cpu").training.piped


def test_a_folder_of_a_model_is_refused(tmp_path):
    """As a local run has it."""
    with pytest.raises(DataError, match=r"^Channel 'model' brings a model"):
        find(tmp_path, {}, {"training/a.csv": ROWS, "model/model.tar.gz": "x"})


def test_all_that_is_wrong_with_the_channels_is_reported_together(tmp_path):
    """Each once, beside what else is wrong with the job."""

    def refuse():
        raise ConfigurationError("Something else.")

    config = {"training": {"ContentType": "x/y"}, "validation": {"TrainingInputMode": "Stream"}, "model": {}}
    faults = Faults()
    faults.gather(refuse)
    faults.gather(lambda: find(tmp_path, config))
    with pytest.raises(UserError, match=r"^4 parts of this job are wrong: \(1\) Something else\.") as refused:
        faults.raise_any()
    parts = re.split(r" \(\d\) ", str(refused.value))[2:]
    assert [part.split("'")[1] for part in parts] == ["training", "validation", "model"]


def test_what_the_documents_say_becomes_the_channel(tmp_path):
    """Mode, content type and distribution, of each channel by itself."""
    config = {
        "training": {
            "TrainingInputMode": "File",
            "S3DistributionType": "ShardedByS3Key",
            "RecordWrapperType": "None",
            "ContentType": "text/csv; charset=latin-1",
        },
        "validation": {"TrainingInputMode": "Pipe", "S3DistributionType": "FullyReplicated"},
    }
    inputs = find(tmp_path, config)
    assert (inputs.training.piped, inputs.training.sharded) == (False, True)
    assert dict(inputs.training.parameters) == {"charset": "latin-1"}
    assert (inputs.validation.piped, inputs.validation.sharded, inputs.validation.format) == (True, False, None)
    assert inputs.validation.pipe.name == "validation_0"


def test_what_is_empty_is_not_set(tmp_path):
    """As some clients write it."""
    nothing = {"ContentType": "", "RecordWrapperType": "", "TrainingInputMode": None, "S3DistributionType": None}
    inputs = find(tmp_path, {"training": nothing, "validation": None})
    assert (inputs.training.format, inputs.training.piped, inputs.validation.format) == (None, False, None)


def test_a_folder_that_cannot_be_written_to_is_read(tmp_path):
    """FastFile mounts one."""
    paths = write_opt_ml(tmp_path, {"training/a.csv.gz": gzip.compress(ROWS.encode())})
    folder = paths.data / "training"
    folder.chmod(0o555)
    try:
        data = read(find_channels(paths))
        assert [path.name for path in folder.iterdir()] == ["a.csv.gz"]
    finally:
        folder.chmod(0o755)
    assert len(data.training) == 2


def test_progress_names_the_channel(tmp_path):
    """Each counts its own bytes, from none to all."""
    told = {}
    inputs = find(tmp_path, {}, {"training/a.csv": ROWS, "validation/b.csv": ROWS * 2})
    read_inputs(inputs, lambda channel: read_here(channel, lambda what, fraction: told.update({what: fraction})))
    assert told == {"reading channel training": 1.0, "reading channel validation": 1.0}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"training": {"RecordWrapperType": "RecordIO"}},
            r"'training' has the RecordWrapperType 'RecordIO'; .*set None\.",
        ),
        (
            {"training": {"TrainingInputMode": "Stream"}},
            r"TrainingInputMode 'Stream'; File, FastFile or Pipe is wanted\.",
        ),
        ({"training": {"ContentType": ["text/csv"]}}, r"the ContentType of channel 'training' is no string\."),
        ({"training": "s3://"}, r"channel 'training' is not an object\."),
    ],
)
def test_a_delivery_that_cannot_be_read_is_refused(tmp_path, config, message):
    """Before any data are read."""
    with pytest.raises(ConfigurationError, match=message):
        find(tmp_path, config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"training": {"ContentType": "application/x-recordio-protobuf"}},
            r"Channel 'training': Content type 'application/x-recordio-protobuf' is not supported; text/csv or .* is wanted",
        ),
        ({"training": {"ContentType": "text/csv; header=true"}}, r"has header=true .* header=present or header=absent"),
        ({"training": {"ContentType": "text/csv; label_size=0"}}, r"label_size=0 .* no target to learn"),
        ({"training": {"TrainingInputMode": "Pipe", "ContentType": "application/x-parquet"}}, r"File or FastFile"),
        ({"train": {}}, r"a channel 'training' and a channel 'train'; which one"),
    ],
)
def test_a_content_that_cannot_be_learned_from_is_refused(tmp_path, config, message):
    """Before any data are read."""
    with pytest.raises(DataError, match=message):
        find(tmp_path, config)


def parquet(*names):
    stream = io.BytesIO()
    write_parquet(RecordBatch({name: Array.from_numpy(np.arange(3.0)) for name in names}), stream)
    return stream.getvalue()


OTHER_ORDER = r"column 2 is named 'b' where it is 'a' in training/a\."
CHANNELS = {
    "Parquet": ({"training/a.parquet": parquet("y", "a", "b"), "validation/b.parquet": parquet("y", "b", "a")}),
    "Parquet after CSV": ({"training/a.csv": "y,a,b\n1,2,3\n4,5,6\n", "validation/b.parquet": parquet("y", "b", "a")}),
    "CSV after Parquet": ({"training/a.parquet": parquet("y", "a", "b"), "validation/b.csv": "y,b,a\n1,2,3\n"}),
    "two files": ({"training/a.parquet": parquet("y", "a", "b"), "training/b.parquet": parquet("y", "b", "a")}),
    "two formats": ({"training/a.parquet": parquet("y", "a", "b"), "training/b.csv": "y,b,a\n1,2,3\n"}),
}


@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
def test_all_files_of_a_job_have_the_same_columns_in_the_same_order(tmp_path, channels):
    """Whether a schema names them or a header line."""
    with pytest.raises(DataError, match=OTHER_ORDER):
        read(find(tmp_path, {}, channels))


@pytest.mark.parametrize("channel", ["training", "validation"])
def test_an_index_is_no_feature_of_either_channel(tmp_path, channel):
    """By what its library noted in the file."""
    channels = {"training/a.csv": ROWS, f"{channel}/b.parquet": (DATA / "parquet/dask_index.parquet").read_bytes()}
    with pytest.raises(
        DataError, match=rf"^{channel}/b\.parquet: it holds pandas' index as a column \('__null_dask_ind"
    ):
        read(find(tmp_path, {}, channels))


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ("y,b,a\n1,2,3\n", r"Channel 'validation': column 2 is named 'b' where it is 'a' in training/a\.csv"),
        ("1,2\n", r"validation/b\.csv has 2 columns where training/a\.csv has 3"),
    ],
)
def test_validation_has_the_columns_of_training(tmp_path, validation, message):
    """By number and, where both have them, by name."""
    channels = {"training/a.csv": "y,a,b\n1,2,3\n4,5,6\n", "validation/b.csv": validation}
    with pytest.raises(DataError, match=message):
        read(find(tmp_path, {}, channels))


def test_names_in_one_channel_alone_are_no_fault(tmp_path):
    """There is nothing to compare them with."""
    data = read(find(tmp_path, {}, {"training/a.csv": "y,a\n1,2\n4,5\n", "validation/b.csv": "1,2\n"}))
    assert (data.training.columns, data.validation.columns) == (("y", "a"), None)
