"""build_and_push.sh, with stand-ins for docker and aws that write down how they were called."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "build_and_push.sh"
# PATH holds these and the stand-ins alone, so that a real docker or aws is never found.
SYSTEM_PROGRAMS = ("bash", "cat", "chmod", "dirname", "env", "git", "grep", "sed", "tr")

ACCOUNT = "111122223333"
PASSWORD = "correct-horse"
ECR = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"

# What a stand-in does, by how its arguments begin; with any others it succeeds silently.
DOCKER = {"login": 'cat > "$HOME/password"'}
AWS = {
    "sts get-caller-identity": f"echo {ACCOUNT}",
    "configure get region": "exit 1",
    "ecr get-login-password": f"echo {PASSWORD}",
}
NO_REPOSITORY = {
    "ecr describe-repositories": "echo 'An error occurred (RepositoryNotFoundException): none' >&2; exit 254"
}
READ_ONLY = ("docker buildx version", "aws sts get-caller-identity", "aws configure get region")


@dataclass(frozen=True)
class Checkout:
    """A copy of the script beside two stub programs, and a PATH under the test's control."""

    folder: Path
    programs: Path
    home: Path

    def stand_in(self, name: str, answers: Mapping[str, str]) -> None:
        cases = "\n".join(f'"{arguments}"*) {answer} ;;' for arguments, answer in answers.items())
        program = self.programs / name
        program.write_text(
            "#!/bin/sh\n"
            f'echo "${{DOCKER_BUILDKIT:+DOCKER_BUILDKIT=$DOCKER_BUILDKIT }}{name} $*" >> "$HOME/calls"\n'
            f'case "$*" in\n{cases}\nesac\n'
        )
        program.chmod(0o755)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / SCRIPT.name, *arguments],
            cwd=self.home,
            env=self.environ | {"AWS_REGION": "eu-west-1"} | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": str(self.programs),
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
        }

    @property
    def calls(self) -> list[str]:
        log = self.home / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def called(self, beginning: str) -> list[str]:
        return [call for call in self.calls if call.startswith(beginning)]


@pytest.fixture
def checkout(tmp_path):
    made = Checkout(tmp_path / "check out", tmp_path / "programs", tmp_path / "home")
    for folder in (made.folder / "gaussian_processes", made.programs, made.home):
        folder.mkdir(parents=True)
    for name in SYSTEM_PROGRAMS:
        found = shutil.which(name)
        assert found, f"{name} is needed to test the script"
        (made.programs / name).symlink_to(found)
    shutil.copy(SCRIPT, made.folder)
    for name in ("train", "serve"):
        program = made.folder / "gaussian_processes" / name
        program.write_text("#!/usr/bin/env python3\n")
        program.chmod(0o755)
    made.stand_in("docker", DOCKER)
    made.stand_in("aws", AWS)
    return made


@pytest.fixture
def commit(checkout):
    checkout.git("init", "--quiet")
    checkout.git("add", ".")
    checkout.git("commit", "--quiet", "--message", "All of it")
    return checkout.git("rev-parse", "HEAD")


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--fast", "gp"), ("gp", "another")])
def test_wrong_arguments_are_answered_by_the_usage_line(checkout, arguments):
    """No name, an unknown option or two names: one line on stderr, exit code 2, nothing called."""
    result = checkout.run(*arguments)
    assert result.returncode == 2
    assert result.stderr == "usage: ./build_and_push.sh [--dry-run] IMAGE_NAME\n"
    assert result.stdout == ""
    assert checkout.calls == []


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("GaussianProcesses", "gaussianprocesses"),
        ("team/My_GP", "team/my_gp"),
        ("gp:latest", "gp"),
        ("my gp", "my-gp"),
        ("/gp/", "gp"),
        ("a.-b", "a-b"),
        ("Ü", "gaussian-processes"),
    ],
)
def test_a_name_that_ecr_refuses_is_refused_with_one_that_it_takes(checkout, name, suggestion):
    """The message quotes what was found and offers a name, and that name is accepted."""
    result = checkout.run(name)
    assert result.returncode == 2
    assert f"'{name}'" in result.stderr
    assert result.stderr.endswith(f"Try: ./build_and_push.sh {suggestion}\n")
    assert checkout.calls == []
    assert checkout.run(suggestion).returncode == 0


