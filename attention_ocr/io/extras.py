"""Optional dependencies: an import that fails names the extra that brings the package."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Say which extra to install when an import of an optional dependency fails.

    Args:
        name: of the extra in `pyproject.toml`.
        purpose: what needs it; begins the message.

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
        raise ImportError(
            f"{purpose} needs an optional dependency: pip install 'attention-ocr[{name}]'. "
            f"Received: {error}",
            name=error.name,
        ) from error
