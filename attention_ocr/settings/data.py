"""Training and evaluation data, and batching."""

import dataclasses

from attention_ocr.settings.fields import (
    NOT_NEGATIVE,
    POSITIVE,
    Limit,
    at_most,
    between,
    check_fields,
    setting,
)

ON_BAD_EXAMPLE = ("skip", "fail")
ASCENDING = Limit(
    lambda limits: list(limits) == sorted(set(limits)) and all(limit > 0 for limit in limits),
    "must ascend from above 0",
    "ascending, > 0",
)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Training and evaluation data, and batching."""

    train_data: str = setting(
        "synthetic",
        "Training data: 'synthetic,key=value...', a labels.tsv [',every=5,part=train'], CSV, JSON "
        "lines, LMDB, record files, 'tfds:name', ... (docs/data.md); several are joined by ;.",
        Limit(bool, "must name a source"),
    )
    eval_data: str = setting(
        "synthetic,part=eval,num_examples=1000",
        "Validation data, in the format of --train_data; empty for no validation.",
    )
    hardest_of: int = setting(
        1,
        "Hard-example selection: of this number of rendered images, the one that --selector reads "
        "worst is trained on; 1 for no selection.",
        POSITIVE,
        at_most(64),
    )
    selector: str = setting(
        "default",
        "Model of --hardest_of: a bundled one, an export or a work directory.",
        Limit(bool, "must name a model"),
    )
    charset: str = setting(
        "",
        "Charset: a file; 'ascii', 94 characters; 'latin', those of European languages and the "
        "space; or empty to build it from the training labels.",
    )
    batch_size: int = setting(64, "Training batch size, over all devices.", POSITIVE)
    eval_batch_size: int = setting(64, "Evaluation batch size.", POSITIVE)
    shuffle_buffer: int = setting(
        4096, "Shuffle buffer size: examples among which the next one is drawn.", POSITIVE
    )
    bucket_widths: tuple[int, ...] = setting(
        (64, 96, 128, 192),
        "Width buckets: ascending upper limits, in pixels, of the image widths of one batch; the "
        "largest input width is always the last.",
        ASCENDING,
    )
    bucket_lengths: tuple[int, ...] = setting(
        (6, 10),
        "Length buckets: ascending upper limits, in characters, of the labels of one batch.",
        ASCENDING,
    )
    on_bad_example: str = setting(
        "skip",
        "Response of training to an image that cannot be read, or a label that is too long or not "
        "UTF-8: skip counts and logs it, fail stops.",
        choices=ON_BAD_EXAMPLE,
    )
    max_unreadable: float = setting(
        0.25,
        "Largest fraction of unreadable images, among the last thousand, with which training "
        "continues; 1 never stops it.",
        between(0.0, 1.0, "must lie between 0 and 1"),
    )
    data_workers: int = setting(
        2, "Parallel calls per stage of the input pipeline; 0 for automatic.", NOT_NEGATIVE
    )

    def __post_init__(self) -> None:
        check_fields(self)
