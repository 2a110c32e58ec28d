"""build_and_push.sh on the real things: an engine, a registry, AWS's own CLI, and moto in AWS's place."""

import base64
import json
import os
import re
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from aws import listening, moto_server
from processes import docker, free_port, require_aws_clients, require_engine
from reference import ROOT

NAME = "gaussian-processes"
REGION = "eu-west-1"
# moto's one account, and the password that its ECR gives out. The registry lets nobody in but with that, whose bcrypt
# hash is this, so that nothing is pushed without the login.
ACCOUNT = "123456789012"
PASSWORD = f"{ACCOUNT}-auth-token"
HTPASSWD = "AWS:$2b$05$abcdefghijklmnopqrstuu/4ofrUS75HrKu6f.iuRo0I/XlrmpqlC\n"
ECR = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MADE_UP = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}

# PATH holds these alone, beside docker and aws where a test puts them there.
SYSTEM_PROGRAMS = ("bash", "cat", "chmod", "dirname", "env", "git", "grep", "sed", "tr")

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)


@dataclass(frozen=True)
class Registry:
    """A container registry on this machine, empty at first."""

    host: str

    def ask(self, path, accept="*/*", method="GET"):
        """The headers of an answer, and its body."""
        user = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
        headers = {"Accept": accept, "Authorization": f"Basic {user}"}
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.headers, response.read()

    @property
    def repositories(self):
        return json.loads(self.ask("_catalog")[1])["repositories"]

    def digests(self, name):
        """Of each tag, the digest of what it names."""
        accept = ", ".join(MANIFESTS + INDEXES)
        tags = json.loads(self.ask(f"{name}/tags/list")[1])["tags"]
        return {tag: self.ask(f"{name}/manifests/{tag}", accept)[0]["Docker-Content-Digest"] for tag in tags}


@dataclass(frozen=True)
class Checkout:
    """The working tree as the one commit of a repository of its own, and a PATH under the test's control."""

    folder: Path
    programs: Path
    home: Path

    def run(self, *arguments, **environ):
        return subprocess.run(
            [self.folder / "build_and_push.sh", *arguments],
            cwd=self.home,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def git(self, *arguments):
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    def install(self, program):
        (self.programs / Path(program).name).symlink_to(program)

    def install_docker(self, **replaced):
        """The real docker, which finds in place of some hosts the others that stand for them here."""
        real = shutil.which("docker")
        # The engine that the tests use is the one of docker's context, which is not known under another home.
        engine = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").stdout.strip()
        lines = [f'set -- "${{@//{found}/{wanted}}}"' for found, wanted in replaced.items()]
        program = self.programs / "docker"
        program.write_text(
            "\n".join([f"#!{shutil.which('bash')}", f'export DOCKER_HOST="${{DOCKER_HOST:-{engine}}}"', *lines])
            + f'\nexec {real} "$@"\n'
        )
        program.chmod(0o755)

    def docker(self, *arguments, text=None):
        command = [self.programs / "docker", *arguments]
        return subprocess.run(command, env=self.environ, input=text, capture_output=True, text=True, check=True)

    @property
    def commit(self):
        return self.git("rev-parse", "HEAD")

    @property
    def environ(self):
        return {
            "PATH": str(self.programs),
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            # No credentials but those that a test gives, and one try where nothing answers.
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }


def check_out(folder):
    made = Checkout(folder / "checkout", folder / "programs", folder / "home")
    for one in (made.folder, made.programs, made.home):
        one.mkdir()
    for name in SYSTEM_PROGRAMS:
        made.install(shutil.which(name))
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in listed.split("\0"):
        if (ROOT / path).is_file():
            (made.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, made.folder / path)
    made.git("init", "--quiet")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", f"All of it, in {folder}")
    return made


@pytest.fixture
def checkout(tmp_path):
    return check_out(tmp_path)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Skips the test where Debian's registry, or Docker's own, is not installed; forgets its images at the end."""
    require_engine()
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("there is no docker-registry on this machine; tests/container/clients.sh installs it")
    folder = tmp_path_factory.mktemp("registry")
    port = free_port()
    (folder / "htpasswd").write_text(HTPASSWD)
    configuration = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "any"},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
    }
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(configuration))
    made = Registry(f"localhost:{port}")
    with listening([program, "serve", folder / "config.yml"], port, folder / "log"):
        yield made
        name = '{{.Repository}}{{if eq .Tag "<none>"}}@{{.Digest}}{{else}}:{{.Tag}}{{end}}'
        listed = docker("image", "ls", "--digests", "--filter", f"reference={made.host}/*", "--format", name).stdout
        if left := set(listed.split()):
            docker("image", "rm", "--force", *left)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The address of moto; skips the test where AWS's clients are not installed."""
    with moto_server(tmp_path_factory.mktemp("moto") / "log") as address:
        yield address


@pytest.fixture
def moto(service):
    """moto, with nothing in it, and nobody's rights checked."""
    post(f"{service}/moto-api/reset")
    yield service
    post(f"{service}/moto-api/reset-auth", b"inf")


def post(address, body=b""):
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "text/plain"})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


