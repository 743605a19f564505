# syntax=docker/dockerfile:1
# The server in a container:
#   docker build -t vinovits .
#   docker build -t vinovits:gpu --target gpu .
# docs/deploy.md says how to run it.

FROM ubuntu:24.04 AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/vinovits
WORKDIR /build
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src ./src
ARG EXTRAS=serve,wyoming,books,aac,zh,ja
RUN /opt/vinovits/bin/pip install --only-binary=:all: ".[${EXTRAS}]"

FROM ubuntu:24.04 AS base
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 vinovits \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data vinovits \
    && mkdir /data /cache \
    && chown vinovits:vinovits /data /cache
COPY --from=build /opt/vinovits /opt/vinovits
# Voices, models, lexicons and jobs lie in /data, compiled graphs in /cache: nothing else is written.
ENV PATH=/opt/vinovits/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    VINOVITS_DATA=/data \
    XDG_CACHE_HOME=/cache \
    GRADIO_ANALYTICS_ENABLED=False \
    VINOVITS_HOST=0.0.0.0 \
    VINOVITS_PORT=8000
VOLUME ["/data", "/cache"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['VINOVITS_PORT']}/live\", timeout=4)"]
ENTRYPOINT ["tini", "--", "vinovits"]
CMD ["serve"]

FROM base AS gpu
# Intel's compute runtime, for what OpenVINO calls GPU. The container needs /dev/dri, and the group
# that owns /dev/dri/renderD128 on the host (--group-add).
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends intel-opencl-icd ocl-icd-libopencl1 \
    && rm -rf /var/lib/apt/lists/*
ENV VINOVITS_DEVICE=auto
USER 10001:10001

FROM base AS cpu
USER 10001:10001
