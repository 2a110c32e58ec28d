"""OptMl: the folder that SageMaker mounts, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OPT_ML = "/opt/ml"


@dataclass(frozen=True)
class OptMl:
    """The tree below `root`, which is /opt/ml in a SageMaker job."""

    root: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "OptMl":
        """/opt/ml, or the folder that SAGEMAKER_BASE_DIR names."""
        return cls(Path(environ.get("SAGEMAKER_BASE_DIR") or OPT_ML))

    def local(self, given: str) -> Path:
        """An absolute path that a request gives, with this root where it says /opt/ml."""
        path = Path(given)
        return self.root / path.relative_to(OPT_ML) if path.is_relative_to(OPT_ML) else path

    @property
    def hyperparameters(self) -> Path:
        """Strings to strings, as the training request gave them."""
        return self.root / "input/config/hyperparameters.json"

    @property
    def input_data_config(self) -> Path:
        """Which channels the job has, and how each is delivered."""
        return self.root / "input/config/inputdataconfig.json"

    @property
    def resource_config(self) -> Path:
        """Which hosts take part in the job, and which of them this is."""
        return self.root / "input/config/resourceconfig.json"

    @property
    def checkpoint_config(self) -> Path:
        """Where checkpoints are kept, of a job that keeps any."""
        return self.root / "input/config/checkpointconfig.json"

    @property
    def metric_definitions(self) -> Path:
        """The request's MetricDefinitions; not documented, and not always there."""
        return self.root / "input/config/metric-definition-regex.json"

    @property
    def training_job_config(self) -> Path:
        """The request; not documented, and not always there."""
        return self.root / "input/config/trainingjobconfig.json"

    @property
    def data(self) -> Path:
        """One folder for each channel."""
        return self.root / "input/data"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return self.root / "model"

    @property
    def checkpoints(self) -> Path:
        """What is copied to S3 while the job runs, and back before it runs again, unless the request names a folder."""
        return self.root / "checkpoints"

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz."""
        return self.root / "output/data"

    @property
    def failure(self) -> Path:
        """The file whose first 1,024 characters become the job's FailureReason."""
        return self.root / "output/failure"