@pytest.mark.parametrize("order", [("--dry-run", "gp"), ("gp", "--dry-run")])
def test_a_dry_run_prints_the_commands_and_changes_nothing(checkout, commit, order):
    """Every command stands on a line of its own after a plus sign; those called only look."""
    result = checkout.run(*order)
    assert result.returncode == 0, result.stderr
    printed = [line.removeprefix("+ ").split(" --")[0] for line in result.stdout.splitlines() if line.startswith("+ ")]
    assert printed == [
        "aws ecr describe-repositories",
        "aws ecr create-repository",
        "aws ecr get-login-password",
        "env DOCKER_BUILDKIT=1 docker build",
        f"docker push {ECR}/gp:latest",
        f"docker push {ECR}/gp:{commit[:7]}",
    ]
    assert [call for call in checkout.calls if not call.startswith(READ_ONLY)] == []


@pytest.mark.parametrize("aws", [None, AWS | {"sts get-caller-identity": "echo 'Unable to locate' >&2; exit 253"}])
def test_a_dry_run_needs_neither_docker_nor_aws(checkout, aws):
    """Without an account to show, the commands carry a placeholder, and the output says so."""
    (checkout.programs / "docker").unlink()
    (checkout.programs / "aws").unlink()
    if aws:
        checkout.stand_in("aws", aws)
    result = checkout.run("--dry-run", "gp", AWS_REGION="")
    assert result.returncode == 0, result.stderr
    assert "123456789012, is a placeholder" in result.stdout
    assert "+ docker push 123456789012.dkr.ecr.us-west-2.amazonaws.com/gp:latest" in result.stdout
    assert "not found" not in result.stderr


def test_the_first_push_creates_the_repository(checkout):
    """A repository that ECR does not know is created, with images scanned as they arrive."""
    checkout.stand_in("aws", AWS | NO_REPOSITORY)
    assert checkout.run("gp").returncode == 0
    (creation,) = checkout.called("aws ecr create-repository")
    assert creation.endswith(" --region eu-west-1 --repository-name gp --image-scanning-configuration scanOnPush=true")


def test_the_second_push_finds_the_repository(checkout):
    """A repository that ECR knows is used as it is."""
    assert checkout.run("gp").returncode == 0
    assert len(checkout.called("aws ecr describe-repositories --region eu-west-1 --repository-names gp")) == 1
    assert checkout.called("aws ecr create-repository") == []


def test_another_failure_to_describe_is_shown_and_stops(checkout):
    """Only 'not found' leads to creation; a refusal is passed on in AWS's own words, before anything is built."""
    denied = "An error occurred (AccessDeniedException): not authorized to perform ecr:DescribeRepositories"
    checkout.stand_in("aws", AWS | {"ecr describe-repositories": f"echo '{denied}' >&2; exit 254"})
    result = checkout.run("gp")
    assert result.returncode == 1
    assert denied in result.stderr
    assert checkout.called("aws ecr create-repository") == []
    assert checkout.called("docker login") == checkout.called("docker push") == []


@pytest.mark.parametrize(
    ("environ", "configured", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "echo eu-west-3", "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "echo eu-west-3", "eu-west-2"),
        ({"AWS_REGION": ""}, "echo eu-west-3", "eu-west-3"),
        ({"AWS_REGION": ""}, "exit 1", "us-west-2"),
    ],
)
def test_the_region_is_the_environments_then_the_clis_then_oregon(checkout, environ, configured, region):
    """Each source is asked only where those before it are silent, and every AWS call names the region."""
    checkout.stand_in("aws", AWS | {"configure get region": configured})
    result = checkout.run("gp", **environ)
    assert result.stdout.endswith(f"\n{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/gp:latest\n")
    calls = [call for call in checkout.called("aws") if not call.startswith("aws configure")]
    assert len(calls) == 3
    assert all(f"--region {region} " in f"{call} " for call in calls)


