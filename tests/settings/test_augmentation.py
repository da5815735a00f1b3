import doctest

import pytest

from attention_ocr.settings import augmentation
from attention_ocr.settings.augmentation import OPS, AugmentationConfig, Policy, parse_policy


def test_the_example_in_the_docstring_is_true():
    results = doctest.testmod(augmentation)
    assert (results.failed, results.attempted) == (0, 1)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", Policy((), 0)),
        ("default", Policy(OPS, 3)),
        ("default,num_ops=5", Policy(OPS, 5)),
        ("jpeg", Policy(("jpeg",), 1)),
        ("jpeg+curve+jpeg", Policy(("curve", "jpeg"), 2)),
    ],
)
def test_a_policy_is_parsed(policy, expected):
    assert parse_policy(policy) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augmentation": "jpg"}, "must be 'default', or some of affine, .*Received: 'jpg'"),
        ({"augmentation": "jpeg,num_ops=2"}, "from 1 to 1. Received: '2'"),
        ({"augmentation": "default,num_ops=0"}, "from 1 to 18. Received: '0'"),
        ({"augmentation": "default,num_ops=x"}, "Received: 'x'"),
        ({"augmentation": ",num_ops=1"}, "Received: '1'"),
        ({"augmentation_strength": 1.5}, "from 0 to 1. Received: 1.5"),
        ({"join_words": 1.0}, "below 1. Received: 1.0"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AugmentationConfig(**settings)
