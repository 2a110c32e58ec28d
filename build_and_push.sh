#!/usr/bin/env bash
# Build the image and push it to Amazon ECR, tagged `latest` and with the git commit.
#
#   ./build_and_push.sh gaussian-processes                            to your account's registry, in your region
#   ./build_and_push.sh --dry-run gaussian-processes                  print the commands and change nothing
#   REGISTRY=localhost:5000 ./build_and_push.sh gaussian-processes    to any other registry, without AWS
#
# Read from the environment, all optional:
#   AWS_REGION, AWS_DEFAULT_REGION   where the registry is; else the AWS CLI's region, else us-west-2
#   REGISTRY                         host:port of a registry that needs no login by this script
#   PLATFORM                         what the image runs on; linux/amd64 if not set
#   BASE_IMAGE                       the image to build upon; the Dockerfile's own choice if not set

set -euo pipefail
export LC_ALL=C        # in a pattern, a-z means ASCII lower case, whatever the user's language
export AWS_PAGER=""    # AWS CLI 2 would otherwise wait in a pager for somebody to press q

fail() {
    printf '%s\n' "$1" >&2
    exit "${2:-1}"
}

usage() {
    fail 'usage: ./build_and_push.sh [--dry-run] IMAGE_NAME' 2
}

run() {
    printf '+'
    printf ' %q' "$@"
    printf '\n'
    if [[ -z $dry_run ]]; then
        "$@"
    fi
}

dry_run=""
name=""
for argument in "$@"; do
    case $argument in
        --dry-run) dry_run=yes ;;
        -*) usage ;;
        *)
            [[ -z $name ]] || usage
            name=$argument
            ;;
    esac
done
[[ -n $name ]] || usage

part='[a-z0-9]+([._-][a-z0-9]+)*'
if [[ ! $name =~ ^$part(/$part)*$ ]]; then
    suggestion=$(printf '%s' "${name%%:*}" | tr '[:upper:]' '[:lower:]' |
        sed -E 's#[^a-z0-9._/-]+#-#g; s#[._-]{2,}#-#g; s#(^|/)[._/-]+#\1#g; s#[._/-]+(/|$)#\1#g')
    fail "ECR refuses the image name '$name': it takes lower-case letters and digits, in parts joined by one of . _ - /
Try: ./build_and_push.sh ${suggestion:-gaussian-processes}" 2
fi

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

# A checkout made on Windows can lose the bit that makes a file executable, and can gain carriage returns. Either way
# the container would only say, minutes later, that it cannot find its program.
for program in gaussian_processes/train gaussian_processes/serve; do
    if grep -q $'\r' "$program"; then
        fail "$program has Windows line endings (carriage returns), with which the container cannot start it. Either run
  git config core.autocrlf input
and check the files out again, or run
  sed -i 's/\\r\$//' gaussian_processes/train gaussian_processes/serve"
    fi
    [[ -x $program ]] || fail "$program may not be executed (it has lost its exec bit), so the container could not start it. \
Run
  chmod +x gaussian_processes/train gaussian_processes/serve
and, for the checkouts of others, git add --chmod=+x gaussian_processes/train gaussian_processes/serve"
done

if [[ -z $dry_run ]]; then
    command -v docker >/dev/null ||
        fail "docker is not on PATH. Install Docker (https://docs.docker.com/get-docker/), then run this again."
    docker version >/dev/null ||
        fail "The docker daemon does not answer (docker's message is above). Start Docker, and see that you may use it."
    [[ -n ${REGISTRY:-} ]] || command -v aws >/dev/null ||
        fail "aws is not on PATH. Install AWS CLI version 2
(https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html), then run this again;
or set REGISTRY=host:port to push to a registry outside AWS."
fi

if [[ -n ${REGISTRY:-} ]]; then
    host=$REGISTRY