@pytest.fixture
def at_aws(checkout):
    """A checkout with the real docker and the real aws, credentials that moto takes, and no registry but ECR's."""
    clients = require_aws_clients()
    require_engine()
    checkout.install_docker()
    checkout.install(clients / "bin/aws")
    return checkout


def aws(moto, *arguments):
    """What the CLI answers."""
    command = [require_aws_clients() / "bin/aws", *arguments, "--region", REGION, "--output", "json"]
    environ = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": moto, **MADE_UP}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout else None


def repositories_in(moto):
    return aws(moto, "ecr", "describe-repositories")["repositories"]


def assert_nothing_was_done(result):
    assert result.returncode != 0
    for step in ("create-repository", "docker login", "docker build", "docker push", "TrainingImage"):
        assert step not in result.stdout


@dataclass(frozen=True)
class Pushed:
    checkout: Checkout
    registry: Registry
    result: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def pushed(image, registry, tmp_path_factory):
    """The first push to a registry outside AWS, to which the user has logged in."""
    assert image
    checkout = check_out(tmp_path_factory.mktemp("pushed"))
    checkout.install_docker()
    checkout.docker("login", "--username", "AWS", "--password-stdin", registry.host, text=PASSWORD)
    result = checkout.run(NAME, REGISTRY=registry.host)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return Pushed(checkout, registry, result)


def test_both_tags_are_in_the_registry(pushed):
    """`latest` and the clean tree's commit, which the last line names; both are one image."""
    commit = pushed.checkout.commit[:7]
    assert NAME in pushed.registry.repositories
    digests = pushed.registry.digests(NAME)
    assert digests.keys() == {"latest", commit}
    assert len(set(digests.values())) == 1
    assert pushed.result.stdout.splitlines()[-1] == f"{pushed.registry.host}/{NAME}:{commit}"


def test_the_registry_has_a_plain_manifest_and_all_its_layers(pushed):
    """No index of manifests, which SageMaker refuses, even where the reader takes one; and an image for x86-64."""
    headers, body = pushed.registry.ask(f"{NAME}/manifests/latest", ", ".join(INDEXES + MANIFESTS))
    manifest = json.loads(body)
    assert headers["Content-Type"] in MANIFESTS
    assert manifest["mediaType"] in MANIFESTS
    assert len(manifest["layers"]) >= 4
    for layer in manifest["layers"]:
        found, _ = pushed.registry.ask(f"{NAME}/blobs/{layer['digest']}", method="HEAD")
        assert int(found["Content-Length"]) == layer["size"]
    config = json.loads(pushed.registry.ask(f"{NAME}/blobs/{manifest['config']['digest']}")[1])
    assert (config["os"], config["architecture"]) == ("linux", "amd64")


def test_a_second_push_sends_nothing(pushed):
    """The registry has each layer already, and the image under the tags stays the same to the byte."""
    before = pushed.registry.digests(NAME)
    assert ": Pushed" in pushed.result.stdout
    again = pushed.checkout.run(NAME, REGISTRY=pushed.registry.host)
    assert again.returncode == 0, again.stderr
    assert "already exists" in again.stdout
    assert ": Pushed" not in again.stdout
    assert pushed.registry.digests(NAME) == before


