# syntax=docker/dockerfile:1
# The whole toolkit. From the root of the repository (with REQUIREMENTS=training-gpu for NVIDIA GPUs):
#
#   docker build --file containers/training.Dockerfile --tag attention-ocr .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/data" attention-ocr \
#     train --preset=quickstart --work_dir=runs/quickstart
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG REQUIREMENTS=training
WORKDIR /build
COPY containers/requirements ./requirements
RUN python -m venv /opt/attention-ocr \
    && /opt/attention-ocr/bin/python -m pip install --no-cache-dir --no-compile --require-hashes \
       --requirement "requirements/${REQUIREMENTS}.txt" \
    && python -m pip install --no-cache-dir --require-hashes --requirement requirements/build.txt
COPY . .
RUN python -m release.wheels /wheels --only attention-ocr --no_isolation \
    && /opt/attention-ocr/bin/python -m pip install --no-cache-dir --no-deps /wheels/*.whl \
    && /opt/attention-ocr/bin/python -m pip uninstall --yes pip

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/attention-ocr /opt/attention-ocr
# The list of fonts is kept below HOME, which must be writable for any user.
ENV PATH=/opt/attention-ocr/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
USER 10001:10001
WORKDIR /data
# A run writes its lock again and again while it lives; other commands are judged by their exit status.
HEALTHCHECK --interval=60s --timeout=10s --start-period=15m --retries=3 \
    CMD ["sh", "-c", "! find . -name run.lock | grep -q . || find . -name run.lock -mmin -5 | grep -q ."]
ENTRYPOINT ["attention-ocr"]
CMD ["--help"]
