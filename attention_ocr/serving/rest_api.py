"""REST interface: TF Serving's paths under `/v1/models`, and Prometheus metrics."""

import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import numpy as np
from absl import logging
from aiohttp import http, web

from attention_ocr.serving import rest_format
from attention_ocr.serving.admission import Admission
from attention_ocr.serving.batching import Arrays
from attention_ocr.serving.bodies import too_many_bytes, unpack_body
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.guard import IMAGE_INPUT
from attention_ocr.serving.interface import ServedSignature
from attention_ocr.serving.monitoring import Monitoring
from attention_ocr.serving.pages import PageService
from attention_ocr.serving.service import ModelRequest, Service
from attention_ocr.serving.versions import MAX_VERSION

METRICS_PATH = "/monitoring/prometheus/metrics"
_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?"
    r"(?P<method>:predict|:classify|:regress|:readPages|/metadata)?",
    re.ASCII,
)
_VERBS = {
    ":predict": "POST",
    ":classify": "POST",
    ":regress": "POST",
    ":readPages": "POST",
    "/metadata": "GET",
    "": "GET",
}


class RestApi:
    """Translates between HTTP and the service.

    Args:
        service: Computes the responses.
        admission: Limits requests of this interface.
        monitoring: Counts and times requests.
        pages: Reads whole pages; None if the server has no detector.
    """

    def __init__(
        self,
        service: Service,
        admission: Admission,
        monitoring: Monitoring,
        pages: PageService | None = None,
    ) -> None:
        self._service = service
        self._pages = pages
        self._admission = admission
        self._monitoring = monitoring

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application()
        application.router.add_get(METRICS_PATH, self._metrics)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._monitoring.text(), content_type="text/plain")

    async def _handle(self, request: web.Request) -> web.Response:
        match = _PATH.fullmatch(request.path)
        method = match["method"] or "" if match else "unknown"
        with self._monitoring.request("REST", method.lstrip(":/") or "status") as outcome:
            try:
                if match is None or request.method != _VERBS[method]:
                    raise ServingError(
                        Code.INVALID_ARGUMENT,
                        f"Malformed request: {request.method} {request.path}",
                    )
                return _json(await self._answer(request, match, method))
            except ServingError as error:
                outcome.code = error.code
                return _json(rest_format.dump_error(error.message), error.http_status)
            except Exception:  # noqa: BLE001
                # A bug of this server or of its model: it is logged, the client gets an error of
                # the protocol, and other requests continue.
                logging.exception("%s %s", request.method, request.path)
                outcome.code = Code.INTERNAL
                return _json(rest_format.dump_error("Internal server error."), 500)

    async def _answer(self, request: web.Request, match: re.Match[str], method: str) -> bytes:
        version = int(match["version"]) if match["version"] else None
        if version is not None and version > MAX_VERSION:
            raise ServingError(
                Code.INVALID_ARGUMENT, f"Failed to convert version: {match['version']} to numeric."
            )
        wanted = ModelRequest(match["name"], version)
        if method == ":predict":
            return await self._predict(wanted, request)
        if method == ":classify":
            return await self._classify(wanted, request)
        if method == ":readPages":
            return await self._read_pages(wanted, request)
        if method == "/metadata":
            return self._metadata(wanted)
        if method == "":
            return self._status(wanted)
        raise ServingError(Code.UNIMPLEMENTED, "Text recognisers do not support regression.")

    @asynccontextmanager
    async def _body(self, request: web.Request) -> AsyncIterator[bytes]:
        """Receive the body of a request, still compressed."""
        if (request.content_length or 0) > self._admission.max_request_bytes:
            raise too_many_bytes(self._admission.max_request_bytes)

        async def read() -> bytes:
            try:
                return await request.content.readany()
            except (ConnectionError, web.RequestPayloadError, http.HttpProcessingError) as error:
                raise ServingError(
                    Code.INVALID_ARGUMENT, f"Cannot receive the body: {error}"
                ) from error

        async with self._admission.bodies.receive(read) as body:
            yield body

    def _unpacked(self, request: web.Request, body: bytes) -> bytes:
        encoding = request.headers.get("Content-Encoding", "")
        return unpack_body(body, encoding, self._admission.max_request_bytes)

    def _unpacked_bytes(self, request: web.Request, body: bytes) -> int:
        """Return the size of a body; of a compressed one, the limit of its decompressed size."""
        packed = "Content-Encoding" in request.headers
        return self._admission.max_request_bytes if packed else len(body)

    async def _predict(self, wanted: ModelRequest, request: web.Request) -> bytes:
        # Fixed here, as a newer version may be loaded while a large body is decompressed.
        servable = self._service.servable(wanted)
        with ExitStack() as stack:
            async with self._body(request) as body:
                stack.enter_context(self._admission.slot())

                def unpack() -> tuple[rest_format.PredictBody, Arrays]:
                    content = self._unpacked(request, body)
                    if rest_format.is_image_file(content, request.content_type):
                        return _predict_image(content, servable.signature())
                    parsed = rest_format.parse_predict(content)
                    signature = servable.signature(parsed.signature_name)
                    rest_format.check_num_rows(
                        parsed, signature.takes_rows, self._admission.max_batch_size
                    )
                    return parsed, rest_format.arrays_of(parsed, signature.definition.inputs)

                parsed, inputs = await self._service.unpack(
                    unpack, self._unpacked_bytes(request, body)
                )
            wanted = wanted._replace(version=servable.version, signature_name=parsed.signature_name)
            answer = await self._service.predict(wanted, inputs, servable=servable)
            return rest_format.dump_predictions(answer.outputs, parsed.by_row)

    async def _classify(self, wanted: ModelRequest, request: web.Request) -> bytes:
        with ExitStack() as stack:
            async with self._body(request) as body:
                stack.enter_context(self._admission.slot())
                signature_name, examples = await self._service.unpack(
                    lambda: rest_format.parse_classify(self._unpacked(request, body)),
                    self._unpacked_bytes(request, body),
                )
            wanted = wanted._replace(signature_name=signature_name)
            result, _, _ = await self._service.classify(wanted, examples)
        rows = [
            [[entry.label, entry.score] for entry in classifications.classes]
            for classifications in result.classifications
        ]
        return rest_format.dump({"results": rows})

    async def _read_pages(self, wanted: ModelRequest, request: web.Request) -> bytes:
        servable = self._service.servable(wanted)
        if self._pages is None:
            raise ServingError(
                Code.UNIMPLEMENTED,
                "This server has no detector of lines: start it with --page_detector=rapidocr.",
            )
        with ExitStack() as stack:
            async with self._body(request) as body:
                stack.enter_context(self._admission.slot())
                content = await self._service.unpack(
                    lambda: self._unpacked(request, body), self._unpacked_bytes(request, body)
                )
            return rest_format.dump({"pages": await self._pages.read(servable, content)})

    def _metadata(self, wanted: ModelRequest) -> bytes:
        servable = self._service.servable(wanted)
        return rest_format.dump(
            {
                "model_spec": {
                    "name": wanted.model_name,
                    "signature_name": "",
                    "version": str(servable.version),
                },
                "metadata": {"signature_def": {"signature_def": servable.describe()}},
            }
        )

    def _status(self, wanted: ModelRequest) -> bytes:
        versions = [
            {
                "version": str(version),
                "state": status.state.name,
                "status": {"error_code": status.code.name, "error_message": status.message},
            }
            for version, status in self._service.status(wanted).items()
        ]
        return rest_format.dump({"model_version_status": versions})


def _predict_image(
    content: bytes, signature: ServedSignature
) -> tuple[rest_format.PredictBody, Arrays]:
    """Return a predict request whose only row is an image file."""
    if set(signature.definition.inputs) != {IMAGE_INPUT}:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            "This model does not accept a bare image file. Expected JSON with the inputs "
            f"{sorted(signature.definition.inputs)}",
        )
    images = np.empty(1, object)
    images[0] = content
    return rest_format.PredictBody("", None, by_row=True), {IMAGE_INPUT: images}


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