def test_a_region_in_china_has_its_own_domain(checkout):
    """Registries in that partition end in .com.cn, for the login as for the image."""
    result = checkout.run("gp", AWS_REGION="cn-north-1")
    host = f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"
    assert result.stdout.endswith(f"\n{host}/gp:latest\n")
    assert checkout.called("docker login") == [f"docker login --username AWS --password-stdin {host}"]


def test_another_registry_needs_no_aws_and_no_login(checkout):
    """REGISTRY alone says where to push, even where there is no aws to call."""
    (checkout.programs / "aws").unlink()
    result = checkout.run("gp", REGISTRY="localhost:5000")
    assert result.returncode == 0, result.stderr
    assert checkout.called("docker push") == ["docker push localhost:5000/gp:latest"]
    assert checkout.called("aws") == checkout.called("docker login") == []


def test_the_image_is_pushed_as_latest_and_by_its_commit(checkout, commit):
    """Both tags are built and pushed, the commit is told to the build, and the last line is the image to train with."""
    result = checkout.run("gp")
    tags = [f"{ECR}/gp:latest", f"{ECR}/gp:{commit[:7]}"]
    assert checkout.called("docker push") == [f"docker push {tag}" for tag in tags]
    (build,) = checkout.called("DOCKER_BUILDKIT=1 docker build")
    assert build.endswith(f" --build-arg COMMIT={commit} --tag {tags[0]} --tag {tags[1]} .")
    assert result.stdout.splitlines()[-1] == tags[1]


@pytest.mark.parametrize("path", ["Dockerfile", "gaussian_processes/train"])
def test_a_tree_with_changes_is_not_tagged_as_the_commit(checkout, commit, path):
    """A changed file, or one that git does not know, makes both the tag and the image's record 'dirty'."""
    with (checkout.folder / path).open("a") as file:
        file.write("# changed\n")
    checkout.run("gp")
    assert checkout.called("docker push")[1] == f"docker push {ECR}/gp:{commit[:7]}-dirty"
    assert f"--build-arg COMMIT={commit}-dirty " in checkout.called("DOCKER_BUILDKIT=1 docker build")[0]


def test_outside_git_the_image_is_latest_alone(checkout):
    """Without a commit there is one tag, and the build is told of no commit."""
    result = checkout.run("gp")
    assert checkout.called("docker push") == [f"docker push {ECR}/gp:latest"]
    assert "COMMIT" not in checkout.called("DOCKER_BUILDKIT=1 docker build")[0]
    assert result.stdout.splitlines()[-1] == f"{ECR}/gp:latest"


def test_the_image_is_built_for_x86_unless_told_otherwise(checkout):
    """The platform is SageMaker's and the base image the Dockerfile's, until the environment names others."""
    checkout.run("gp")
    checkout.run("gp", PLATFORM="linux/arm64", BASE_IMAGE="localhost:5000/slim")
    plain, chosen = checkout.called("DOCKER_BUILDKIT=1 docker build")
    assert "--platform linux/amd64 " in plain
    assert "BASE_IMAGE" not in plain
    assert "--platform linux/arm64 --build-arg BASE_IMAGE=localhost:5000/slim " in chosen


def test_an_engine_without_buildx_is_not_given_its_options(checkout):
    """Where buildx answers, attestations are off; where it does not, neither its option nor BuildKit is asked for."""
    checkout.run("gp")
    checkout.stand_in("docker", DOCKER | {"buildx version": "exit 1"})
    checkout.run("gp")
    (modern,) = checkout.called("DOCKER_BUILDKIT=1 docker build")
    (old,) = checkout.called("docker build ")
    assert "--provenance=false" in modern
    assert "--provenance" not in old


