"""Files as an attacker or an accident would send them, other than images."""

import zlib


def packed_zeros(num_megabytes: int, window: int = zlib.MAX_WBITS) -> bytes:
    """Return megabytes of zeros packed, a thousandth of their size; the checksum is missing.

    Args:
        num_megabytes: of the zeros.
        window: as of `zlib.compressobj`: 15 for zlib, -15 for deflate alone, 31 for gzip.
    """
    pack = zlib.compressobj(9, wbits=window)
    # After a full flush the same megabyte is packed into the same bytes again.
    first, again = (pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (num_megabytes - 1)
