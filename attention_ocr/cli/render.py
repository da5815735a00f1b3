"""`attention-ocr render`: a data set of rendered text, or a sheet to look at."""

import argparse
import dataclasses
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attention_ocr.synthesis.rendering import Renderer

HELP = "render text: a data set of images and labels, or a sheet of samples to look at"
_CHUNK = 64
_OPTIONS = {
    "kinds": (
        "A+B",
        "kinds of text: words, numbers, mixed, prices, dates, times, punctuated, "
        "addresses, phrases, random, codes, plates, tags, meters, captchas, fragments, runs; "
        "one named twice comes twice as often",
    ),
    "min_length": ("N", "fewest characters of a text"),
    "max_length": ("N", "most characters of a text"),
    "case": ("CASE", "any, keep, lower, upper or title"),
    "characters": (
        "A+B",
        "allowed characters, or sets of them: digits, lower, upper, letters, "
        "punctuation, space, printable",
    ),
    "difficulty": ("D", "from 0, clean, to 1, as hard as photographs of signs"),
    "height": ("PIXELS", "nominal height of an image"),
    "fonts": ("FONTS", "all, bundled (those that come by pip), a folder, a file or a pattern"),
    "part": ("PART", "train or eval, which share no text, or all"),
    "seed": ("N", "every value gives other images"),
    "words_file": ("FILE", "own vocabulary, a word on each line"),
    "textless": ("FRACTION", "so many of the pictures have no text, and an empty label"),
    "look": (
        "A+B",
        "any; signs: bold, tight, muted, as in photographs of streets; irregular: such words "
        "turned and bent; scenes: such words with all that surrounds them; plates; tags, of "
        "cables; punched, into metal; led; wheels, of meters; neon; captchas; stacked; several "
        "are joined by +",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: The command's own parser.
    """
    from attention_ocr.synthesis.settings import SynthesisConfig

    parser.add_argument(
        "--out_dir",
        type=Path,
        metavar="FOLDER",
        help="folder to write images/ and labels.tsv to; made if missing",
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="write the first images on one sheet"
    )
    parser.add_argument(
        "--count", type=int, default=100, metavar="N", help="images (default: %(default)s)"
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
    defaults = {field.name: field.default for field in dataclasses.fields(SynthesisConfig)}
    for name, (metavar, description) in _OPTIONS.items():
        default = defaults[name]
        shown = "+".join(default) if isinstance(default, tuple) else default
        if name == "characters":
            shown = "printable"
        note = f" (default: {shown})" if shown != "" else ""
        parser.add_argument(f"--{name}", metavar=metavar, help=description + note)


def run(args: argparse.Namespace) -> int:
    """Render, and print what was written.

    Args:
        args: What `add_arguments` declared.

    Returns:
        The exit status: 0.

    Raises:
        OSError: If there is no font, or a file is missing or cannot be written.
        ValueError: If an argument is wrong.
    """
    # OpenCV and Pillow take time to load, which `--help` need not wait for.
    from attention_ocr.synthesis.rendering import Renderer
    from attention_ocr.synthesis.settings import parse_options

    if args.out_dir is None and args.sheet is None:
        raise ValueError("Expected --out_dir or --sheet, to know where to write. Received: neither")
    for name, least in (("count", 1), ("start", 0), ("num_workers", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise ValueError(f"Expected --{name} of at least {least}. Received: {value}")
    if args.sheet is not None and args.sheet.suffix.lower() != ".png":
        raise ValueError(f"Expected --sheet to end in .png. Received: {args.sheet}")
    given = {name: getattr(args, name) for name in _OPTIONS}
    config = parse_options({name: value for name, value in given.items() if value is not None})
    renderer = Renderer(config)
    if args.out_dir is not None:
        _write_data_set(renderer, args)
        print(f"Wrote {args.count} images to {args.out_dir}, their texts to labels.tsv")
    if args.sheet is not None:
        num_shown = _write_sheet(renderer, args)
        print(f"Wrote a sheet of {num_shown} images to {args.sheet}")
    return 0


def _write_data_set(renderer: "Renderer", args: argparse.Namespace) -> None:
    """Write images, and the labels last: without them a folder is no data set."""
    from tqdm import tqdm

    labels = args.out_dir / "labels.tsv"
    if labels.exists():
        if not args.overwrite:
            raise FileExistsError(
                f"Expected a folder without a data set, or --overwrite. Received: {labels} exists"
            )
        labels.unlink()
    images = args.out_dir / "images"
    images.mkdir(parents=True, exist_ok=True)
    last = args.start + args.count
    chunks = [range(first, min(first + _CHUNK, last)) for first in range(args.start, last, _CHUNK)]
    lines: list[str] = []
    with tqdm(total=args.count, unit="image", disable=None) as progress:
        for chunk_lines in _render_chunks(renderer, images, args.format, chunks, args.num_workers):
            lines += chunk_lines
            progress.update(len(chunk_lines))
    _remove_others(images, {line.split("\t")[0].split("/")[1] for line in lines})
    draft = args.out_dir / "labels.tsv.part"
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
    os.replace(draft, labels)


def _render_chunks(
    renderer: "Renderer",
    folder: Path,
    image_format: str,
    chunks: list[range],
    num_workers: int | None,
) -> Iterator[list[str]]:
    """Render chunk by chunk, in order, in this process or in several."""
    if num_workers is None:
        # A process takes as long to start as one that runs takes for thousands of images.
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


def _render_kept(indices: range) -> list[str]:
    return _render_chunk(*_kept[0], indices)


def _render_chunk(
    renderer: "Renderer", folder: Path, image_format: str, indices: Iterable[int]
) -> list[str]:
    """Write the images of some indices and return their lines of the label file."""
    import cv2

    lines = []
    for index in indices:
        image, text = renderer.render(index)
        encoded = cv2.imencode(f".{image_format}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
        name = f"{index:09d}.{image_format}"
        (folder / name).write_bytes(encoded.tobytes())
        lines.append(f"images/{name}\t{text}\n")
    return lines


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove images of a data set that was here before; other files stay."""
    for path in folder.iterdir():
        is_ours = path.stem.isdecimal() and path.suffix in (".png", ".jpg")
        if is_ours and path.name not in names:
            path.unlink()


def _write_sheet(renderer: "Renderer", args: argparse.Namespace) -> int:
    import cv2

    from attention_ocr.synthesis.contact_sheet import draw_contact_sheet

    num_shown = min(args.count, 120)
    pictures = list(renderer.generate(args.start, args.start + num_shown))
    sheet = cv2.cvtColor(draw_contact_sheet(pictures, renderer.faces), cv2.COLOR_RGB2BGR)
    args.sheet.parent.mkdir(parents=True, exist_ok=True)
    draft = args.sheet.with_name(args.sheet.name + ".part")
    draft.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
    os.replace(draft, args.sheet)
    return num_shown