@pytest.mark.parametrize("name", ["train", "serve"])
def test_carriage_returns_are_refused_with_the_cure(checkout, name):
    """The message names the file and two ways to mend it, one of which is tried here."""
    (checkout.folder / "gaussian_processes" / name).write_bytes(b"#!/usr/bin/env python3\r\nprint()\r\n")
    result = checkout.run("gp")
    assert result.returncode == 1
    assert f"gaussian_processes/{name} has Windows line endings" in result.stderr
    assert "git config core.autocrlf input" in result.stderr
    assert checkout.calls == []
    cure = result.stderr.splitlines()[-1]
    assert "sed -i" in cure
    subprocess.run(["bash", "-c", cure], cwd=checkout.folder, env=checkout.environ, check=True)
    assert checkout.run("gp").returncode == 0


@pytest.mark.parametrize("name", ["train", "serve"])
def test_a_lost_exec_bit_is_refused_with_the_cure(checkout, name):
    """The message names the file; what it says to run mends this checkout."""
    (checkout.folder / "gaussian_processes" / name).chmod(0o644)
    result = checkout.run("gp")
    assert result.returncode == 1
    assert f"gaussian_processes/{name} may not be executed" in result.stderr
    assert checkout.calls == []
    (cure,) = (line for line in result.stderr.splitlines() if line.startswith("  chmod"))
    subprocess.run(["bash", "-c", cure], cwd=checkout.folder, env=checkout.environ, check=True)
    assert checkout.run("gp").returncode == 0


@pytest.mark.parametrize("program", ["docker", "aws"])
def test_a_missing_program_is_named_with_where_to_get_it(checkout, program):
    """Nothing is built or pushed before both are there."""
    (checkout.programs / program).unlink()
    result = checkout.run("gp")
    assert result.returncode == 1
    assert f"{program} is not on PATH. Install" in result.stderr
    assert "https://docs." in result.stderr
    assert checkout.called("DOCKER_BUILDKIT=1 docker build") == checkout.called("docker push") == []


def test_a_silent_daemon_is_told_from_a_missing_docker(checkout):
    """The reader is told to start Docker, below docker's own message."""
    checkout.stand_in("docker", DOCKER | {"version": "echo 'Cannot connect to the daemon' >&2; exit 1"})
    result = checkout.run("gp")
    assert result.returncode == 1
    assert result.stderr.startswith("Cannot connect to the daemon\n")
    assert "Start Docker" in result.stderr


def test_missing_credentials_are_explained_below_the_clis_message(checkout):
    """The CLI's own words come first, then the two commands that mend most cases."""
    checkout.stand_in("aws", AWS | {"sts get-caller-identity": "echo 'Unable to locate credentials' >&2; exit 253"})
    result = checkout.run("gp")
    assert result.returncode == 1
    assert result.stderr.startswith("Unable to locate credentials\n")
    assert "aws configure" in result.stderr
    assert "aws sso login" in result.stderr
    assert checkout.called("aws ecr") == []


def test_the_password_travels_through_a_pipe_alone(checkout):
    """docker reads the password on its standard input; no command line and no output holds it."""
    result = checkout.run("gp")
    assert (checkout.home / "password").read_text() == f"{PASSWORD}\n"
    assert checkout.called("docker login") == [f"docker login --username AWS --password-stdin {ECR}"]
    assert PASSWORD not in "".join(checkout.calls) + result.stdout + result.stderr


@pytest.mark.parametrize("step", ["login", "build -", "push"])
def test_a_step_that_fails_ends_the_script(checkout, step):
    """A failing docker command fails the whole, and no image is announced."""
    checkout.stand_in("docker", DOCKER | {step: "exit 7"})
    result = checkout.run("gp")
    assert result.returncode == 7
    assert "TrainingImage" not in result.stdout