def test_what_was_pushed_can_be_pulled_and_trains(pushed, opt_ml):
    """By the name in the last line alone, and it says of which commit it is."""
    commit = pushed.checkout.commit
    name = pushed.result.stdout.splitlines()[-1]
    tags = [f"{pushed.registry.host}/{NAME}:{tag}" for tag in ("latest", commit[:7])]
    docker("image", "rm", *tags)
    assert docker("image", "inspect", name, check=False).returncode != 0
    pushed.checkout.docker("pull", name)
    config = json.loads(docker("image", "inspect", name).stdout)[0]["Config"]
    assert config["Labels"]["org.opencontainers.image.revision"] == commit
    done = docker("run", "--rm", "--network", "none", "-v", f"{opt_ml.root}:/opt/ml", name, "train", check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^validation:RMSE=2\.70\d+;$", done.stdout, re.MULTILINE)


def test_a_push_without_a_login_announces_no_image(image, registry, checkout):
    """The registry's refusal is the script's."""
    assert image
    checkout.install_docker()
    result = checkout.run(NAME, REGISTRY=registry.host)
    assert result.returncode != 0
    assert "no basic auth credentials" in result.stderr
    assert "TrainingImage" not in result.stdout


def test_ecr_gets_a_repository_once_and_the_image_each_time(image, registry, moto, at_aws):
    """The first push creates it, with scans; the second finds it. The login is with the password that ECR gives out."""
    assert image
    name = f"{NAME}-at-ecr"
    at_aws.install_docker(**{ECR: registry.host})
    environ = {"AWS_ENDPOINT_URL": moto, **MADE_UP}
    assert repositories_in(moto) == []

    first = at_aws.run(name, **environ)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    commit = at_aws.commit[:7]
    (created,) = repositories_in(moto)
    assert created["repositoryUri"] == f"{ECR}/{name}"
    assert created["imageScanningConfiguration"] == {"scanOnPush": True}
    assert first.stdout.splitlines()[-1] == f"{ECR}/{name}:{commit}"
    digests = registry.digests(name)
    assert digests.keys() == {"latest", commit}
    assert len(set(digests.values())) == 1
    logins = json.loads((at_aws.home / ".docker/config.json").read_text())["auths"]
    assert list(logins) == [registry.host]
    assert PASSWORD not in first.stdout + first.stderr

    second = at_aws.run(name, **environ)
    assert second.returncode == 0, second.stderr
    assert "create-repository" in first.stdout
    assert "create-repository" not in second.stdout
    assert repositories_in(moto) == [created]


def test_a_dry_run_asks_aws_and_changes_nothing(moto, at_aws):
    """It shows the account's own registry, and creates nothing there."""
    result = at_aws.run("--dry-run", NAME, AWS_ENDPOINT_URL=moto, **MADE_UP)
    assert result.returncode == 0, result.stderr
    assert "placeholder" not in result.stdout
    assert f"+ docker push {ECR}/{NAME}:{at_aws.commit[:7]}\n" in result.stdout
    assert repositories_in(moto) == []


def test_missing_credentials(moto, at_aws):
    """The CLI says what it misses, and the script how to give it."""
    result = at_aws.run(NAME, AWS_ENDPOINT_URL=moto, AWS_REGION=REGION)
    assert_nothing_was_done(result)
    assert result.stderr.startswith("Unable to locate credentials.")
    assert "Run 'aws configure' or, with single sign-on, 'aws sso login'" in result.stderr
    assert repositories_in(moto) == []


def test_credentials_that_aws_does_not_know(moto, at_aws):
    """As those that have expired, or that are another partition's."""
    post(f"{moto}/moto-api/reset-auth", b"0")
    result = at_aws.run(NAME, AWS_ENDPOINT_URL=moto, **MADE_UP)
    assert_nothing_was_done(result)
    assert "(InvalidClientTokenId)" in result.stderr
    assert f"do not count in the region '{REGION}'" in result.stderr
    assert "Run 'aws configure'" in result.stderr


def test_a_user_without_rights_at_ecr(moto, at_aws):
    """AWS's own words say which right is missing; nothing is created for want of an answer."""
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
    user = ("--user-name", "somebody")
    aws(moto, "iam", "create-user", *user)
    aws(moto, "iam", "put-user-policy", *user, "--policy-name", "p", "--policy-document", json.dumps(rights))
    key = aws(moto, "iam", "create-access-key", *user)["AccessKey"]
    theirs = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    post(f"{moto}/moto-api/reset-auth", b"0")
    result = at_aws.run(NAME, AWS_ENDPOINT_URL=moto, **MADE_UP | theirs)
    assert_nothing_was_done(result)
    assert f"ECR does not say whether the repository '{NAME}' exists in {REGION}" in result.stderr
    assert "not authorized to perform: ecr:DescribeRepositories" in result.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_REGION": "eu-wst-1"},
        {"AWS_REGION": "eu_west_1"},
        {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    ],
    ids=["misspelt", "malformed", "unreachable"],
)
def test_a_region_where_nothing_answers(at_aws, environ):
    """It is not taken for missing credentials, nor the network's fault for the region's."""
    result = at_aws.run(NAME, **MADE_UP | environ)
    assert_nothing_was_done(result)
    assert "Could not connect to the endpoint" in result.stderr or "match a supported format" in result.stderr
    assert f"AWS cannot be reached in the region '{environ['AWS_REGION']}'" in result.stderr
    assert f"AWS_REGION=us-west-2 ./build_and_push.sh {NAME}" in result.stderr
    assert "this machine's network" in result.stderr
    assert "aws configure" not in result.stderr


def test_no_docker_on_path(checkout):
    """It is named, with where to get it."""
    result = checkout.run(NAME, REGISTRY="localhost:1")
    assert_nothing_was_done(result)
    assert result.stderr.startswith("docker is not on PATH. Install Docker (https://docs.docker.com/get-docker/)")


def test_no_answer_from_the_engine(checkout):
    """docker's own words, then what to do; docker itself is there."""
    require_engine()
    checkout.install_docker()
    result = checkout.run(NAME, REGISTRY="localhost:1", DOCKER_HOST="tcp://127.0.0.1:1")
    assert_nothing_was_done(result)
    assert result.stderr.startswith("Cannot connect to the Docker daemon at tcp://127.0.0.1:1.")
    assert "Start Docker, and see that you may use it." in result.stderr


def test_a_name_with_capitals(moto, at_aws):
    """Refused before anything else, with a name that ECR takes."""
    result = at_aws.run("Gaussian-Processes", AWS_ENDPOINT_URL=moto, **MADE_UP)
    assert_nothing_was_done(result)
    assert "ECR refuses the image name 'Gaussian-Processes'" in result.stderr
    assert result.stderr.endswith(f"Try: ./build_and_push.sh {NAME}\n")
    assert repositories_in(moto) == []
