"""Decoding algorithms from logits to texts, independent of any model."""

from typing import TYPE_CHECKING

from attention_ocr.public_names import public_names

if TYPE_CHECKING:
    from attention_ocr.decoding.beam import BeamOptions, beam_decode
    from attention_ocr.decoding.context import Decoding, prepare_decoding
    from attention_ocr.decoding.ctc import ctc_greedy_decode
    from attention_ocr.decoding.ctc_beam import ctc_beam_decode
    from attention_ocr.decoding.ctc_prefix import CTCPrefixScorer
    from attention_ocr.decoding.ctc_scores import (
        AlignedTexts,
        align,
        ctc_log_probabilities,
        text_log_probability,
    )
    from attention_ocr.decoding.greedy import greedy_decode
    from attention_ocr.decoding.protocols import Rule, Scorer, Weighted
    from attention_ocr.decoding.result import Alternatives, DecoderOutput
    from attention_ocr.decoding.rules import make_rule
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "attention_ocr.decoding.beam": ("BeamOptions", "beam_decode"),
            "attention_ocr.decoding.context": ("Decoding", "prepare_decoding"),
            "attention_ocr.decoding.ctc": ("ctc_greedy_decode",),
            "attention_ocr.decoding.ctc_beam": ("ctc_beam_decode",),
            "attention_ocr.decoding.ctc_prefix": ("CTCPrefixScorer",),
            "attention_ocr.decoding.ctc_scores": (
                "AlignedTexts",
                "align",
                "ctc_log_probabilities",
                "text_log_probability",
            ),
            "attention_ocr.decoding.greedy": ("greedy_decode",),
            "attention_ocr.decoding.protocols": ("Rule", "Scorer", "Weighted"),
            "attention_ocr.decoding.result": ("Alternatives", "DecoderOutput"),
            "attention_ocr.decoding.rules": ("make_rule",),
        },
    )

__all__ = [
    "AlignedTexts",
    "Alternatives",
    "BeamOptions",
    "CTCPrefixScorer",
    "DecoderOutput",
    "Decoding",
    "Rule",
    "Scorer",
    "Weighted",
    "align",
    "beam_decode",
    "ctc_beam_decode",
    "ctc_greedy_decode",
    "ctc_log_probabilities",
    "greedy_decode",
    "make_rule",
    "prepare_decoding",
    "text_log_probability",
]
