"""Data: labelled images of any format as batches for training and evaluation."""

from typing import TYPE_CHECKING

from attention_ocr.public_names import public_names

if TYPE_CHECKING:
    from attention_ocr.data.inspection import Inspection, inspect_source
    from attention_ocr.data.labels import LabelledImage, held_out_split, read_labels
    from attention_ocr.data.pipeline import SkipReport, evaluation_batches, training_batches
    from attention_ocr.data.shard_files import ShardsReport
    from attention_ocr.data.shards import write_shards
    from attention_ocr.data.source_spec import SourceSpec, parse_source
    from attention_ocr.data.sources import Source, Walk, open_source
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "attention_ocr.data.inspection": ("Inspection", "inspect_source"),
            "attention_ocr.data.labels": ("LabelledImage", "held_out_split", "read_labels"),
            "attention_ocr.data.pipeline": ("SkipReport", "evaluation_batches", "training_batches"),
            "attention_ocr.data.shard_files": ("ShardsReport",),
            "attention_ocr.data.shards": ("write_shards",),
            "attention_ocr.data.source_spec": ("SourceSpec", "parse_source"),
            "attention_ocr.data.sources": ("Source", "Walk", "open_source"),
        },
    )

__all__ = [
    "Inspection",
    "LabelledImage",
    "ShardsReport",
    "SkipReport",
    "Source",
    "SourceSpec",
    "Walk",
    "evaluation_batches",
    "held_out_split",
    "inspect_source",
    "open_source",
    "parse_source",
    "read_labels",
    "training_batches",
    "write_shards",
]
