"""Wheels, and environments that hold one of them and what it needs."""

import os
from pathlib import Path

import pytest

from release.distributions import LITE, WHOLE
from release.wheels import build_wheel
from tests.release.environments import make_environment


@pytest.fixture(scope="session")
def wheel_of(tmp_path_factory):
    """The wheel of a distribution: of the folder in WHEELS, or built now."""

    def find(name: str) -> Path:
        given = os.environ.get("WHEELS")
        if given is None:
            return build_wheel(name, tmp_path_factory.mktemp("wheels"), isolated=False)
        (wheel,) = Path(given).resolve().glob(f"{name.replace('-', '_')}-[0-9]*.whl")
        return wheel

    return find


@pytest.fixture(scope="session")
def lite(wheel_of, tmp_path_factory):
    """The distribution without TensorFlow, with what its server needs."""
    return make_environment(tmp_path_factory.mktemp("lite"), f"{wheel_of(LITE)}[serving]")


@pytest.fixture(scope="session")
def whole(wheel_of, tmp_path_factory):
    """The whole toolkit, with what its server needs."""
    return make_environment(tmp_path_factory.mktemp("whole"), f"{wheel_of(WHOLE)}[serving]")
