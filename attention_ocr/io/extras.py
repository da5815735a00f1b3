"""Optional dependencies: a failing import names the extra that provides the package."""

from collections.abc import Iterator
from contextlib import contextmanager

from attention_ocr.distribution import explain_missing, installed_name


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Name the extra to install when an import of an optional dependency fails.

    Args:
        name: Name of the extra in `pyproject.toml`.
        purpose: The feature that needs it; begins the message.

    Raises:
        ImportError: If an import in the block fails.

    Example:
        >>> with extra("lmdb", "Reading an LMDB database"):
        ...     import a_package_that_is_not_installed
        Traceback (most recent call last):
        ...
        ImportError: Reading an LMDB database needs an optional dependency: \
pip install 'attention-ocr[lmdb]'. Received: No module named 'a_package_that_is_not_installed'
    """
    try:
        yield
    except ImportError as error:
        wanted = f"'{installed_name()}[{name}]'"
        raise ImportError(
            explain_missing(error)
            or f"{purpose} needs an optional dependency: pip install {wanted}. Received: {error}",
            name=error.name,
        ) from error
