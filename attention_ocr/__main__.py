"""`python -m attention_ocr`: the command `attention-ocr`."""

import sys

from attention_ocr.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
