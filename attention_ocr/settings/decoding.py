"""How texts are made of what the network says. Nothing here is part of the trained model."""

import dataclasses

from attention_ocr.settings.checks import (
    check,
    check_at_most,
    check_choice,
    check_fraction,
    check_not_negative,
    check_positive,
)

DECODINGS = ("attention", "ctc", "joint")
LENGTH_NORMALIZATIONS = ("none", "mean", "wu")

CHOICES = {"decoding": DECODINGS, "length_normalization": LENGTH_NORMALIZATIONS}
"""The values of the fields that are a choice."""


@dataclasses.dataclass(frozen=True)
class DecodingConfig:
    """How texts are decoded.

    Args:
        decoding: which head reads: `attention`, `ctc`, or `joint`, a search by the attention in
            which CTC has a say.
        beam_width: texts that the search follows at once; 1 is greedy decoding.
        num_best: texts that are returned beside the best one's details, at most `beam_width`.
        search_below: confidence of the attention's greedy text below which it searches; 1 searches
            for every text. What has a rule to keep or several texts to return is always searched
            for.
        length_normalization: of the scores of a beam of the attention: `none`; `mean`, over the
            tokens; or `wu` (Wu et al., 2016, section 7), which favours long texts less.
        length_alpha: exponent of `wu`; 0 is `none`.
        joint_weight: of CTC in `decoding=joint`; the attention has the rest of 1.
        lexicon: a file with a word a line: nothing else is read. Empty reads any text.
        lexicon_ignore_case: whether a word of the lexicon is read in any mixture of capital and
            small letters.
        pattern: a regular expression that describes every whole text, such as `[A-Z]{2}[0-9]{4}`,
            see `decoding.pattern`. Empty reads any text.
        attention_temperature: divides the attention's logits where confidences are computed, not
            in a search; `eval.py --fit_temperature` fits it.
        ctc_temperature: the same of the CTC head.
        language_model: a file made by `attention-ocr language-model`.
        language_model_weight: of its log-probabilities in the scores of a search (shallow fusion);
            0 does without.
        allowed_characters: nothing else is read. Empty reads all characters of the model.
    """

    decoding: str = "attention"
    beam_width: int = 1
    num_best: int = 1
    search_below: float = 1.0
    length_normalization: str = "none"
    length_alpha: float = 0.6
    joint_weight: float = 0.3
    lexicon: str = ""
    pattern: str = ""
    allowed_characters: str = ""
    attention_temperature: float = 1.0
    ctc_temperature: float = 1.0
    language_model: str = ""
    language_model_weight: float = 0.0
    lexicon_ignore_case: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        check_positive(self, "beam_width", "num_best", "attention_temperature", "ctc_temperature")
        check_not_negative(self, "length_alpha", "language_model_weight")
        check_at_most(self, 2**14, "beam_width")
        check(
            self.language_model_weight == 0 or bool(self.language_model),
            "A `language_model_weight` above 0 needs a `language_model`.",
            self.language_model_weight,
        )
        check_fraction(self, "joint_weight")
        check(
            0.0 <= self.search_below <= 1.0,
            "`search_below` must be from 0 to 1.",
            self.search_below,
        )
        check(
            self.num_best <= self.beam_width,
            f"`num_best` must be at most `beam_width` ({self.beam_width}).",
            self.num_best,
        )
