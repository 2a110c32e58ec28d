"""Reading a channel, once, from its first byte to its last."""

from gaussian_processes.data.channels.builder import Rows
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.streams import Advance, Meter, open_stream, wait_for_pipe
from gaussian_processes.data.channels.survey import survey_channel
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import DataError


def read_channel(channel: Channel, advance: Advance = lambda _total: None) -> Dataset:
    """The rows of a channel's pipe, or of its files in name order; the target is the first column.

    Files that are empty, whose name begins with a dot or an underscore, or that are manifests hold no rows. Without a
    content type a file's suffix says what it holds.

    Args:
        channel: what to read.
        advance: told the bytes read so far, packed as they are.

    Raises:
        DataError: no files, no rows, bad cells, a single column, files of different columns, an unknown kind of file.
        PlatformError: the pipe does not come.
    """
    files = channel.files()
    rows = Rows(survey_channel(channel).capacity)
    meter = Meter(advance)
    for file in files:
        if channel.piped:
            wait_for_pipe(file.path)
        with open_stream(file.path, file.name, meter) as stream:
            if stream is not None:
                for table in file.format.read(stream, file.name, channel.parameters):
                    rows.add(file.name, table)
    if not rows:
        raise DataError(
            f"Channel '{channel.name}' holds no file with rows in it (looked in "
            f"{channel.pipe if channel.piped else channel.path}). "
            + (
                "Its S3DistributionType is ShardedByS3Key: does it have fewer files than the job has hosts?"
                if channel.sharded
                else "Check the channel's S3 prefix, or the folder."
            )
        )
    return rows.dataset()
