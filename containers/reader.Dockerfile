# syntax=docker/dockerfile:1
# Reads and serves text in images, without TensorFlow. From the root of the repository:
#
#   docker build --file containers/reader.Dockerfile --tag attention-ocr-reader .
#   docker run --rm --publish 8501:8501 attention-ocr-reader
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
COPY containers/requirements/build.txt containers/requirements/reader.txt ./
RUN python -m venv /opt/attention-ocr \
    && /opt/attention-ocr/bin/python -m pip install --no-cache-dir --no-compile --require-hashes \
       --requirement reader.txt \
    && python -m pip install --no-cache-dir --require-hashes --requirement build.txt
COPY . .
RUN python -m release.wheels /wheels --only attention-ocr-lite --no_isolation \
    && /opt/attention-ocr/bin/python -m pip install --no-cache-dir --no-deps /wheels/*.whl \
    && /opt/attention-ocr/bin/python -m pip uninstall --yes pip

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/attention-ocr /opt/attention-ocr
ENV PATH=/opt/attention-ocr/bin:$PATH \
    PYTHONUNBUFFERED=1
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
WORKDIR /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/monitoring/prometheus/metrics', timeout=4)"]
ENTRYPOINT ["attention-ocr"]
CMD ["serve", "--model_base_path=default", "--model_name=default", "--host=0.0.0.0", "--port=-1"]
