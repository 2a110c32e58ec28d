"""Settings: what the environment says about the server, read once, before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.planning.resources import available_cores, threads_for

MEGABYTE = 2**20
# The most that the platform sends in a request's body, but for asynchronous endpoints and unlimited batches.
PAYLOAD_MB = 100
MOST = 10**6
TRUTHS = {"": False, "false": False, "0": False, "true": True, "1": True}  # local mode writes True, the service true

Front = Literal["gunicorn", "nginx"]


@dataclass(frozen=True)
class Settings:
    """What the environment says about the server.

    Attributes:
        port: SAGEMAKER_BIND_TO_PORT.
        cores: that this process may use, by its affinity and its container's quota.
        workers: MODEL_SERVER_WORKERS, or SAGEMAKER_MODEL_SERVER_WORKERS; None leaves their number to cores, memory and model.
        threads: OMP_NUM_THREADS, that each worker computes in; None for its share of the cores.
        timeout: MODEL_SERVER_TIMEOUT, or SAGEMAKER_MODEL_SERVER_TIMEOUT, seconds after which a worker without a sign of life
            is replaced, and a request of which nothing more comes is given up.
        max_body: bytes of a request's body, MODEL_SERVER_MAX_PAYLOAD_MB or SAGEMAKER_MAX_PAYLOAD_IN_MB where that is more;
            None for any number, which 0 stands for.
        front: MODEL_SERVER_FRONT, what listens on the port: gunicorn itself, or nginx before it.
        batch: SAGEMAKER_BATCH, whether a bad record is answered in its place.
        multi_model: SAGEMAKER_MULTI_MODEL, whether models come and go by requests.
        max_models: MODEL_SERVER_MAX_MODELS, how many of those are in memory; None for as many as fit.
        usual_accept: SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, the media type of answers to requests without a preference.
        usual_query: MODEL_SERVER_QUERY, what requests want that do not say.
    """

    port: int
    cores: int
    workers: int | None
    threads: int | None
    timeout: int
    max_body: int | None
    front: Front
    batch: bool
    multi_model: bool
    max_models: int | None
    usual_accept: str
    usual_query: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ConfigurationError for values that mean nothing, all of them in one message."""
        read = _Reading(environ)
        settings = cls(
            port=read.whole("SAGEMAKER_BIND_TO_PORT", most=65535) or 8080,
            cores=available_cores(),
            workers=read.whole("MODEL_SERVER_WORKERS") or read.whole("SAGEMAKER_MODEL_SERVER_WORKERS"),
            threads=read.threads(),
            timeout=read.whole("MODEL_SERVER_TIMEOUT") or read.whole("SAGEMAKER_MODEL_SERVER_TIMEOUT") or 60,
            max_body=read.max_body(),
            front=read.front(),
            batch=read.truth("SAGEMAKER_BATCH"),
            multi_model=read.truth("SAGEMAKER_MULTI_MODEL"),
            max_models=read.whole("MODEL_SERVER_MAX_MODELS"),
            usual_accept=environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", ""),
            usual_query=environ.get("MODEL_SERVER_QUERY", ""),
        )
        if read.faults:
            raise ConfigurationError(" ".join(read.faults))
        return settings


@dataclass(frozen=True)
class _Reading:
    """Reads variables, of which an empty one is one that is not set, and gathers what is wrong with them."""

    environ: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def whole(self, name: str, least: int = 1, most: int = MOST) -> int | None:
        text = self.environ.get(name, "").strip()
        if not text:
            return None
        if text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most:
            return int(text)
        self._refuse(name, text, f"a whole number from {least} to {most}")
        return None

    def max_body(self) -> int | None:
        limits = [self.whole(name, least=0) for name in ("MODEL_SERVER_MAX_PAYLOAD_MB", "SAGEMAKER_MAX_PAYLOAD_IN_MB")]
        own, platforms = PAYLOAD_MB if limits[0] is None else limits[0], limits[1]
        # What the platform was asked to send, the server takes.
        if 0 in (own, platforms):
            return None
        return MEGABYTE * max(own, platforms or 0)

    def threads(self) -> int | None:
        try:
            return threads_for(self.environ, 0) if self.environ.get("OMP_NUM_THREADS", "").strip() else None
        except ConfigurationError as error:
            self.faults.append(str(error))
            return None

    def front(self) -> Front:
        match self.environ.get("MODEL_SERVER_FRONT", "").strip():
            case "" | "gunicorn":
                return "gunicorn"
            case "nginx":
                return "nginx"
            case other:
                self._refuse("MODEL_SERVER_FRONT", other, "gunicorn or nginx")
                return "gunicorn"

    def truth(self, name: str) -> bool:
        text = self.environ.get(name, "").strip()
        if text.lower() not in TRUTHS:
            self._refuse(name, text, "true or false")
        return TRUTHS.get(text.lower(), False)

    def _refuse(self, name: str, found: str, wanted: str) -> None:
        self.faults.append(f"The environment variable {name} is {found[:40]!r}; {wanted} is wanted.")
