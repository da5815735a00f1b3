import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr.data.sources import open_source

LABELS_FILE = Path(__file__).parents[2] / "datasets" / "labels_file"


@pytest.mark.slow
# TFDS 4.9 asks the protobuf that Beam keeps below 7 in a way that this deprecates.
@pytest.mark.filterwarnings("ignore:label\\(\\) is deprecated:DeprecationWarning")
def test_the_command_tfds_build_prepares_a_data_set_of_the_repository(tmp_path):
    # The extra `tfds`: the command imports both before it looks at a name.
    pytest.importorskip("apache_beam")
    pytest.importorskip("mlcroissant")
    program = "from tensorflow_datasets.scripts.cli.main import launch_cli; launch_cli()"
    options = [f"--manual_dir={LABELS_FILE / 'dummy_data'}", f"--data_dir={tmp_path}"]
    result = subprocess.run(
        [sys.executable, "-c", program, "build", *options],
        cwd=LABELS_FILE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    source = open_source(f"tfds:labels_file,data_dir={tmp_path}")
    assert sorted(source.labels()) == ["", "one", "two words", "été"]
