"""Detection of names that are meant as URLs, so that an error can say that nothing is fetched."""

import os
import re

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):[/\\]+([^/\\].*)", re.DOTALL)
_DATA_URL = re.compile(r"data:\w+/")


def url_of(name: str | os.PathLike[str]) -> str | None:
    r"""Return the URL that a name is meant as, or `None`.

    A path turns `https://` into `https:/`, or `https:\` on Windows; both slashes are restored. A
    single letter is a Windows drive, not a scheme.

    Example:
        >>> url_of("https:/example.org/word.png")
        'https://example.org/word.png'
        >>> url_of("C:/word.png"), url_of("word.png")
        (None, None)
    """
    text = os.fspath(name)
    if _DATA_URL.match(text):
        return text
    match = _URL.fullmatch(text)
    return match and f"{match[1]}://{match[2]}"
