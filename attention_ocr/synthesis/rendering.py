"""Renderer: an image and its text as a pure function of settings and index."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from absl import logging

from attention_ocr.synthesis.backgrounds import colorize, draw_background, draw_slope
from attention_ocr.synthesis.chance import below, between, happens, pick
from attention_ocr.synthesis.colors import Color, Palette, draw_natural_palette, draw_palette
from attention_ocr.synthesis.effects import (
    cast_shadow,
    measure_strokes,
    paint,
    photograph,
    thicken,
)
from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.synthesis.layout import lay_out
from attention_ocr.synthesis.lines import Line, cut_out, set_line
from attention_ocr.synthesis.looks import LOOKS, Look, parse_looks
from attention_ocr.synthesis.painting import paint_layout
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.texts import TextSampler
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typeface_choice import FaceChooser, SizedFace
from attention_ocr.synthesis.typesetting import Typesetter
from attention_ocr.text.bidi import drawn_characters

FILE_NAME = re.compile(r"[0-9]{9,}\.(png|jpg)")
"""Names of the image files of a rendered data set: the index with at least nine digits."""
_MAX_TEXT_DRAWS = 1000
_PRINTED = ("", "paint", "paper")
"""Surfaces of typeset text."""


class RenderingError(ValueError):
    """An image that cannot be rendered, though others of the same settings can."""


class Renderer:
    """Renders texts.

    One renderer may serve several threads, and it pickles, so that processes can share the work:
    image and text depend only on the settings, the index and the installed fonts.

    Args:
        config: The settings.
        faces: Faces to use instead of those of `config.fonts`.

    Raises:
        ImportError: If texts may run right to left and the extra `rtl` is not installed.
        OSError: If there is no font file, or the word list cannot be read.
        ValueError: If no text obeys the settings, or no face shows the texts.

    Example:
        >>> image, text = Renderer(SynthesisConfig(fonts="bundled")).render(0)
        >>> image.dtype, image.shape[2]
        (dtype('uint8'), 3)
    """

    def __init__(self, config: SynthesisConfig, faces: Sequence[Face] | None = None) -> None:
        self.config = config
        self._sampler = TextSampler(config)
        self.characters = self._sampler.producible_characters()
        faces = find_faces(config.fonts) if faces is None else faces
        self._looks = [LOOKS[name] for name in parse_looks(config.look)]
        self._choosers = {
            look: FaceChooser(
                faces, self.characters, config.difficulty, config.height, config.seed, look
            )
            for look in dict.fromkeys(self._looks)
        }
        self._typesetter = Typesetter()

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces in use."""
        return self._choosers[self._looks[0]].faces

    def render(self, index: int) -> tuple[np.ndarray, str]:
        """Render one image.

        Args:
            index: Index of the image, 0 or more; the same index gives the same image.

        Returns:
            The image, uint8 RGB `[H, W, 3]`, and its text, empty for an image without one.

        Raises:
            RenderingError: If this image cannot be rendered; the message names seed and index.
            ValueError: If the index is negative, or no face shows any of many texts.
        """
        if index < 0:
            raise ValueError(f"Expected an index of at least 0. Received: {index}")
        rng = np.random.default_rng((self.config.seed, index))
        # A single look draws no random number, so that its images stay those of earlier releases.
        look = self._looks[0] if len(self._looks) == 1 else pick(rng, self._looks)
        try:
            text, sized_face = self._draw_text(rng, index, look)
        except OSError as error:
            raise self._failure(index, error) from error
        try:
            return self._render_text(rng, look, text, *sized_face)
        except MemoryError:
            raise
        except Exception as error:
            raise self._failure(index, error) from error

    def _failure(self, index: int, error: Exception) -> RenderingError:
        return RenderingError(
            f"Image {index} of seed {self.config.seed} cannot be rendered: "
            f"{type(error).__name__}: {error}"
        )

    def _render_text(
        self, rng: np.random.Generator, look: Look, text: str, face: Face, size: int
    ) -> tuple[np.ndarray, str]:
        written = self._draw_ligatures(rng, look, face, text)
        if look.surface:
            image, is_written = self._render_scene(rng, look, written, face, size)
            return image, text if is_written else ""
        other_text = None
        if happens(rng, 0.2 * self.config.difficulty):
            candidate = self._sampler.draw(rng)
            if self._choosers[look].shows(face, drawn_characters(candidate)):
                other_text = candidate
        line = set_line(
            rng,
            self._typesetter,
            face,
            size,
            written,
            other_text,
            self.config.difficulty,
            self.config.height,
            look,
        )
        # A share of 0 draws no random number, so that an unused option changes no image.
        if self.config.textless and happens(rng, self.config.textless):
            return self._compose(rng, line, look, written=False), ""
        return self._compose(rng, line, look, written=True), text

    def generate(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[np.ndarray, str]]:
        """Yield rendered images in the order of their index.

        An image that cannot be rendered is left out with a warning.

        Args:
            start: First index.
            stop: Index after the last; `None` never ends.

        Yields:
            What `render` returns.
        """
        index = start
        while stop is None or index < stop:
            try:
                yield self.render(index)
            except RenderingError as error:
                logging.warning("left out: %s", error)
            index += 1

    def __iter__(self) -> Iterator[tuple[np.ndarray, str]]:
        return self.generate()

    def _draw_text(self, rng: np.random.Generator, index: int, look: Look) -> tuple[str, SizedFace]:
        """Draw a text and a face that shows it."""
        for _ in range(_MAX_TEXT_DRAWS):
            text = self._sampler.draw(rng)
            sized_face = self._choosers[look].choose(rng, index, text)
            if sized_face is not None:
                return text, sized_face
        raise ValueError(
            f"Expected a face that shows all characters of a text. Received: {len(self.faces)} "
            f"faces, none for any of {_MAX_TEXT_DRAWS} texts, the last {text!r}"
        )

    def _draw_ligatures(self, rng: np.random.Generator, look: Look, face: Face, text: str) -> str:
        """Return the text as it is set, half of the time with the ligatures of its face."""
        if look.surface not in _PRINTED:
            return text
        written = self._choosers[look].set_ligatures(face, text)
        # Texts without ligatures draw no random number, so that their images stay the same.
        return written if written != text and happens(rng, 0.5) else text

    def _render_scene(
        self, rng: np.random.Generator, look: Look, text: str, face: Face, size: int
    ) -> tuple[np.ndarray, bool]:
        """Render a text with its surroundings; also return whether it is written at all."""
        shows = self._choosers[look].shows
        drawn = [self._sampler.draw_caption(rng) for _ in range(2)]
        others = [other for other in drawn if shows(face, drawn_characters(other))]
        layout = lay_out(
            rng,
            self._typesetter,
            face,
            size,
            text,
            others,
            self.config.difficulty,
            self.config.height,
            look,
            spaced=" " not in self.config.characters,
        )
        ghost = None
        if others and happens(rng, look.ghosted * self.config.difficulty):
            ghost, _ = self._typesetter.set_text(face, size, others[0])
        written = not (self.config.textless and happens(rng, self.config.textless))
        image = paint_layout(rng, layout, look, self.config.difficulty, ghost, written)
        return image, written

    def _compose(
        self, rng: np.random.Generator, line: Line, look: Look, written: bool
    ) -> np.ndarray:
        """Crop the line, colour it and apply camera effects, with the text or without."""
        difficulty = self.config.difficulty
        height = line.box[3]
        outline = 0
        if happens(rng, 0.15 * difficulty):
            outline = 1 + below(rng, max(1, round(0.07 * height)))
        margins = self._draw_margins(rng, line, look, outline)
        ink = cut_out(line.ink, line.box, margins)
        strokes = measure_strokes(ink)
        if look.natural_colors:
            palette = draw_natural_palette(rng, strokes.strength)
        else:
            palette = draw_palette(rng, difficulty, strokes.strength)
        image = draw_background(rng, difficulty, ink.shape, palette)
        if not written:
            return photograph(rng, image, difficulty, height, strokes, palette, look)
        fill: Color | np.ndarray = palette.text
        if happens(rng, 0.15 * difficulty):
            colors = (palette.text, palette.draw_text_color(rng, 0.7))
            fill = colorize(draw_slope(rng, ink.shape), colors)
        if line.surroundings is not None:
            image = paint(image, cut_out(line.surroundings, line.box, margins), fill)
        image = self._decorate(rng, image, ink, outline, height, palette)
        image = paint(image, ink, fill)
        return photograph(rng, image, difficulty, height, strokes, palette, look)

    def _decorate(
        self,
        rng: np.random.Generator,
        image: np.ndarray,
        ink: np.ndarray,
        outline: int,
        height: int,
        palette: Palette,
    ) -> np.ndarray:
        """Paint shadow and outline, in colours as far from the text as the background."""
        if happens(rng, 0.25 * self.config.difficulty):
            reach = max(1, round(0.1 * height))
            shift_x, shift_y = below(rng, 2 * reach + 1) - reach, below(rng, 2 * reach + 1) - reach
            softness = between(rng, 0.4, 0.06 * height + 0.4) if happens(rng, 0.6) else 0.0
            shadow = cast_shadow(ink, shift_x, shift_y, softness, between(rng, 0.4, 1.0))
            image = paint(image, shadow, palette.draw_ground(rng, 1.0))
        if outline:
            image = paint(image, thicken(ink, outline), palette.draw_ground(rng, 1.0))
        return image

    def _draw_margins(
        self, rng: np.random.Generator, line: Line, look: Look, outline: int
    ) -> tuple[int, int, int, int]:
        """Draw the margins to the left, above, to the right and below, in pixels."""
        _, _, width, height = line.box
        scale = min(height, self.config.height)
        nearest, widest = look.margins
        if nearest < 0:
            least = outline + nearest * scale
        else:
            least = 1 + outline + 0.12 * (1.0 - self.config.difficulty) * scale
        most = least + (widest + (0.0 if line.surroundings is None else 0.3)) * scale
        left, above, right, under = (int(between(rng, least, most)) for _ in range(4))
        # A crop of a single `l` is at least a quarter as wide as high.
        narrow = max(0, round(0.25 * height) - width - left - right)
        return left + narrow // 2, above, right + narrow - narrow // 2, under
