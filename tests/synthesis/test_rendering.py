import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from attention_ocr.synthesis import lines, rendering
from attention_ocr.synthesis.effects import measure_strokes as strokes
from attention_ocr.synthesis.rendering import Renderer, RenderingError
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.texts import part_of
from tests.synthesis.rendered import digest, fail_on_sevens

EVERY_KIND = ("words", "numbers", "mixed", "prices", "punctuated", "random")


@pytest.fixture
def make(faces):
    return lambda **settings: Renderer(SynthesisConfig(fonts="bundled", **settings), faces)


def test_images_are_rgb_bytes_of_about_the_requested_height(make):
    for height in (24, 64):
        heights, aspects = [], []
        for image, text in make(height=height, difficulty=0.8).generate(0, 100):
            assert image.dtype == np.uint8
            assert image.shape[2] == 3
            assert image.flags["C_CONTIGUOUS"]
            heights.append(image.shape[0])
            aspects.append(image.shape[1] / image.shape[0] / len(text))
        assert 0.8 * height < np.median(heights) < 1.5 * height
        assert max(heights) < 3 * height
        assert 0.3 < np.median(aspects) < 0.8


def test_an_image_depends_on_seed_and_index_alone(make):
    renderer = make(seed=5)
    forward = [renderer.render(index) for index in range(30)]
    backward = [make(seed=5).render(index) for index in (29, 3, 17)]
    assert digest(backward) == digest([forward[index] for index in (29, 3, 17)])
    assert digest(renderer.generate(10, 20)) == digest(forward[10:20])
    assert digest(make(seed=6).generate(0, 30)) != digest(forward)
    assert len({digest([example]) for example in forward}) == 30


def test_threads_and_pickled_copies_render_the_same(make):
    renderer = make(difficulty=1.0)
    expected = [digest([example]) for example in renderer.generate(0, 120)]
    shared = make(difficulty=1.0)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda index: digest([shared.render(index)]), range(120)))
    assert found == expected
    copy = pickle.loads(pickle.dumps(renderer))
    assert [digest([example]) for example in copy.generate(0, 40)] == expected[:40]


@pytest.mark.parametrize("look", ["any", "documents"])
def test_print_has_ligatures_and_labels_have_none(make, look, tmp_path, monkeypatch):
    (tmp_path / "words.txt").write_text("fig\nofficer\nflag\n", encoding="utf-8")
    name = "lay_out" if look == "documents" else "set_line"
    draw, written = getattr(rendering, name), []

    def keep_text(rng, typesetter, face, size, text, *others, **options):
        written.append(text)
        return draw(rng, typesetter, face, size, text, *others, **options)

    monkeypatch.setattr(rendering, name, keep_text)
    words = str(tmp_path / "words.txt")
    renderer = make(kinds=("words",), words_file=words, case="keep", look=look, max_length=8)
    labels = [text for _, text in renderer.generate(0, 40)]
    assert set(labels) == {"fig", "officer", "flag"}
    assert {"\ufb01g", "o\ufb03cer", "fig", "officer"} <= set(written)


def test_codes_on_plates_have_no_ligatures(make, monkeypatch):
    chooser = "attention_ocr.synthesis.typeface_choice.FaceChooser.set_ligatures"
    monkeypatch.setattr(chooser, lambda *_: pytest.fail("a plate has letters"))
    for _ in make(kinds=("words",), case="lower", look="plates").generate(0, 20):
        pass


def test_another_process_renders_the_same():
    config = SynthesisConfig(fonts="bundled", difficulty=0.7, seed=11)
    code = f"""
import hashlib
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
state = hashlib.sha256()
for image, text in Renderer({config!r}).generate(300, 340):
    state.update(f"{{image.shape}} {{text}}\\n".encode())
    state.update(image.tobytes())
print(state.hexdigest())
"""
    output = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    ).stdout
    assert output.strip() == digest(Renderer(config).generate(300, 340))


def test_iteration_starts_at_the_first_image(make):
    examples = iter(make())
    assert digest([next(examples), next(examples)]) == digest(make().generate(0, 2))


