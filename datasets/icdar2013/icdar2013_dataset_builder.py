"""ICDAR 2013, focused scene text, task 2.3: cropped words."""

from attention_ocr.data.tfds.layouts import IcdarWords, icdar_instructions


class Builder(IcdarWords):
    """Reads the ground truth files of the competition."""

    HOMEPAGE = "https://rrc.cvc.uab.es/?ch=2"
    TRAIN = ("Challenge2_Training_Task3_Images_GT", "gt.txt")
    TEST = ("Challenge2_Test_Task3_Images", "Challenge2_Test_Task3_GT.txt")
    MANUAL_DOWNLOAD_INSTRUCTIONS = icdar_instructions(TRAIN, TEST)
