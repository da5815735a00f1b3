"""Train a recogniser: python train.py --work_dir=runs/mine --train_data=words/labels.tsv.

The same as `attention-ocr train`; --help lists its flags.
"""

from attention_ocr.cli.train import COMMAND

if __name__ == "__main__":
    COMMAND.main("train.py")
