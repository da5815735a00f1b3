from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.synthesis.typeface import Face

Boxes = list[tuple[int, int, int, int]]
FontMaker = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def font_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the cache of these tests apart from that of whoever runs them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTENTION_OCR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def faces(font_cache: Path) -> tuple[Face, ...]:
    assert font_cache.is_dir()
    return find_faces("bundled")


@pytest.fixture
def plain_face(faces: tuple[Face, ...]) -> Face:
    return next(face for face in faces if Path(face.path).name == "Roboto-Regular.ttf")


@pytest.fixture
def make_font(tmp_path: Path) -> FontMaker:
    """Return a function that writes a font of boxes: left, bottom, right, top of each."""

    def make(
        name: str,
        glyphs: Mapping[str, Boxes],
        missing: Boxes = (),
        advances: Mapping[str, int] | None = None,
    ) -> Path:
        names = {character: f"u{ord(character):05X}" for character in glyphs}
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder([".notdef", *names.values()])
        builder.setupCharacterMap({ord(character): names[character] for character in glyphs})
        shapes = {".notdef": missing, **{names[c]: boxes for c, boxes in glyphs.items()}}
        drawn = {}
        for glyph, boxes in shapes.items():
            pen = TTGlyphPen(None)
            for left, bottom, right, top in boxes:
                pen.moveTo((left, bottom))
                pen.lineTo((left, top))
                pen.lineTo((right, top))
                pen.lineTo((right, bottom))
                pen.closePath()
            drawn[glyph] = pen.glyph()
        builder.setupGlyf(drawn)
        metrics = dict.fromkeys(shapes, (600, 0))
        metrics |= {names[c]: (advance, 0) for c, advance in (advances or {}).items()}
        builder.setupHorizontalMetrics(metrics)
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": name, "styleName": "Regular"})
        builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
        builder.setupPost()
        path = tmp_path / f"{name}.ttf"
        builder.save(path)
        return path

    return make