def test_texts_of_the_parts_are_apart(make):
    settings = {"kinds": ("words", "numbers"), "max_length": 5}
    train = {text for _, text in make(part="train", **settings).generate(0, 150)}
    held_out = {text for _, text in make(part="eval", **settings).generate(0, 150)}
    assert {part_of(text) for text in train} == {"train"}
    assert {part_of(text) for text in held_out} == {"eval"}


@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_the_whole_text_lies_inside_the_image(make, monkeypatch, difficulty):
    lines, cuts = [], []

    def keep_line(*args):
        lines.append(real_set_line(*args))
        return lines[-1]

    def keep_cut(mask):
        cuts.append(mask)
        return real_measure(mask)

    real_set_line, real_measure = rendering.set_line, rendering.measure_strokes
    monkeypatch.setattr(rendering, "set_line", keep_line)
    monkeypatch.setattr(rendering, "measure_strokes", keep_cut)
    renderer = make(difficulty=difficulty, kinds=EVERY_KIND)
    for index in range(150):
        image, text = renderer.render(index)
        line, ink = lines[-1], cuts[-1]
        assert ink.shape == image.shape[:2]
        assert ink.sum() == line.ink.sum() > 0, text
        assert max(ink[0].max(), ink[-1].max(), ink[:, 0].max(), ink[:, -1].max()) == 0, text


def test_difficulty_0_is_clean_dark_text_on_one_light_gray(make):
    for image, text in make(difficulty=0.0, kinds=EVERY_KIND).generate(0, 100):
        assert (image[..., 0] == image[..., 1]).all()
        assert (image[..., 0] == image[..., 2]).all()
        gray = image[..., 0].astype(int)
        ground = gray[0, 0]
        assert (np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]]) == ground).all()
        assert (gray <= ground).all()
        # Thin strokes cover a pixel in part only.
        assert ground - gray.min() > 90, text
        assert (gray == ground).mean() > 0.3, text


def test_difficulty_changes_the_images_step_by_step(make):
    def roughness(difficulty):
        values = [
            np.abs(np.diff(image[:2].astype(int), axis=1)).mean()
            for image, _ in make(difficulty=difficulty).generate(0, 120)
        ]
        return np.mean(values)

    assert 0 == roughness(0.0) < roughness(0.4) < roughness(1.0)


def test_different_texts_look_different(plain_face, monkeypatch):
    config = SynthesisConfig(kinds=("random",), difficulty=0.0)
    renderer = Renderer(config, [plain_face])
    looks = {}
    for text in [*config.characters.replace("|", ""), "rn", "m", "cl", "d", "ab", "ba"]:
        monkeypatch.setattr(renderer._sampler, "draw", lambda _, text=text: text)
        looks[text] = digest([(renderer.render(0)[0], "")])
    assert len(set(looks.values())) >= len(looks) - 1


def test_images_without_a_text_have_an_empty_label_and_no_ink(make):
    examples = list(make(difficulty=0.0, textless=1.0).generate(0, 10))
    assert [text for _, text in examples] == [""] * 10
    # At difficulty 0 the ground is one gray; any other pixel would be ink.
    assert all(np.ptp(image) <= 2 for image, _ in examples)


def test_words_on_signs_are_bolder_and_fill_the_image(make, monkeypatch):
    shares = {}
    for look in ("any", "signs"):
        inks = []
        monkeypatch.setattr(
            rendering, "measure_strokes", lambda ink, inks=inks: inks.append(ink) or strokes(ink)
        )
        list(make(look=look, difficulty=0.9, kinds=("words",), min_length=4).generate(0, 80))
        shares[look] = np.median([ink.mean() / 255 for ink in inks])
    assert shares["signs"] > 1.3 * shares["any"]


@pytest.mark.parametrize("look", ["signs", "irregular"])
def test_words_of_a_look_depend_on_seed_and_index_alone(make, look):
    first = [make(look=look, seed=2).render(index) for index in range(10)]
    assert digest(make(look=look, seed=2).generate(0, 10)) == digest(first)
    assert digest(make(look="any", seed=2).generate(0, 10)) != digest(first)


