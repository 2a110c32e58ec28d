# One image for SageMaker training jobs (`docker run IMAGE train`) and endpoints (`docker run IMAGE serve`).

# Any Debian with Python 3.11 or newer will do: the same file builds on a mirror's or a hardened base.
ARG BASE_IMAGE=debian:trixie-slim

# Everything that only installation needs stays in the first three stages. What the last one takes from them is the same
# to the byte whenever and wherever it is built: one date for all files, permissions whatever the checkout's, and bytecode
# that names no time. A registry and the machines that pull from it then know the layers already.
FROM ${BASE_IMAGE} AS tools
ENV PYTHONHASHSEED=0
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# The lock file alone: the layer below is rebuilt when it changes, and not when the program does.
COPY requirements/image.txt /tmp/requirements.txt
# Hashes make the packages the tested ones; wheels only, as there is no compiler here.
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --only-binary :all: \
        --require-hashes --requirement /tmp/requirements.txt

# The program. Numba's functions become libraries: for this processor, by a name that many machines can stand in for, and
# for any of its kind. Folders are copied from here to places that are there, and keep their dates; those that COPY makes
# are dated today.
FROM tools AS program
COPY gaussian_processes /opt/program/gaussian_processes
RUN chmod -R u=rwX,go=rX /opt/program \
    && cp -R /opt/program /opt/generic \
    && { NUMBA_CPU_NAME=generic /opt/venv/bin/python /opt/generic/gaussian_processes/precompile --library & } \
    && /opt/venv/bin/python /opt/program/gaussian_processes/precompile --library \
    && wait $! \
    && mv /opt/generic/gaussian_processes/gp/compiled/passes-generic-*.so /opt/program/gaussian_processes/gp/compiled/ \
    && find /opt/program -name __pycache__ -prune -exec rm -rf {} + \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/program \
    && mkdir -p /layer/opt && mv /opt/program /layer/opt/ \
    && find /layer -exec touch --date=@315532800 {} +

# The packages. Numba and LLVM, a third of the image, have done their work; pip has no use at run time; and the packages'
# own tests are a sixth of their size.
FROM tools AS packages
RUN /opt/venv/bin/pip uninstall --yes llvmlite numba pip \
    && find /opt/venv -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} + \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv \
    && mkdir -p /layer/opt && mv /opt/venv /layer/opt/ \
    && find /layer -exec touch --no-dereference --date=@315532800 {} +

FROM ${BASE_IMAGE}
# The interpreter comes from Debian, and with it its security updates; so does nginx, for MODEL_SERVER_FRONT=nginx.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nginx python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# The packages, in the place they were installed for.
COPY --from=packages /layer /
# Not below /opt/ml, which SageMaker mounts over.
COPY --from=program /layer /
# `train` and `serve` are looked up on PATH. Output goes to the log at once, and nothing is written beside the program.
ENV PATH=/opt/program/gaussian_processes:/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# The server listens where SAGEMAKER_BIND_TO_PORT says, so that it can stand in an inference pipeline; and it can have many
# models, that come and go.
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
    com.amazonaws.sagemaker.capabilities.multi-models=true
# Where a module that replaces the algorithm is put, and where a shell in the container begins.
WORKDIR /opt/program
# What the image is, for registries and people. The commit changes with every build, and so comes last.
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="gaussian-processes" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.revision="${COMMIT}"
# No USER: SageMaker expects containers to run as root. No ENTRYPOINT: SageMaker's own commands (`chmod`, `bash -c`)
# must run as they are. `train` is the default, because local mode of SageMaker's SDK gives no command.
CMD ["train"]
