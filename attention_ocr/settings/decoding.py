"""How texts are decoded from the network's outputs; independent of the trained weights."""

import dataclasses

from attention_ocr.settings.checks import check
from attention_ocr.settings.fields import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    at_most,
    between,
    check_fields,
    setting,
)

DECODINGS = ("attention", "ctc", "joint")
LENGTH_NORMALIZATIONS = ("none", "mean", "wu")
LANGUAGE_MODEL_TEXTS = ("all", "words")


@dataclasses.dataclass(frozen=True)
class DecodingConfig:
    """How texts are decoded."""

    decoding: str = setting(
        "attention",
        "Head that reads the text; in joint, CTC is fused into the beam search of the attention.",
        choices=DECODINGS,
    )
    beam_width: int = setting(
        1,
        "Hypotheses kept per step (beam width); 1 is greedy decoding.",
        POSITIVE,
        at_most(2**14),
    )
    num_best: int = setting(
        1, "Texts returned per image, the best first; at most --beam_width.", POSITIVE
    )
    search_below: float = setting(
        1.0,
        "Greedy confidence below which a beam search is run; 1 for always. Lexicons, patterns and "
        "--num_best above 1 always take a search.",
        between(0.0, 1.0),
    )
    length_normalization: str = setting(
        "none",
        "Length normalisation of the attention's beam scores: none, the mean over tokens, or that "
        "of Wu et al. (2016, section 7), which favours long texts less.",
        choices=LENGTH_NORMALIZATIONS,
    )
    length_alpha: float = setting(
        0.6, "Exponent of --length_normalization=wu; 0 is none.", NOT_NEGATIVE
    )
    joint_weight: float = setting(
        0.3, "CTC weight of --decoding=joint; the attention has the rest of 1.", FRACTION
    )
    lexicon: str = setting(
        "", "Lexicon file, one word per line, to which texts are restricted; empty for any text."
    )
    pattern: str = setting(
        "",
        "Regular expression that every text matches as a whole, such as [A-Z]{2}[0-9]{4}; empty "
        "for any text.",
    )
    allowed_characters: str = setting(
        "", "Allowed characters, to which texts are restricted; empty for all of the charset."
    )
    attention_temperature: float = setting(
        1.0,
        "Temperature that divides the attention's logits where confidences are computed, not in a "
        "search; `attention-ocr evaluate --fit_temperature` fits it.",
        POSITIVE,
    )
    ctc_temperature: float = setting(
        1.0,
        "Temperature that divides the CTC head's logits where confidences are computed; "
        "`attention-ocr evaluate --fit_temperature` fits it.",
        POSITIVE,
    )
    language_model: str = setting(
        "", "Language model file, made by `attention-ocr language-model`; empty for none."
    )
    language_model_weight: float = setting(
        0.0,
        "Language model weight in the scores of a search (shallow fusion); 0 for none.",
        NOT_NEGATIVE,
    )
    language_model_texts: str = setting(
        "all",
        "Texts that the language model scores: all, or words, those that greedy decoding reads as "
        "letters and punctuation only; codes and numbers then keep the network's reading, with "
        "--search_below its greedy one.",
        choices=LANGUAGE_MODEL_TEXTS,
    )
    lexicon_ignore_case: bool = setting(
        False, "Read lexicon words in any mixture of upper and lower case."
    )

    def __post_init__(self) -> None:
        check_fields(self)
        check(
            self.language_model_weight == 0 or bool(self.language_model),
            "A `language_model_weight` above 0 needs a `language_model`.",
            self.language_model_weight,
        )
        check(
            self.num_best <= self.beam_width,
            f"`num_best` must be at most `beam_width` ({self.beam_width}).",
            self.num_best,
        )