else
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
    region=${region:-us-west-2}
    # The region matters here too: credentials for China are unknown to the endpoint that the CLI asks by default.
    # Among what the CLI says, warnings included, the account stands in a line of its own.
    answer=""
    account_line=$'(^|\n)([0-9]{12})($|\n)'
    if command -v aws >/dev/null &&
        answer=$(aws sts get-caller-identity --region "$region" --query Account --output text 2>&1) &&
        [[ $answer =~ $account_line ]]; then
        account=${BASH_REMATCH[2]}
    else
        [[ -z $answer ]] || printf '%s\n' "${answer#$'\n'}" >&2
        case $answer in
            *region_name* | *'endpoint URL'* | *'proxy URL'* | *'SSL validation'*)
                reason="AWS cannot be reached in the region '$region' (the CLI's message is above).
If that is not the region you mean, name yours: AWS_REGION=us-west-2 ./build_and_push.sh $name
If it is, see to this machine's network; where a proxy leads out of it, HTTPS_PROXY names the proxy."
                ;;
            *)
                reason="AWS does not know who you are (the CLI's message is above): credentials are missing, have \
expired or do not count in the region '$region'.
Run 'aws configure' or, with single sign-on, 'aws sso login'; or name another region in AWS_REGION."
                ;;
        esac
        [[ -n $dry_run ]] || fail "$reason"
        account=123456789012
        echo "AWS does not say which account is yours: the one below, $account, is a placeholder."
    fi
    case $region in
        cn-*) host=$account.dkr.ecr.$region.amazonaws.com.cn ;;
        *) host=$account.dkr.ecr.$region.amazonaws.com ;;
    esac

    describe=(aws ecr describe-repositories --region "$region" --repository-names "$name")
    create=(aws ecr create-repository --region "$region" --repository-name "$name"
        --image-scanning-configuration scanOnPush=true)
    if [[ -n $dry_run ]]; then
        run "${describe[@]}"
        echo "The next command runs only if the repository is not there yet:"
        run "${create[@]}"
    elif ! message=$("${describe[@]}" 2>&1 >/dev/null); then
        [[ $message == *RepositoryNotFoundException* ]] ||
            fail "ECR does not say whether the repository '$name' exists in $region:
$message"
        run "${create[@]}"
    fi

    # Before the build, because the base image may be in the same registry, and because a refusal should not come late.
    # Through a pipe, because anybody on this machine can read the arguments of a command.
    echo "+ aws ecr get-login-password --region $region | docker login --username AWS --password-stdin $host"
    if [[ -z $dry_run ]]; then
        aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$host"
    fi
fi

image=$host/$name
tags=(latest)
if commit=$(git rev-parse --verify HEAD 2>/dev/null); then
    # Files that git does not know count as changes: they can be in the image.
    dirty=$([[ -z $(git status --porcelain -- .) ]] || echo -dirty)
    tags+=("$(git rev-parse --short HEAD)$dirty")
else
    echo "No git commit here: the image is tagged 'latest' alone."
fi

if docker buildx version >/dev/null 2>&1; then
    # A provenance attestation would turn the pushed image into an index of manifests, at which SageMaker's checks of an
    # image have been reported to fail. Engines without buildx attest nothing and reject the option; since version 23
    # they reject DOCKER_BUILDKIT=1 too.
    build=(env DOCKER_BUILDKIT=1 docker build --provenance=false)
else
    build=(docker build)
fi
# SageMaker's instances are x86-64. An image built for the ARM processor of a Mac ends there in "exec format error".
build+=(--platform "${PLATFORM:-linux/amd64}")
[[ -z ${BASE_IMAGE:-} ]] || build+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
[[ -z $commit ]] || build+=(--build-arg "COMMIT=$commit$dirty")
for tag in "${tags[@]}"; do
    build+=(--tag "$image:$tag")
done
run "${build[@]}" .

for tag in "${tags[@]}"; do
    run docker push "$image:$tag"
done

# The commit's tag if there is one: `latest` may mean another image by the time that a job starts.
echo "TrainingImage:"
echo "$image:$tag"
