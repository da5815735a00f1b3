import sys

import pytest

from attention_ocr.settings.decoder import DecoderConfig
from attention_ocr.settings.model import ENCODERS, ModelConfig
from attention_ocr.settings.registries import PLACE, Registry

PARTS = Registry("parts", "part", {"mapping": "collections:UserDict"}, base="collections:UserDict")
FUNCTIONS = Registry("functions", "way", {"join": "os.path:join"})


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module with a part, on the search path."""
    name = "module_of_parts"
    (tmp_path / f"{name}.py").write_text(
        "import collections\n\n\nclass Part(collections.UserDict):\n    pass\n\n\nnumber = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def install(folder, distribution, group, **places):
    """Write what `pip` leaves of a distribution with entry points."""
    information = folder / f"{distribution}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\n")
    lines = [f"{name} = {place}" for name, place in places.items()]
    (information / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")


@pytest.fixture
def installed(tmp_path_factory, monkeypatch):
    """A folder of installed distributions, with one that declares a part."""
    folder = tmp_path_factory.mktemp("installed")
    install(folder, "parts-of-others", "attention_ocr.parts", other="module_of_parts:Part")
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.mark.usefixtures("installed")
def test_iterating_yields_the_names_of_the_package():
    assert list(PARTS) == ["mapping"]
    assert len(PARTS) == 1
    assert "mapping" in PARTS
    assert "other" not in PARTS


@pytest.mark.usefixtures("installed")
def test_names_of_entry_points_follow_those_of_the_package():
    assert PARTS.names() == ("mapping", "other")
    assert FUNCTIONS.names() == ("join",)


@pytest.mark.usefixtures("installed")
def test_a_name_an_entry_point_and_a_place_are_imported(module):
    import collections

    assert PARTS.resolve("mapping") is collections.UserDict
    for name in ("other", f"{module}:Part"):
        PARTS.check(name)
        assert PARTS.resolve(name).__name__ == "Part"
        assert PARTS.place(name) == f"{module}:Part"
    assert PARTS.place("mapping") == "mapping"


@pytest.mark.usefixtures("installed")
def test_nothing_is_imported_to_check_a_name(module):
    for name in ("other", f"{module}:Part", "no_such_package.module:Part"):
        PARTS.check(name)
    assert module not in sys.modules


@pytest.mark.usefixtures("installed")
def test_an_unknown_name_lists_the_choices():
    for name in ("othr", "no_colon.module", ":Part", "module:", "a module:Part", "a:b:c"):
        with pytest.raises(ValueError, match="`part` must be `package.module:Class`, or one of ma"):
            PARTS.check(name)
    with pytest.raises(ValueError, match="mapping, other. Received: 'othr'"):
        PARTS.resolve("othr")
    with pytest.raises(ValueError, match="package.module:function`, or one of join. Rec"):
        FUNCTIONS.check("split")


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("no_such_package.module:Part", ImportError, "needs the module no_such_package: install"),
        ("module_of_parts.inner:Part", ImportError, "needs the module module_of_parts.inner"),
        ("module_of_parts:Prat", ValueError, "must name a class of the module module_of_parts"),
        ("module_of_parts:number", ValueError, "must name a subclass of collections.UserDict"),
        ("os:system", ValueError, "must name a subclass of collections.UserDict. Rec.*'os:system'"),
    ],
)
def test_what_cannot_be_imported_says_why(place, error, message):
    with pytest.raises(error, match=message):
        PARTS.resolve(place)


def test_a_place_that_is_not_a_function_is_refused(module):
    with pytest.raises(ValueError, match="`way` must name a function"):
        FUNCTIONS.resolve(f"{module}:number")


def test_an_import_that_a_plugin_itself_lacks_keeps_its_message(tmp_path, monkeypatch):
    (tmp_path / "lacking_plugin.py").write_text("import a_package_that_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="^No module named 'a_package_that_it_needs'"):
        PARTS.resolve("lacking_plugin:Part")


def test_a_name_that_two_distributions_give_to_different_parts_is_refused(installed):
    install(installed, "more-parts", "attention_ocr.parts", other="elsewhere:Part")
    sys.path.append(str(installed / "a change of the path"))
    try:
        with pytest.raises(ValueError, match="write one of elsewhere:Part, module_of_parts:P"):
            PARTS.place("other")
    finally:
        sys.path.pop()


def test_settings_keep_the_place_of_an_entry_point(tmp_path, monkeypatch):
    install(tmp_path, "encoders-of-others", ENCODERS.group, mine="of.others:Encoder")
    monkeypatch.syspath_prepend(tmp_path)
    assert ModelConfig(encoder="mine").encoder == "of.others:Encoder"
    assert ModelConfig(encoder="vgg").encoder == "vgg"
    assert DecoderConfig(decoder="of.others:Decoder").decoder == "of.others:Decoder"


def test_every_part_of_the_package_stands_at_its_place():
    from attention_ocr.data.sources import DATA_READERS
    from attention_ocr.settings.augmentation import AUGMENTATION_OPS, OPS
    from attention_ocr.settings.decoder import ATTENTIONS, DECODERS
    from attention_ocr.settings.formats import EXPORT_FORMATS, FORMATS
    from attention_ocr.settings.model import SEQUENCE_CELLS

    registries = (ENCODERS, SEQUENCE_CELLS, ATTENTIONS, DECODERS)
    for registry in (*registries, DATA_READERS, AUGMENTATION_OPS, FORMATS):
        for name in registry:
            assert PLACE.fullmatch(registry.built_in[name])
            registry.resolve(name)
    assert tuple(AUGMENTATION_OPS) == OPS
    assert tuple(FORMATS) == EXPORT_FORMATS
