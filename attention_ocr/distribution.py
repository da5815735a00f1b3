"""The two distributions of this package, and how to get what the smaller one leaves out."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution

WHOLE = "attention-ocr"
"""The distribution of the whole toolkit."""

LITE = "attention-ocr-lite"
"""The distribution of the same package whose dependencies read, without TensorFlow."""

_TENSORFLOW = frozenset(
    {"keras", "tensorboard", "tensorflow", "tensorflow_datasets", "tensorflow_serving"}
)
_RENDERING = frozenset({"fontTools"})


def installed_name() -> str:
    """Return the name under which this package is installed.

    Returns:
        `LITE` if it is installed alone, else `WHOLE`.
    """
    return LITE if _is_installed(LITE) and not _is_installed(WHOLE) else WHOLE


def explain_missing(error: ImportError) -> str | None:
    """Return one line that says how to get a missing dependency of the whole toolkit.

    Args:
        error: The failed import.

    Returns:
        None if the module is installed, or is not one that `LITE` leaves out.

    Example:
        >>> explain_missing(ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"))
        "TensorFlow is not installed: pip install attention-ocr. Received: No module named \
'tensorflow'"
    """
    if not isinstance(error, ModuleNotFoundError):
        return None
    missing = (error.name or "").partition(".")[0]
    name = installed_name()
    if missing in _TENSORFLOW:
        # Both distributions own the same files, so one must go before the other comes.
        replace = f"pip uninstall --yes {LITE} && " if name == LITE else ""
        left_out = f", {LITE} leaves it out" if name == LITE else ""
        what = f"TensorFlow is not installed{left_out}: {replace}pip install {WHOLE}"
    elif missing in _RENDERING:
        wanted = f"'{LITE}[render]'" if name == LITE else WHOLE
        what = f"What renders text is not installed: pip install {wanted}"
    else:
        return None
    return f"{what}. Received: {error}"


@contextmanager
def explaining_missing() -> Iterator[None]:
    """Say how to get a missing dependency of the whole toolkit.

    Raises:
        ImportError: If an import in the block fails; with the line of `explain_missing`, if any.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        explanation = explain_missing(error)
        if explanation is None:
            raise
        raise ImportError(explanation, name=error.name) from error


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
