"""The model server: start, serve until a signal, shut down."""

import asyncio
import logging as python_logging
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from absl import logging
from aiohttp import web

from attention_ocr.inference.locate import is_bundled, why_no_model
from attention_ocr.io.urls import url_of
from attention_ocr.serving.admission import Admission
from attention_ocr.serving.batching import Batcher
from attention_ocr.serving.interface import Load
from attention_ocr.serving.monitoring import Monitoring
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.pages import PageService
from attention_ocr.serving.rest_api import RestApi
from attention_ocr.serving.service import Service
from attention_ocr.serving.versions import Versions, find_versions

# Malformed HTTP gets a 400; a traceback of each would let clients flood the log. Errors of the
# server itself are logged where they are handled.
_SILENT = python_logging.getLogger(f"{__name__}.http")
_SILENT.setLevel(python_logging.CRITICAL)


class Server:
    """A running server; create one with `start`.

    Attributes:
        port: gRPC port, -1 if disabled.
        rest_api_port: REST port, -1 if disabled.
    """

    def __init__(self, options: ServingOptions) -> None:
        self._options = options
        self._monitoring = Monitoring()
        self._versions = Versions(options, _loader(options))
        self._batcher = Batcher(
            options.max_batch_size,
            options.batch_timeout_ms / 1000,
            options.num_batch_threads,
            options.max_queue_images,
            options.max_queue_bytes,
            options.enable_batching,
            options.limits.max_image_pixels,
            self._monitoring.observe_batch,
        )
        self._monitoring.watch_queue(lambda: self._batcher.queued_rows)
        self._service = Service(options, self._versions, self._batcher)
        self._pages = PageService(options) if options.page_detector else None
        self._grpc_server: Any = None
        self._rest_runner: web.AppRunner | None = None
        self._watch: asyncio.Task[None] | None = None
        self.port = self.rest_api_port = -1

    @classmethod
    async def start(cls, options: ServingOptions) -> "Server":
        """Load the model and start serving.

        Raises:
            FileNotFoundError: If there is no version of the model.
            ValueError: If no version could be loaded.
            OSError: If a port is taken.
        """
        server = cls(options)
        try:
            await server._load()
            await server._listen()
        except BaseException:
            # A failed or cancelled start must release its threads and ports.
            await server.stop(0.0)
            raise
        return server

    async def _load(self) -> None:
        base_path = Path(self._options.model_base_path)
        if url_of(base_path) is not None and not base_path.is_dir():
            raise FileNotFoundError(why_no_model(base_path))
        is_there = is_bundled(base_path) or base_path.is_dir()
        files = self._options.model_files
        if not is_there or not find_versions(base_path, files):
            raise FileNotFoundError(
                f"No model version found in {base_path}: expected a directory 1, 2, … with "
                f"{' or '.join(sorted(files))}, as `attention-ocr export` writes it, or `default` "
                "or `lines`, a bundled model."
            )
        self._batcher.start()
        await self._versions.refresh()
        if not self._versions.servables:
            reasons = [status.message for status in self._versions.statuses.values()]
            raise ValueError(
                " ".join(filter(None, reasons))
                or f"{base_path} has none of the versions {self._options.model_versions}."
            )
        if self._options.file_system_poll_wait_seconds > 0:
            self._watch = asyncio.create_task(self._versions.watch())

    async def _listen(self) -> None:
        options = self._options
        if options.port >= 0 and not options.serves_saved_models:
            logging.info("Serving by REST only: gRPC needs the messages of TensorFlow.")
        elif options.port >= 0:
            # Imported late: servers without TensorFlow have no gRPC.
            from attention_ocr.serving.grpc_api import make_grpc_server

            self._grpc_server, self.port = make_grpc_server(
                self._service, options, self._monitoring
            )
            await self._grpc_server.start()
        if options.rest_api_port >= 0:
            application = RestApi(
                self._service, Admission(options), self._monitoring, self._pages
            ).application()
            self._rest_runner = web.AppRunner(
                application,
                access_log=None,
                logger=_SILENT,
                shutdown_timeout=options.grace_s,
                # Requests of disconnected clients are cancelled.
                handler_cancellation=True,
                # For idle connections; the time of a body is limited by the handler.
                keepalive_timeout=options.receive_timeout_s,
                # `unpack_body` decompresses, up to the limit of a request.
                auto_decompress=False,
            )
            await self._rest_runner.setup()
            site = web.TCPSite(self._rest_runner, options.host, options.rest_api_port)
            await site.start()
            self.rest_api_port = self._rest_runner.addresses[0][1]

    async def stop(self, grace_s: float | None = None) -> None:
        """Refuse new requests and finish in-flight ones.

        Args:
            grace_s: Seconds after which they are cancelled; by default that of the options.
        """
        grace_s = self._options.grace_s if grace_s is None else grace_s
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        ending = []
        if self._grpc_server is not None:
            ending.append(self._grpc_server.stop(grace_s))
        if self._rest_runner is not None:
            ending.append(self._rest_runner.cleanup())
        await asyncio.gather(*ending)
        await self._batcher.stop()
        self._service.close()
        if self._pages is not None:
            self._pages.close()
        self._versions.close()


def _loader(options: ServingOptions) -> Load:
    """Return what loads a version of the model; only one of the two needs TensorFlow."""
    if options.serves_saved_models:
        from attention_ocr.serving.second_looks import load_servable

        return partial(load_servable, second_looks=options.second_looks)
    from attention_ocr.serving.portable import load_portable

    return partial(load_portable, engine=options.engine, second_looks=options.second_looks)


async def serve_until_stopped(
    options: ServingOptions, ready: Callable[[Server], None] = lambda _: None
) -> None:
    """Serve until the process receives SIGTERM or SIGINT.

    Args:
        options: Settings of the server.
        ready: Called once the server accepts requests.

    Raises:
        FileNotFoundError: See `Server.start`.
        ValueError: See `Server.start`.
        OSError: See `Server.start`.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no such handlers; there, Ctrl+C ends the process immediately.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    starting = asyncio.ensure_future(Server.start(options))
    waiting = asyncio.ensure_future(stopped.wait())
    await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
    server = await starting
    ready(server)
    await waiting
    logging.info("Shutting down; finishing in-flight requests.")
    await server.stop()
