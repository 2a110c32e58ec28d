"""Checkpoint: what a job keeps for a run that goes on where this one is interrupted, and finds of an earlier one.

SageMaker copies the folder to S3 while the job runs, and back before it starts the job again; what is deleted in one is
deleted in the other. Nothing here deletes a checkpoint. Jobs may share the folder, so each has a file of its own.
"""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gaussian_processes import __version__
from gaussian_processes.algorithm import State
from gaussian_processes.errors import ConfigurationError, DataError, ExplainedError, PlatformError, listed
from gaussian_processes.job.checkpoint.identity import Identity
from gaussian_processes.job.contract.documents import read_object
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.storage.atomic import open_file, write_by_rename
from gaussian_processes.storage.sealed_pickle import (
    BrokenSealError,
    MalformedError,
    packed,
    read_document,
    unpacked,
    write_document,
)

FORMAT = 1
# What names end in: of checkpoints, and of files that are never copied to S3.
SUFFIX = ".checkpoint.pkl"
NEVER_COPIED = ".sagemaker-ignore"
# SageMaker's names of jobs have at most 63 characters.
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# A job has this name where nobody has given it one.
UNNAMED = "training"
# After the year 5138 a number of seconds is none.
LATEST = 1e11

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Kept:
    """What a checkpoint's file holds.

    Attributes:
        identity: of the job that kept it.
        version: of the program.
        seconds: when, since 1970.
        state: the algorithm's.
    """

    identity: Identity
    version: str
    seconds: float
    state: State


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A job's checkpoint.

    Attributes:
        path: of its file.
        identity: of the job.
        found: what an interrupted run kept; None where this one starts from the beginning.
        start: where this run starts, and why, in words.
        clock: seconds since 1970.
    """

    path: Path
    identity: Identity
    found: State | None
    start: str
    clock: Callable[[], float] = time.time

    def keep(self, state: State) -> None:
        """Write the file, whole, in the place of what was kept before.

        Raises:
            PlatformError: the folder cannot be written, or the disk is full; what was kept before is still there.
            TypeError: the state holds what cannot be stored.
        """
        document = {
            "format": FORMAT,
            "version": __version__,
            "algorithm": self.identity.algorithm,
            "hyperparameters": json.dumps(self.identity.hyperparameters),
            "data": packed(self.identity.data),
            "seconds": self.clock(),
            "state": packed(state),
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with write_by_rename(self.path, suffix=NEVER_COPIED) as stream:
                write_document(document, stream)
        except OSError as error:
            raise PlatformError(
                f"The checkpoint cannot be written to {self.path}: {error.strerror}. What was kept before is still there."
            ) from error


def checkpoint_file(paths: OptMl, name: str | None) -> Path | None:
    """Where a job keeps its checkpoint; None where it keeps none.

    It keeps one if the request has a CheckpointConfig, or the folder is there.

    Args:
        paths: of the job.
        name: that SageMaker knows it by, if it does.

    Raises:
        ConfigurationError: the CheckpointConfig is malformed, or the name cannot be a file's.
    """
    if not (paths.checkpoint_config.exists() or paths.checkpoints.is_dir()):
        return None
    given = read_object(paths.checkpoint_config).get("LocalPath") or str(paths.checkpoints)
    if not (isinstance(given, str) and given.startswith("/") and given.isprintable()):
        raise ConfigurationError(
            f"{paths.checkpoint_config.name}: LocalPath is {str(given)[:40]!r}; an absolute path is wanted, such as "
            "/opt/ml/checkpoints."
        )
    if name is not None and not FILE_NAME.fullmatch(name):
        raise ConfigurationError(
            f"The environment variable TRAINING_JOB_NAME is {name[:40]!r}, and a checkpoint's file is named by it; "
            "letters, digits and hyphens are wanted."
        )
    return paths.local(given) / f"{name or UNNAMED}{SUFFIX}"


def open_checkpoint(path: Path, identity: Identity, log: Say) -> Checkpoint:
    """A job's checkpoint, with what can be gone on from: its own file, or where it has none another job's of the same kind.

    Args:
        path: of its file.
        identity: of the job.
        log: told why another job's file is left alone that might have been meant.

    Raises:
        ConfigurationError: its own file is of other data or hyperparameters.
        PlatformError: its own file cannot be read.
    """
    try:
        found = (path, _own(path, identity)) if os.path.lexists(path) else _anothers(path.parent, identity, log)
    except DataError as error:
        return Checkpoint(path, identity, None, f"training starts from the beginning: {error}")
    if found is None:
        reason = f"{path.parent} holds no checkpoint of these data and hyperparameters."
        return Checkpoint(path, identity, None, f"training starts from the beginning: {reason}")
    source, kept = found
    when = datetime.fromtimestamp(kept.seconds, UTC)
    start = f"training goes on from {source}, kept on {when:%Y-%m-%d} at {when:%H:%M:%S} UTC."
    return Checkpoint(path, identity, kept.state, start)


def _own(path: Path, identity: Identity) -> Kept:
    kept = _read(path)
    differences = list(identity.differences(kept.identity))
    if differences:
        raise ConfigurationError(
            f"{path} was kept by another training, and this one would write over it: {listed(differences)}. Give "
            "CheckpointConfig another S3Uri, or the job another name, or remove the file."
        )
    _require_version(path, kept)
    return kept


def _anothers(folder: Path, identity: Identity, log: Say) -> tuple[Path, Kept] | None:
    """The latest of the checkpoints that jobs of this identity have kept."""
    latest: tuple[Path, Kept] | None = None
    for path in sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.is_dir()):
        try:
            kept = _read(path)
            if any(identity.differences(kept.identity)):
                continue
            _require_version(path, kept)
        except ExplainedError as error:
            log(f"another job's checkpoint is left alone: {error}")
        else:
            if latest is None or kept.seconds > latest[1].seconds:
                latest = path, kept
    return latest


def _require_version(path: Path, kept: Kept) -> None:
    if kept.version != __version__:
        raise DataError(f"{path} was kept by version {kept.version}, and this is version {__version__}.")


def _read(path: Path) -> Kept:
    try:
        with open_file(path, follow=True) as stream:
            return read_document(stream, _kept)
    except BrokenSealError as error:
        raise DataError(f"{path} is damaged, cut short, or no checkpoint: {error}.") from None
    except MalformedError as error:
        raise DataError(f"{path} cannot be used as a checkpoint: {error}.") from error
    except OSError as error:
        raise PlatformError.of(error) from error
    except MemoryError as error:
        raise PlatformError(f"{path} does not fit into memory. Use an instance with more.") from error


def _kept(document: Any) -> Kept:
    match document:
        case {"format": int(number)} if number != FORMAT:
            raise ValueError(f"it is of format {number}, and version {__version__} reads format {FORMAT}")
        case {
            "format": int(),
            "version": str(version),
            "algorithm": str(algorithm),
            "hyperparameters": str(hyperparameters),
            "data": dict(data),
            "seconds": float(seconds),
            "state": dict(state),
        } if 0 <= seconds < LATEST:
            settings = json.loads(hyperparameters)
            if isinstance(settings, dict) and all(isinstance(value, str) for value in data.values()):
                return Kept(Identity(algorithm, settings, data), version, seconds, unpacked(state))
    raise ValueError("it lacks what a checkpoint holds")
