"""Metrics of texts and of confidences: strings and numbers in, numbers out, without TensorFlow."""

from typing import TYPE_CHECKING

from attention_ocr.public_names import public_names

if TYPE_CHECKING:
    from attention_ocr.metrics.accuracy import (
        LengthAccuracy,
        TextMetrics,
        accuracy_by_length,
        alphanumeric_match,
        cer,
        compute_metrics,
        edit_distance,
        exact_match,
        ned,
        wer,
        wilson_interval,
    )
    from attention_ocr.metrics.calibration import (
        Calibration,
        RiskAtCoverage,
        compute_calibration,
        fit_temperature,
        negative_log_likelihood,
    )
    from attention_ocr.metrics.published import (
        aocr_soft_accuracy,
        google_character_accuracy,
        google_sequence_accuracy,
    )
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "attention_ocr.metrics.accuracy": (
                "LengthAccuracy",
                "TextMetrics",
                "accuracy_by_length",
                "alphanumeric_match",
                "cer",
                "compute_metrics",
                "edit_distance",
                "exact_match",
                "ned",
                "wer",
                "wilson_interval",
            ),
            "attention_ocr.metrics.calibration": (
                "Calibration",
                "RiskAtCoverage",
                "compute_calibration",
                "fit_temperature",
                "negative_log_likelihood",
            ),
            "attention_ocr.metrics.published": (
                "aocr_soft_accuracy",
                "google_character_accuracy",
                "google_sequence_accuracy",
            ),
        },
    )

__all__ = [
    "Calibration",
    "LengthAccuracy",
    "RiskAtCoverage",
    "TextMetrics",
    "accuracy_by_length",
    "alphanumeric_match",
    "aocr_soft_accuracy",
    "cer",
    "compute_calibration",
    "compute_metrics",
    "edit_distance",
    "exact_match",
    "fit_temperature",
    "google_character_accuracy",
    "google_sequence_accuracy",
    "ned",
    "negative_log_likelihood",
    "wer",
    "wilson_interval",
]
