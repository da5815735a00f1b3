"""Pin the requirements of the containers, with hashes: `python -m release.pins` (needs uv)."""

import subprocess
import sys

from release.distributions import LITE, ROOT, WHOLE, lite_pyproject, whole_pyproject

FOLDER = ROOT / "containers" / "requirements"
PYTHON = "3.12"
"""The Python of the containers."""

# 1.3 is for Python below 3.11 only, and uv takes no notice of upper bounds of Python.
BOUNDS = ("backports-strenum<1.3",)
EXTRAS = {LITE: ("onnx", "serving"), WHOLE: ("lmdb", "onnx", "quantize", "remote", "serving")}


def requirements() -> dict[str, list[str]]:
    """Return what each container needs, by the name of its file."""
    whole = whole_pyproject(None)
    needs = {}
    for name, document in ((WHOLE, whole), (LITE, lite_pyproject(whole))):
        project = document["project"]
        needs[name] = [*project["dependencies"], *BOUNDS]
        for extra in EXTRAS[name]:
            needs[name] += project["optional-dependencies"][extra]
    with_gpu = [
        entry.replace("tensorflow>=", "tensorflow[and-cuda]>=", 1) for entry in needs[WHOLE]
    ]
    return {
        "reader": needs[LITE],
        "training": needs[WHOLE],
        "training-gpu": with_gpu,
        "build": [*whole["build-system"]["requires"], "build>=1.2"],
    }


def main() -> None:
    """Write the files."""
    for name, entries in requirements().items():
        command = ["uv", "pip", "compile", "-", "--quiet", "--generate-hashes", "--no-annotate"]
        command += ["--no-header", "--python-version", PYTHON, "--python-platform", "linux"]
        target = FOLDER / f"{name}.txt"
        command += ["--upgrade", "--output-file", str(target)]
        result = subprocess.run(command, input="\n".join(entries), text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{target} was not written.")
        print(target)


if __name__ == "__main__":
    main()
