"""Render text on a cluster: each node writes the images of some indices."""

import functools
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import PurePath
from typing import NamedTuple

from absl import logging
from tqdm import tqdm

from attention_ocr.cluster.engine import Engine
from attention_ocr.cluster.parts import Job, Part, Report, digest_of_keys, make_parts, open_job
from attention_ocr.data.shared_folder import SharedFolder
from attention_ocr.images.encode import encode_rgb
from attention_ocr.synthesis.rendering import FILE_NAME, Renderer, RenderingError
from attention_ocr.synthesis.settings import SynthesisConfig

_AT_ONCE = 500


class Rendering(NamedTuple):
    """What is rendered.

    Attributes:
        config: Settings of the text.
        format: Suffix of the image files.
        fonts: What `digest_of_fonts` returned; nodes must have the same fonts.
    """

    config: SynthesisConfig
    format: str
    fonts: str


def render_on(
    engine: Engine,
    config: SynthesisConfig,
    out_dir: str,
    *,
    count: int,
    start: int = 0,
    image_format: str = "png",
    overwrite: bool = False,
) -> int:
    """Render images and their `labels.tsv`, the same files as one process writes.

    Args:
        engine: The cluster.
        config: Settings of the text.
        out_dir: Folder that this process and all nodes share.
        count: Number of images.
        start: Index of the first.
        image_format: Suffix of the image files.
        overwrite: Whether to replace a data set in the folder.

    Returns:
        The number of images, fewer than `count` if some cannot be rendered; those are logged.

    Raises:
        FileExistsError: If there is one and `overwrite` is false.
        ValueError: If a node has other fonts, or no image can be rendered.
    """
    out = SharedFolder(out_dir)
    images = SharedFolder(out.address("images"))
    out.make()
    images.make()
    if out.read_text("labels.tsv") is not None:
        if not overwrite:
            raise FileExistsError(
                "Expected a folder without a data set, or --overwrite. "
                f"Received: {out.address('labels.tsv')} exists"
            )
        out.remove("labels.tsv")
        _remove_images(images)
    rendering = Rendering(config, image_format, digest_of_fonts(Renderer(config)))
    settings = asdict(config) | {"format": image_format, "fonts": rendering.fonts}
    settings |= {"start": start, "count": count}
    settings["characters"] = digest_of_keys(config.characters)
    job = open_job(SharedFolder(out.address("parts")), settings, overwrite, images)
    parts = list(_parts(start, count))
    with tqdm(total=count, desc="rendering", unit="image", disable=None) as progress:
        for report, _ in make_parts(engine, job, functools.partial(_render, rendering), parts):
            progress.update(len(report["files"]) + len(_failures(report)))
    reports = _finished(job, parts)
    failures = [failure for report in reports for failure in _failures(report)]
    for failure in failures:
        logging.warning("left out: %s", failure)
    written = {name for report in reports for name in report["files"]}
    if not written:
        # The next command begins anew.
        job.remove()
        raise ValueError(f"Expected an image that can be rendered. Received: none; {failures[-1]}")
    with out.writing("labels.tsv") as path, path.open("w", encoding="utf-8", newline="\n") as file:
        for report in reports:
            file.writelines(report["lines"])
        # A command that was cut short and then given up may have left some.
        _remove_images(images, written)
    job.remove()
    return len(written)


def _finished(job: Job, parts: list[Part]) -> list[Report]:
    """Return the reports of all parts, in order."""
    reports = []
    for part in parts:
        report = job.report(part.index)
        if report is None:
            raise OSError(f"Expected all images in {job.output}. Received: part {part.index} lost")
        reports.append(report)
    return reports


def _failures(report: Report) -> list[str]:
    """Return why images are missing; earlier releases, which may have begun the job, had none."""
    failures: list[str] = report.get("failures", [])
    return failures


def _remove_images(images: SharedFolder, kept: Collection[str] = ()) -> None:
    """Remove images of an earlier data set; other files are kept."""
    for name in images.names():
        if FILE_NAME.fullmatch(name) and name not in kept:
            images.remove(name)


def digest_of_fonts(renderer: Renderer) -> str:
    """Return a hash of the names of the faces in use."""
    names = (f"{PurePath(face.path).name}:{face.index}:{face.axes}" for face in renderer.faces)
    return hashlib.sha256("\n".join(names).encode("utf-8")).hexdigest()[:32]


def _parts(start: int, count: int) -> Iterator[Part]:
    for index, first in enumerate(range(start, start + count, _AT_ONCE)):
        end = min(first + _AT_ONCE, start + count)
        yield Part(index, (first, end), f"{first}-{end}")


def _render(rendering: Rendering, job: Job, _index: int, span: tuple[int, int]) -> Report:
    """Render the images of some indices, on a node."""
    renderer = _renderer(rendering.config)
    if digest_of_fonts(renderer) != rendering.fonts:
        raise ValueError(
            "Expected the same fonts on all nodes; --fonts=bundled takes those installed by pip. "
            "Received: other ones on a node"
        )
    files, lines, failures = {}, [], []
    for index in range(*span):
        try:
            image, text = renderer.render(index)
        except RenderingError as error:
            failures.append(str(error))
            continue
        name = f"{index:09d}.{rendering.format}"
        # A part counts only with all its files in their sizes.
        content = encode_rgb(image, rendering.format)
        job.output.write_draft(name, content)
        files[name] = len(content)
        lines.append(f"images/{name}\t{text}\n")
    return {"files": files, "lines": lines, "failures": failures}


@functools.lru_cache(maxsize=1)
def _renderer(config: SynthesisConfig) -> Renderer:
    return Renderer(config)
