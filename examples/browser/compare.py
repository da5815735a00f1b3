"""Compares readings of the page in a headless browser with those in Python.

python examples/browser/compare.py words/*.png     # with the model.onnx beside this file

It needs `pip install 'attention-ocr[browser,onnx]'` and a Chromium or Chrome.
"""

import argparse
import base64
import contextlib
import functools
import http.server
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from attention_ocr.inference.reader import load
from attention_ocr.io.extras import extra

with extra("browser", "Driving the page"):
    from playwright import sync_api as playwright

SITE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
TIMEOUT_MS = 120_000

_DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
}"""

_SHOWN = """() => {
  const problem = document.getElementById("problem");
  const values = document.querySelectorAll("#characters .percent");
  return {
    problem: problem.hidden ? null : problem.textContent,
    text: document.querySelectorAll("#characters li").length
      ? document.getElementById("text").textContent : "",
    confidence: Number(document.getElementById("confidence").dataset.value),
    character_confidences: [...values].map((label) => Number(label.dataset.value)),
  };
}"""


class Shown(NamedTuple):
    """The result shown by the page.

    Attributes:
        problem: The error message, or `None`.
        text: The predicted text.
        confidence: Its confidence, in [0, 1].
        character_confidences: Confidences of the characters, in [0, 1].
    """

    problem: str | None
    text: str
    confidence: float
    character_confidences: tuple[float, ...]


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome, or `None`."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder as static files.

    Args:
        folder: Folder with `index.html`.

    Yields:
        Its URL, which ends with a slash.
    """

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Log nothing."""

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def opened(url: str, **context: object) -> Iterator[playwright.Page]:
    """Open the page in a headless browser.

    Args:
        url: URL of the page.
        **context: Arguments of `browser.new_context`, such as `reduced_motion`.

    Yields:
        The page, after it has loaded the model or shown an error.

    Raises:
        FileNotFoundError: If there is no browser.
    """
    path = find_browser()
    if path is None:
        raise FileNotFoundError(f"Expected one of {BROWSERS} on the path. Received none.")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context(**context).new_page()
        page.goto(url)
        wait(page)
        yield page
        browser.close()


def wait(page: playwright.Page) -> None:
    """Wait until the page is idle."""
    page.wait_for_selector("#main[aria-busy=false]", timeout=TIMEOUT_MS)


def drop(page: playwright.Page, name: str, content: bytes) -> Shown:
    """Drop a file on the page.

    Args:
        page: The page, see `opened`.
        name: Name of the file.
        content: Content of the file.

    Returns:
        The result shown by the page.
    """
    page.evaluate(_DROP, [name, base64.b64encode(content).decode("ascii")])
    wait(page)
    return shown(page)


def shown(page: playwright.Page) -> Shown:
    """Return the result shown by the page."""
    values = page.evaluate(_SHOWN)
    values["character_confidences"] = tuple(values["character_confidences"])
    return Shown(**values)


def main() -> int:
    """Compare, and return the exit status: 1 if a text differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", type=Path)
    images = parser.parse_args().images
    # The page has no second looks.
    expected = load(SITE / "model.onnx", second_looks=False).read(images)
    num_same, largest = 0, 0.0
    with served(SITE) as url, opened(url) as page:
        for path, reading in zip(images, expected, strict=True):
            found = drop(page, path.name, path.read_bytes())
            if found.problem is not None or found.text != reading.text:
                print(f"{path}: Python {reading.text!r}, page {found.problem or found.text!r}")
                continue
            num_same += 1
            largest = max(largest, abs(found.confidence - reading.confidence))
    print(
        f"{num_same} of {len(images)} texts are the same; "
        f"their confidences differ by at most {largest:.2g}"
    )
    return 0 if num_same == len(images) else 1


if __name__ == "__main__":
    sys.exit(main())
