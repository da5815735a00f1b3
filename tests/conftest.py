"""Two logical processors for every test, so that training on several devices can be tested."""

from pathlib import Path

import pytest
import tensorflow as tf

import attention_ocr
from attention_ocr.inference.reader import Reader, load
from tests import tiny_model

# Must be set before TensorFlow is initialized.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of a tiny model; not to be changed."""
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def export(work_dir: Path) -> Path:
    """Version 1 of its export; not to be changed."""
    return attention_ocr.export(work_dir, work_dir / "export")


@pytest.fixture(scope="session")
def reader(export: Path) -> Reader:
    """A reader of the export."""
    return load(export)