def test_irregular_words_run_on_arcs(make, monkeypatch):
    angles = {"signs": [], "irregular": []}
    for look, found in angles.items():
        monkeypatch.setattr(
            lines, "bend_mask", lambda ink, angle, found=found: found.append(angle) or ink
        )
        list(make(look=look, difficulty=1.0, kinds=("words",), min_length=4).generate(0, 200))
    assert len(angles["irregular"]) > 1.5 * len(angles["signs"]) > 0
    assert max(map(abs, angles["signs"])) <= 1.2 < max(map(abs, angles["irregular"])) <= 1.9


def test_a_share_of_the_images_has_no_text(make):
    texts = [text for _, text in make(textless=0.25).generate(0, 200)]
    assert 30 <= texts.count("") <= 70


def test_only_faces_that_cover_a_text_set_it(faces, monkeypatch):
    asked = []

    def keep(self, face, size, text, spacing=0.0, lifts=()):
        asked.append((face, text))
        return real_set_text(self, face, size, text, spacing, lifts)

    real_set_text = rendering.Typesetter.set_text
    monkeypatch.setattr(rendering.Typesetter, "set_text", keep)
    config = SynthesisConfig(
        kinds=("random",), characters="abcXYZ019äßéŁœ€žğ", difficulty=1.0, fonts="bundled"
    )
    renderer = Renderer(config, faces)
    for index in range(200):
        renderer.render(index)
    assert len(asked) > 200
    assert len({face for face, _ in asked}) > 10
    for face, text in asked:
        assert face.covered(text) == set(text)


def test_all_announced_characters_are_rendered(make):
    renderer = make(kinds=("numbers", "mixed"), characters="0123456789abc", case="lower")
    assert renderer.characters == "0123456789abc"
    texts = {text for _, text in renderer.generate(0, 200)}
    assert set("".join(texts)) == set(renderer.characters)


def test_characters_that_no_font_has_are_named(make):
    with pytest.raises(ValueError, match="cover all characters .* none of which has '中'"):
        make(kinds=("random",), characters="ab中")


def test_a_negative_index_is_refused(make):
    with pytest.raises(ValueError, match="Received: -1"):
        make().render(-1)


def test_texts_of_mixed_scripts_without_a_face_are_refused(make_font):
    bar, tee = [(100, 0, 200, 700)], [(250, 0, 350, 700), (100, 600, 500, 700)]
    fonts = [make_font("One", {"a": bar, "b": tee}), make_font("Two", {"c": bar, "d": tee})]
    found = [face for path in fonts for face in rendering.find_faces(str(path))]
    config = SynthesisConfig(kinds=("random",), characters="abcd", min_length=16)
    with pytest.raises(ValueError, match="Received: 2 faces, none for any of 1000 texts"):
        Renderer(config, found).render(0)


def test_importing_leaves_global_settings_alone():
    code = (
        "import cv2; cv2.setNumThreads(3);"
        "import attention_ocr.synthesis.rendering;"
        "assert cv2.getNumThreads() == 3"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_image_that_cannot_be_rendered_is_named_and_left_out(make, monkeypatch, caplog):
    renderer = make(kinds=("numbers",), max_length=3, seed=8)
    whole = list(renderer.generate(0, 60))
    bad = [index for index, (_, text) in enumerate(whole) if "7" in text]
    fail_on_sevens(monkeypatch)
    with pytest.raises(RenderingError, match=f"^Image {bad[0]} of seed 8 cannot be rendered: Type"):
        renderer.render(bad[0])
    found = list(renderer.generate(0, 60))
    assert digest(found) == digest(example for example in whole if "7" not in example[1])
    assert 0 < len(bad) == caplog.text.count("left out: Image ")


def test_a_font_that_has_gone_fails_the_image_alone(make_font):
    bar = [(200, 0, 300, 700)]
    path = make_font("Gone", {"I": bar, "ж": [*bar, (300, 0, 600, 100)]})
    config = SynthesisConfig(kinds=("random",), characters="ж", case="lower", fonts=str(path))
    renderer = Renderer(config)
    path.unlink()
    with pytest.raises(RenderingError, match="Image 3 of seed 0 cannot be rendered: OSError"):
        renderer.render(3)
    assert list(renderer.generate(0, 3)) == []
