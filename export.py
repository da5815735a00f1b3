"""Export a recogniser: python export.py --model=runs/mine --export_dir=served/mine.

The same as `attention-ocr export`; --help lists its flags.
"""

from attention_ocr.cli.export import COMMAND

if __name__ == "__main__":
    COMMAND.main("export.py")
