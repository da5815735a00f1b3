"""The renderer: a picture and its text as a pure function of settings and index."""

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from attention_ocr.synthesis.backgrounds import colorize, draw_background, draw_slope
from attention_ocr.synthesis.chance import below, between, happens, pick
from attention_ocr.synthesis.colors import Palette, draw_palette
from attention_ocr.synthesis.effects import cast_shadow, paint, photograph, thicken
from attention_ocr.synthesis.faces import Face, first_missing, visible_characters
from attention_ocr.synthesis.fonts import find_faces
from attention_ocr.synthesis.geometry import bend_mask, draw_view, view_mask
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.texts import TextSampler
from attention_ocr.synthesis.typesetting import Typesetter, open_font

_MAX_TEXT_DRAWS = 1000
_FACE_DRAWS = 8
# Cut out along their ink, these look like their other case or like another mark: `s` and `S`,
# a comma and an apostrophe. Room above and below tells them apart, as a line of text would.
_AMBIGUOUS = frozenset("cosuvwxzCOSUVWXZ0")


class Renderer:
    """Renders texts.

    One renderer may serve several threads. It pickles, so that processes can share the work:
    picture and text depend on the settings, the index and the installed fonts alone.

    Args:
        config: The settings.
        faces: Faces to use instead of those that `config.fonts` finds.

    Raises:
        OSError: If there is no font file, or the word list cannot be read.
        ValueError: If no text or no face obeys the settings.

    Example:
        >>> image, text = Renderer(SynthesisConfig(fonts="bundled")).render(0)
        >>> image.dtype, image.shape[2]
        (dtype('uint8'), 3)
    """

    def __init__(self, config: SynthesisConfig, faces: Sequence[Face] | None = None) -> None:
        self.config = config
        self._sampler = TextSampler(config)
        self._typesetter = Typesetter()
        self._coverage = self._find_coverage(find_faces(config.fonts) if faces is None else faces)
        families: dict[str, list[Face]] = {}
        for face in self._coverage:
            families.setdefault(face.family, []).append(face)
        self._families = tuple(tuple(members) for members in families.values())
        # Characters above Latin-1 are looked at when a face first comes up: a face of thousands of
        # characters would hold up the start.
        self._inspected: dict[Face, frozenset[str]] = {}

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces in use."""
        return tuple(self._coverage)

    @property
    def characters(self) -> str:
        """Characters that can occur in the texts, sorted."""
        return self._sampler.producible_characters()

    def render(self, index: int) -> tuple[np.ndarray, str]:
        """Render one picture.

        Args:
            index: Which one, 0 or more; the same index gives the same picture.

        Returns:
            The picture, uint8 RGB `[H, W, 3]`, and its text.

        Raises:
            ValueError: If the index is negative, or no face covers the texts.
        """
        if index < 0:
            raise ValueError(f"Expected an index of at least 0. Received: {index}")
        rng = np.random.default_rng((self.config.seed, index))
        text, face = self._draw_text(rng)
        ink, surroundings = self._set_line(rng, text, face)
        return self._compose(rng, ink, surroundings), text

    def generate(
        self, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[np.ndarray, str]]:
        """Render one picture after the other.

        Args:
            start: First index.
            stop: Index after the last; None never ends.

        Yields:
            What `render` returns.
        """
        index = start
        while stop is None or index < stop:
            yield self.render(index)
            index += 1

    def __iter__(self) -> Iterator[tuple[np.ndarray, str]]:
        return self.generate()

    def _find_coverage(self, faces: Sequence[Face]) -> dict[Face, frozenset[str]]:
        wanted = self._sampler.producible_characters()
        coverage = {face: face.covered(wanted) for face in faces}
        missing = frozenset(wanted).difference(*coverage.values())
        if missing:
            raise ValueError(
                "Expected fonts that cover all characters of the texts. "
                f"Received: none has {''.join(sorted(missing))!r} (fonts={self.config.fonts})"
            )
        return {face: covered for face, covered in coverage.items() if covered - {" "}}

    def _draw_text(self, rng: np.random.Generator) -> tuple[str, Face]:
        """Draw a text and a face that covers it."""
        for _ in range(_MAX_TEXT_DRAWS):
            text = self._sampler.draw(rng)
            characters = frozenset(text)
            for _ in range(_FACE_DRAWS):
                # Families first: one of twelve styles is no likelier than one of a single style.
                face = pick(rng, pick(rng, self._families))
                if self._covered(face).issuperset(characters):
                    return text, face
            faces = [face for face in self._coverage if self._covered(face) >= characters]
            if faces:
                return text, pick(rng, faces)
        raise ValueError(
            "Expected faces that cover whole texts. Received: none covers any of "
            f"{_MAX_TEXT_DRAWS} texts, the last {text!r} (fonts={self.config.fonts})"
        )

    def _covered(self, face: Face) -> frozenset[str]:
        """Return the characters that a face shows, less those above Latin-1 that leave no ink."""
        inspected = self._inspected.get(face)
        if inspected is None:
            covered = self._coverage[face]
            doubtful = [character for character in covered if ord(character) > 0xFF]
            if doubtful:
                font = open_font(face, self.config.height)
                code_points = [*map(ord, face.covered(map(chr, range(0x10FFF0, 0x110000))))]
                shown = visible_characters(font, doubtful, first_missing(code_points))
                covered = covered - set(doubtful) | shown.keys()
            inspected = self._inspected[face] = covered
        return inspected

    def _set_line(
        self, rng: np.random.Generator, text: str, face: Face
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Set a text and give it its shape.

        Returns:
            The mask of the text; and that of other text around it, of the same shape, or None.
        """
        config = self.config
        difficulty = config.difficulty
        size_factor = math.exp(between(rng, -0.1 - 0.3 * difficulty, 0.1 + 0.15 * difficulty))
        ink_height = 0.78 * config.height * size_factor
        size = max(8, round(ink_height / max(0.4, face.estimate_ink_height(text))))
        spacing, lifts = 0.0, ()
        if len(text) > 1 and happens(rng, 0.3 * difficulty):
            # Sign writers spread letters far more often than they press them together.
            spacing = size * between(rng, -0.04, 0.1 if happens(rng, 0.7) else 0.5) * difficulty
        ink, baseline = self._typesetter.set_text(face, size, text, spacing, lifts)
        keeps_box = all(not c.isalnum() or c in _AMBIGUOUS for c in text)
        if keeps_box:
            ink = _show_line(ink, baseline, round(face.cap_height * size))
        surroundings = None
        if happens(rng, 0.2 * difficulty):
            ink, surroundings = self._add_neighbours(rng, ink, face, size, spacing)
        elif happens(rng, 0.15 * difficulty):
            ink = bend_mask(ink, between(rng, -1.2, 1.2) * difficulty)
        if difficulty > 0:
            view = draw_view(rng, difficulty, ink.shape, 1.5 * config.height)
            ink = view_mask(ink, view)
            if surroundings is not None:
                surroundings = view_mask(surroundings, view)
        return ink, surroundings

    def _add_neighbours(
        self, rng: np.random.Generator, ink: np.ndarray, face: Face, size: int, spacing: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Put other lines above or below, and other words before or after, as crops catch them."""
        height, width = ink.shape
        margin = max(4, int(0.7 * size))
        padded = cv2.copyMakeBorder(ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
        around = np.zeros_like(padded)
        gap = max(2, int(size * between(rng, 0.08, 0.2)))
        place = below(rng, 4)
        other = self._sampler.draw(rng)
        if not self._covered(face).issuperset(other):
            return padded, around
        line, _ = self._typesetter.set_text(face, size, other, spacing)
        if place < 2:
            start = below(rng, max(1, padded.shape[1] // 2))
            line = line[:, : padded.shape[1] - start]
            rows = min(line.shape[0], margin - gap)
            columns = slice(start, start + line.shape[1])
            if place == 0:
                around[margin - gap - rows : margin - gap, columns] = line[line.shape[0] - rows :]
            else:
                below_text = margin + height + gap
                around[below_text : below_text + rows, columns] = line[:rows]
        else:
            gap = max(3, int(0.3 * size))
            columns_left = min(line.shape[1], margin - gap)
            rows = min(line.shape[0], height)
            band = slice(margin + height - rows, margin + height)
            if place == 2:
                piece = line[:rows, line.shape[1] - columns_left :]
                around[band, margin - gap - columns_left : margin - gap] = piece
            else:
                after = margin + width + gap
                around[band, after : after + columns_left] = line[:rows, :columns_left]
        return padded, around

    def _compose(
        self, rng: np.random.Generator, ink: np.ndarray, surroundings: np.ndarray | None
    ) -> np.ndarray:
        """Cut the picture to size, colour it and photograph it."""
        difficulty = self.config.difficulty
        left, top, width, height = cv2.boundingRect(ink)
        outline = 0
        if happens(rng, 0.15 * difficulty):
            outline = 1 + below(rng, max(1, round(0.07 * height)))
        margins = self._draw_margins(rng, height, width, outline, surroundings is not None)
        box = (left, top, width, height)
        ink = _cut_out(ink, box, margins)
        palette = draw_palette(rng, difficulty)
        image = draw_background(rng, difficulty, ink.shape, palette)
        fill: np.ndarray | tuple[float, float, float] = palette.text
        if happens(rng, 0.15 * difficulty):
            slope = draw_slope(rng, ink.shape)
            fill = colorize(slope, (palette.text, palette.draw_text_color(rng, 0.7)))
        if surroundings is not None:
            image = paint(image, _cut_out(surroundings, box, margins), fill)
        image = self._decorate(rng, image, ink, outline, height, palette)
        image = paint(image, ink, fill)
        return photograph(rng, image, difficulty, float(height), palette)

    def _decorate(
        self,
        rng: np.random.Generator,
        image: np.ndarray,
        ink: np.ndarray,
        outline: int,
        height: int,
        palette: Palette,
    ) -> np.ndarray:
        """Paint shadow and outline, whose colours keep off the text's as the background's do."""
        difficulty = self.config.difficulty
        if happens(rng, 0.25 * difficulty):
            reach = max(1, round(0.1 * height))
            shift_x, shift_y = below(rng, 2 * reach + 1) - reach, below(rng, 2 * reach + 1) - reach
            softness = between(rng, 0.4, 0.06 * height + 0.4) if happens(rng, 0.6) else 0.0
            shadow = cast_shadow(ink, shift_x, shift_y, softness, between(rng, 0.4, 1.0))
            image = paint(image, shadow, palette.draw_ground(rng, 1.0))
        if outline:
            image = paint(image, thicken(ink, outline), palette.draw_ground(rng, 1.0))
        return image

    def _draw_margins(
        self, rng: np.random.Generator, height: int, width: int, outline: int, is_crowded: bool
    ) -> tuple[int, int, int, int]:
        """Draw the room left, above, right and below of the ink, in pixels."""
        difficulty = self.config.difficulty
        scale = min(height, self.config.height)
        least = 1 + outline
        most = (0.6 if is_crowded else 0.3) * scale
        margins = [
            least + int(between(rng, 0.12 * (1.0 - difficulty) * scale, most)) for _ in range(4)
        ]
        # A crop of one letter is no thinner than a quarter of its height, one of a dash no lower.
        spare = max(0, round(0.5 * self.config.height) - height - margins[1] - margins[3])
        narrow = max(0, round(0.25 * height) - width - margins[0] - margins[2])
        margins[0] += narrow // 2
        margins[2] += narrow - narrow // 2
        margins[1] += spare // 2
        margins[3] += spare - spare // 2
        return margins[0], margins[1], margins[2], margins[3]


def _show_line(ink: np.ndarray, baseline: int, cap_height: int) -> np.ndarray:
    """Mark the height of the line with the faintest ink, so that cutting out keeps it."""
    above = max(0, cap_height - baseline)
    under = max(0, baseline - ink.shape[0])
    if not above and not under:
        return ink
    return cv2.copyMakeBorder(ink, above, under, 0, 0, cv2.BORDER_CONSTANT)


def _cut_out(
    mask: np.ndarray, box: tuple[int, int, int, int], margins: tuple[int, int, int, int]
) -> np.ndarray:
    """Cut a box with margins out of a mask; outside the mask there is no ink."""
    left, top, width, height = box
    before, above, after, under = margins
    height_of_mask, width_of_mask = mask.shape
    inner = mask[
        max(0, top - above) : top + height + under, max(0, left - before) : left + width + after
    ]
    return cv2.copyMakeBorder(
        inner,
        max(0, above - top),
        max(0, top + height + under - height_of_mask),
        max(0, before - left),
        max(0, left + width + after - width_of_mask),
        cv2.BORDER_CONSTANT,
    )
