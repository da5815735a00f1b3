"""Evaluate a recogniser on a whole data set: python eval.py --model=runs/mine.

The same as `attention-ocr evaluate`; --help lists its flags.
"""

from attention_ocr.cli.evaluate import COMMAND

if __name__ == "__main__":
    COMMAND.main("eval.py")
