"""Shares: a channel that SageMaker has dealt out to the hosts, gathered on the leader."""

import os
from dataclasses import replace

from gaussian_processes.algorithm import Cluster
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.reading import read_channel
from gaussian_processes.data.channels.shards import joined
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import DataError
from gaussian_processes.job.contract.paths import OptMl


def read_shares(channel: Channel, cluster: Cluster) -> Dataset:
    """All rows of a channel, each host's read there, in the order of the files' names.

    Raises:
        DataError: as `read_channel` and `joined`; no host has any rows.
        PlatformError: as `read_channel`.
    """
    client = cluster.client
    shares = [client.submit(read_share, channel, host, workers=[host], pure=False) for host in cluster.hosts]
    parts = [part for part in client.gather(shares) if part is not None]
    if not parts:
        raise DataError(
            f"Channel '{channel.name}' holds no file on any of {len(cluster.hosts)} hosts. Check the channel's S3 prefix."
        )
    return joined(parts)


def read_share(channel: Channel, host: str) -> Dataset | None:
    """What this host has of a channel; None where there were fewer files than hosts."""
    here = replace(channel, path=OptMl.from_environ(os.environ).data / channel.name)
    if not here.piped and not here.files():
        return None
    part = read_channel(here)
    if here.piped:  # all hosts' pipes have one name
        return replace(part, sources=tuple(replace(one, name=f"{host}: {one.name}") for one in part.sources))
    return part
