"""`attention-ocr augment`: a contact sheet of augmented images of a data source."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.io.progress import with_progress

if TYPE_CHECKING:
    import numpy as np

HELP = "draw a contact sheet of augmented images"
STRENGTHS = (0.25, 0.5, 0.75, 1.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", metavar="SOURCE", help="data source, as for --train_data")
    parser.add_argument("--sheet", type=Path, required=True, metavar="PNG", help="file to write")
    parser.add_argument(
        "--augmentation",
        default="",
        metavar="POLICY",
        help="as for `attention-ocr train` (default: a row for each op and one for 'default')",
    )
    parser.add_argument(
        "--count", type=int, default=4, metavar="N", help="images to show (default: %(default)s)"
    )
    parser.add_argument(
        "--skip", type=int, default=0, metavar="N", help="images of the source to skip first"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    parser.add_argument(
        "--image_channels", type=int, default=3, help="1 (gray) or 3 (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Draw the sheet: a row for each op, with the original images and each strength."""
    from PIL import Image

    from attention_ocr.io.atomic_write import whole_file
    from attention_ocr.settings.augmentation import OPS, parse_policy

    if args.sheet.suffix.lower() != ".png":
        raise ValueError(f"Expected --sheet to end in .png. Received: {args.sheet}")
    if args.count < 1 or args.skip < 0:
        raise ValueError(
            "Expected --count of at least 1 and --skip of at least 0. "
            f"Received: {args.count} and {args.skip}"
        )
    policies = [args.augmentation] if args.augmentation else [*OPS, "default"]
    for policy in policies:
        parse_policy(policy)
    with quiet_start():
        rows = _draw_rows(args, policies)
    with whole_file(args.sheet) as temporary:
        Image.fromarray(rows).save(temporary, format="PNG")
    print(f"wrote {args.sheet}: {len(policies)} rows, original images and strengths {STRENGTHS}")
    return 0


def _draw_rows(args: argparse.Namespace, policies: list[str]) -> "np.ndarray":
    import numpy as np
    import tensorflow as tf

    from attention_ocr.data.augmentation.augment import augment
    from attention_ocr.data.pipeline import evaluation_batches
    from attention_ocr.data.sources import open_source
    from attention_ocr.settings.augmentation import parse_policy
    from attention_ocr.settings.config import Config
    from attention_ocr.visualization.glyphs import draw_line

    config = Config.from_values(
        {"image_channels": args.image_channels, "max_image_width": 160, "eval_batch_size": 1}
    )
    batches = evaluation_batches(open_source(args.source), config).skip(args.skip).unbatch()
    batch = next(batches.take(args.count).padded_batch(args.count).as_numpy_iterator(), None)
    if batch is None:
        raise ValueError(f"Expected images. Received: {args.source} with --skip={args.skip}")
    rows = []
    for index, policy in enumerate(with_progress(policies, "augmenting", len(policies), "op")):
        columns = [batch["images"]]
        for strength in STRENGTHS:
            seed = tf.constant([args.seed, index])
            parsed = parse_policy(policy)
            columns.append(
                augment(
                    batch["images"], batch["image_sizes"], seed, parsed, strength, full=True
                ).numpy()
            )
        strip = np.concatenate([_strip(images) for images in columns], axis=1)
        caption = draw_line(policy, 14)[:, : strip.shape[1]]
        space = ((0, 0), (0, strip.shape[1] - caption.shape[1]), (0, 0))
        rows += [np.pad(caption, space, constant_values=255), strip]
    return np.concatenate(rows, axis=0)


def _strip(images: "np.ndarray") -> "np.ndarray":
    """Stack the images of a batch vertically, with a white border."""
    import numpy as np

    pixels = np.round(images * 127.5 + 127.5).astype(np.uint8)
    pixels = np.pad(pixels, ((0, 0), (1, 1), (2, 2), (0, 0)), constant_values=255)
    tall = pixels.reshape(-1, *pixels.shape[2:])
    return np.repeat(tall, 3, axis=-1) if tall.shape[-1] == 1 else tall
