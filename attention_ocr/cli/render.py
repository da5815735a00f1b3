"""`attention-ocr render`: render text as a data set or a contact sheet."""

import argparse
import dataclasses
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from absl import logging

from attention_ocr.cli.engine_argument import add_engine_argument
from attention_ocr.cli.settings_flags import help_of, metavar_of
from attention_ocr.cluster.address import names_cluster
from attention_ocr.data.storage import is_remote
from attention_ocr.io.progress import progress_bar

if TYPE_CHECKING:
    from attention_ocr.synthesis.rendering import Renderer
    from attention_ocr.synthesis.settings import SynthesisConfig

HELP = "render text: a data set of images and labels, or a contact sheet of samples"
_CHUNK = 64
_METAVARS = {
    "kinds": "A+B",
    "characters": "A+B",
    "height": "PIXELS",
    "fonts": "FONTS",
    "words_file": "FILE",
    "look": "A+B",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    from attention_ocr.synthesis.settings import CHARACTER_SETS, SynthesisConfig

    parser.add_argument(
        "--out_dir",
        metavar="FOLDER",
        help="output folder for images/ and labels.tsv; created if missing",
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="contact sheet of the first images"
    )
    parser.add_argument(
        "--count",
        type=int,
        default=100,
        metavar="N",
        help="number of images (default: %(default)s)",
    )
    parser.add_argument(
        "--start",
        type=int,
        default=0,
        metavar="N",
        help="index of the first image; the same index and seed give the same image",
    )
    parser.add_argument(
        "--format", choices=("png", "jpg"), default="png", help="format of the images"
    )
    parser.add_argument(
        "--num_workers",
        type=int,
        metavar="N",
        help="processes that render (default: one per core, fewer for few images)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the data set in the folder"
    )
    add_engine_argument(parser)
    named = {characters: name for name, characters in CHARACTER_SETS.items()}
    for field in dataclasses.fields(SynthesisConfig):
        shown = "+".join(field.default) if isinstance(field.default, tuple) else str(field.default)
        default = f" (default: {named.get(shown, shown)})" if shown else ""
        parser.add_argument(
            f"--{field.name}",
            metavar=_METAVARS.get(field.name) or metavar_of(field),
            help=help_of(field) + default,
        )


def run(args: argparse.Namespace) -> int:
    """Render the images, and print the output paths."""
    # OpenCV and Pillow take time to load; `--help` should not wait for them.
    from attention_ocr.synthesis.rendering import Renderer
    from attention_ocr.synthesis.settings import SynthesisConfig, parse_options

    if args.out_dir is None and args.sheet is None:
        raise ValueError("Expected --out_dir or --sheet. Received: neither")
    for name, least in (("count", 1), ("start", 0), ("num_workers", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise ValueError(f"Expected --{name} of at least {least}. Received: {value}")
    if args.sheet is not None and args.sheet.suffix.lower() != ".png":
        raise ValueError(f"Expected --sheet to end in .png. Received: {args.sheet}")
    names = [field.name for field in dataclasses.fields(SynthesisConfig)]
    given = {name: getattr(args, name) for name in names}
    config = parse_options({name: value for name, value in given.items() if value is not None})
    renderer = Renderer(config)
    if args.out_dir is not None:
        if names_cluster(args.engine):
            num_written = _render_on_cluster(config, args)
        else:
            num_written = _write_data_set(renderer, args)
        print(f"Wrote {num_written} images to {args.out_dir}, their texts to labels.tsv")
    if args.sheet is not None:
        num_shown = _write_sheet(renderer, args)
        print(f"Wrote a sheet of {num_shown} images to {args.sheet}")
    return 0


def _render_on_cluster(config: "SynthesisConfig", args: argparse.Namespace) -> int:
    from attention_ocr.cluster.engine import RayEngine
    from attention_ocr.cluster.rendering import render_on

    if args.num_workers is not None:
        raise ValueError(
            "Expected --num_workers without --engine=ray, which uses all processors of the "
            f"cluster. Received: --num_workers={args.num_workers}"
        )
    with RayEngine(args.engine) as engine:
        return render_on(
            engine,
            config,
            args.out_dir,
            count=args.count,
            start=args.start,
            image_format=args.format,
            overwrite=args.overwrite,
        )


def _write_data_set(renderer: "Renderer", args: argparse.Namespace) -> int:
    """Write the images, then the labels: a folder without labels is not a data set.

    Returns:
        The number of images, fewer than requested if some cannot be rendered.
    """
    if is_remote(args.out_dir):
        raise ValueError(
            "Expected a local folder as --out_dir, or --engine=ray, which also writes to a store. "
            f"Received: {args.out_dir}"
        )
    out_dir = Path(args.out_dir)
    labels = out_dir / "labels.tsv"
    if labels.exists():
        if not args.overwrite:
            raise FileExistsError(
                f"Expected a folder without a data set, or --overwrite. Received: {labels} exists"
            )
        labels.unlink()
    images = out_dir / "images"
    images.mkdir(parents=True, exist_ok=True)
    last = args.start + args.count
    chunks = [range(first, min(first + _CHUNK, last)) for first in range(args.start, last, _CHUNK)]
    lines: list[str] = []
    with progress_bar("rendering", args.count) as progress:
        for chunk_lines, failures in _render_chunks(
            renderer, images, args.format, chunks, args.num_workers
        ):
            lines += chunk_lines
            for failure in failures:
                logging.warning("left out: %s", failure)
            progress.update(len(chunk_lines) + len(failures))
    if not lines:
        raise ValueError(f"Expected an image that can be rendered. Received: none; {failures[-1]}")
    _remove_others(images, {line.split("\t")[0].split("/")[1] for line in lines})
    draft = out_dir / "labels.tsv.part"
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
    os.replace(draft, labels)
    return len(lines)


def _render_chunks(
    renderer: "Renderer",
    folder: Path,
    image_format: str,
    chunks: list[range],
    num_workers: int | None,
) -> Iterator[tuple[list[str], list[str]]]:
    """Render the chunks in order, in this process or in several."""
    if num_workers is None:
        # Starting a process takes as long as rendering thousands of images.
        num_workers = min(os.cpu_count() or 1, 1 + len(chunks) * _CHUNK // 5000)
    if num_workers == 1:
        yield from (_render_chunk(renderer, folder, image_format, chunk) for chunk in chunks)
        return
    with ProcessPoolExecutor(
        num_workers, initializer=_keep_renderer, initargs=(renderer, folder, image_format)
    ) as workers:
        yield from workers.map(_render_kept, chunks)


_kept: "list[tuple[Renderer, Path, str]]" = []


def _keep_renderer(renderer: "Renderer", folder: Path, image_format: str) -> None:
    _kept[:] = [(renderer, folder, image_format)]


def _render_kept(indices: range) -> tuple[list[str], list[str]]:
    return _render_chunk(*_kept[0], indices)


def _render_chunk(
    renderer: "Renderer", folder: Path, image_format: str, indices: Iterable[int]
) -> tuple[list[str], list[str]]:
    """Write the images of the indices; return their lines of the label file, and failures."""
    from attention_ocr.images.encode import encode_rgb
    from attention_ocr.synthesis.rendering import RenderingError

    lines, failures = [], []
    for index in indices:
        try:
            image, text = renderer.render(index)
        except RenderingError as error:
            failures.append(str(error))
            continue
        name = f"{index:09d}.{image_format}"
        (folder / name).write_bytes(encode_rgb(image, image_format))
        lines.append(f"images/{name}\t{text}\n")
    return lines, failures


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove images of an earlier data set; other files are kept."""
    from attention_ocr.synthesis.rendering import FILE_NAME

    for path in folder.iterdir():
        if FILE_NAME.fullmatch(path.name) and path.name not in names:
            path.unlink()


def _write_sheet(renderer: "Renderer", args: argparse.Namespace) -> int:
    import cv2

    from attention_ocr.synthesis.contact_sheet import draw_contact_sheet

    num_shown = min(args.count, 120)
    samples = list(renderer.generate(args.start, args.start + num_shown))
    sheet = cv2.cvtColor(draw_contact_sheet(samples, renderer.faces), cv2.COLOR_RGB2BGR)
    args.sheet.parent.mkdir(parents=True, exist_ok=True)
    draft = args.sheet.with_name(args.sheet.name + ".part")
    draft.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
    os.replace(draft, args.sheet)
    return num_shown
