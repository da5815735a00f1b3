"""What is read, and in which portions."""

import dataclasses

from attention_ocr.settings.checks import check, check_choice, check_not_negative, check_positive

ON_BAD_EXAMPLE = ("skip", "fail")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What is read and in which portions.

    Args:
        train_data: source of the training examples, see `data.sources.open_source`.
        eval_data: source of the validation examples; empty trains without validation.
        charset: a charset file, `ascii`, or empty to build it from the training labels.
        batch_size: examples of a step, over all devices together.
        eval_batch_size: examples of a batch in evaluation.
        shuffle_buffer: examples among which the next one is drawn.
        bucket_widths: pixels. Ascending upper limits of the image widths of one batch; the
            limit of the image comes on top.
        bucket_lengths: characters. Ascending upper limits of the label lengths of one batch.
        on_bad_example: what training does with an image that cannot be read, or a label that is
            too long or not UTF-8: `skip` counts it and names it in the log, `fail` stops.
        max_unreadable: largest share of images that cannot be read, among the last thousand, with
            which training goes on; 1 never ends it.
        data_workers: parallel calls of the pipeline's stages; 0 lets tf.data choose.
    """

    train_data: str = "synthetic"
    eval_data: str = "synthetic,part=eval,num_examples=1000"
    charset: str = ""
    batch_size: int = 64
    eval_batch_size: int = 64
    shuffle_buffer: int = 4096
    bucket_widths: tuple[int, ...] = (64, 96, 128, 192)
    bucket_lengths: tuple[int, ...] = (6, 10)
    on_bad_example: str = "skip"
    max_unreadable: float = 0.25
    data_workers: int = 2

    def __post_init__(self) -> None:
        check_positive(self, "batch_size", "eval_batch_size", "shuffle_buffer")
        check_not_negative(self, "data_workers")
        check(
            0.0 <= self.max_unreadable <= 1.0,
            "`max_unreadable` must lie between 0 and 1.",
            self.max_unreadable,
        )
        check_choice("on_bad_example", self.on_bad_example, ON_BAD_EXAMPLE)
        check(bool(self.train_data), "`train_data` must name a source.", self.train_data)
        for name in ("bucket_widths", "bucket_lengths"):
            limits = getattr(self, name)
            check(
                list(limits) == sorted(set(limits)) and all(limit > 0 for limit in limits),
                f"`{name}` must ascend from above 0.",
                limits,
            )
