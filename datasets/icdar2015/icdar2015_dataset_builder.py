"""ICDAR 2015, incidental scene text, task 4.3: cropped words."""

from attention_ocr.data.tfds.layouts import IcdarWords, icdar_instructions


class Builder(IcdarWords):
    """Reads the ground truth files of the competition."""

    HOMEPAGE = "https://rrc.cvc.uab.es/?ch=4"
    TRAIN = ("ch4_training_word_images_gt", "gt.txt")
    TEST = ("ch4_test_word_images_gt", "Challenge4_Test_Task3_GT.txt")
    MANUAL_DOWNLOAD_INSTRUCTIONS = icdar_instructions(TRAIN, TEST)
