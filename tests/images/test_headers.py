import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from attention_ocr.images import headers
from attention_ocr.images.headers import ImageHeader, ImageLimits, read_header
from tests import hostile_images, tiny_model
from tests.effort import lines_run


def noise(width, height, mode="RGB", seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_the_size_of_a_png(mode):
    image = Image.new(mode, (7, 5))
    assert read_header(saved(image, "PNG")) == ImageHeader("PNG", 7, 5, 35)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_the_size_of_a_bmp(mode):
    assert read_header(saved(noise(7, 5, mode), "BMP")) == ImageHeader("BMP", 7, 5, 35)


def test_a_bmp_from_top_to_bottom_has_a_height_below_zero():
    content = bytearray(saved(noise(7, 5), "BMP"))
    struct.pack_into("<i", content, 22, -5)
    assert read_header(bytes(content)) == ImageHeader("BMP", 7, 5, 35)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_the_size_of_a_jpeg(mode):
    content = saved(noise(70, 50, mode), "JPEG")
    assert read_header(content) == ImageHeader("JPEG", 70, 50, 3500, scans=1)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}])
def test_the_size_of_a_webp(options):
    content = saved(noise(70, 50), "WEBP", **options)
    assert read_header(content) == ImageHeader("WEBP", 70, 50, 3500)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_the_size_of_a_tiff(mode):
    image = Image.new(mode, (7, 5))
    expected = ImageHeader("TIFF", 7, 5, 35)
    assert read_header(saved(image, "TIFF")) == expected
    assert read_header(saved(image, "TIFF", big_tiff=True)) == expected


def test_a_tiff_with_huge_tiles_takes_their_pixels():
    sizes = {256: 7, 257: 5, 322: 60_000, 323: 50_000}
    tags = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sizes.items()]
    content = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(tags)
    assert read_header(content) == ImageHeader("TIFF", 7, 5, 3_000_000_000)


def test_the_size_of_an_avif():
    assert read_header(saved(noise(70, 50), "AVIF")) == ImageHeader("AVIF", 70, 50, 3500)


def test_the_size_of_a_bmp_with_the_oldest_header():
    content = b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 7, 5, 1, 24)
    assert read_header(content) == ImageHeader("BMP", 7, 5, 35)


def test_a_limit_above_what_is_ever_decoded_is_refused():
    assert ImageLimits(max_image_pixels=2**25).max_image_pixels == 2**25
    with pytest.raises(ValueError, match="must be at most 33554432, .* Received: 50000000"):
        ImageLimits(max_image_pixels=50_000_000)


def test_a_progressive_jpeg_goes_over_its_pixels_several_times():
    content = saved(noise(70, 50), "JPEG", progressive=True)
    assert read_header(content) == ImageHeader("JPEG", 70, 50, 3500, scans=10)


def test_a_thumbnail_or_a_trailer_is_not_the_image():
    thumbnail = saved(noise(6, 4), "JPEG")
    exif = Image.Exif()
    exif[0x9286] = thumbnail
    content = saved(noise(70, 50), "JPEG", exif=exif)
    assert thumbnail in content
    assert read_header(content + thumbnail * 200) == ImageHeader("JPEG", 70, 50, 3500, scans=1)


def test_all_frames_of_a_gif_count():
    frames = [noise(7, 5, seed=seed) for seed in range(3)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=2)
    assert read_header(content) == ImageHeader("GIF", 7, 5, 105)
    alone = saved(frames[0], "GIF")
    assert read_header(alone) == ImageHeader("GIF", 7, 5, 35)
    # A screen without columns is as wide as the frame on it, and as tall as it says.
    tall = alone[:6] + struct.pack("<HH", 0, 65535) + alone[10:]
    assert read_header(tall) == ImageHeader("GIF", 7, 65535, 7 * 65535)
    with Image.open(io.BytesIO(tall)) as image:
        image.load()
        assert image.size == (7, 65535)
    content = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert read_header(content) == ImageHeader("WEBP", 7, 5, 105)


@pytest.mark.parametrize(
    "content", tiny_model.files(7, ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "AVIF"))
)
def test_a_file_cut_anywhere_is_no_error(content):
    for length in range(min(len(content), 700)):
        read_header(content[:length])


@pytest.mark.parametrize("content", [b"", b"\x00", b"RIFF\x00\x00\x00\x00WEBP", b"%PDF-1.4", b"GI"])
def test_another_format_has_no_header(content):
    assert read_header(content) is None
    assert ImageLimits().refusal(content) is None


def png_of(width, height):
    content = bytearray(saved(noise(3, 3), "PNG"))
    struct.pack_into(">II", content, 16, width, height)
    return bytes(content)


def test_what_announces_too_many_pixels_is_refused_whatever_its_size():
    limits = ImageLimits(max_image_pixels=1_000_000)
    assert limits.refusal(png_of(1000, 1000)) is None
    assert limits.refusal(png_of(1001, 1000)) == ("image of 1001x1000 pixels, the limit is 1000000")
    assert "65535" in limits.refusal(png_of(2**16 - 1, 2**16 - 1))


def test_a_file_of_too_many_bytes_is_refused():
    limits = ImageLimits(max_image_bytes=10)
    assert limits.refusal(b"x" * 10) is None
    assert limits.refusal(b"x" * 11) == "image of 11 bytes, the limit is 10"


def test_frames_that_add_up_to_too_much_are_refused():
    frames = [noise(7, 5, seed=seed) for seed in range(3)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=2)
    assert ImageLimits(max_image_pixels=105).refusal(content) is None
    assert ImageLimits(max_image_pixels=104).refusal(content) == (
        "image of 7x5 pixels (105 in all frames), the limit is 104"
    )


def test_a_large_png_that_holds_its_pixels_and_no_more_is_welcome():
    image = Image.new("RGB", (4000, 4000), (200, 10, 30))
    content = saved(image, "PNG", icc_profile=bytes(3_000_000))
    assert read_header(content) == ImageHeader("PNG", 4000, 4000, 16_000_000)
    pixels = noise(700, 500)
    assert ImageLimits().refusal(saved(pixels, "PNG", compress_level=0)) is None


@pytest.mark.parametrize(
    ("form", "mode", "options", "num_bytes"),
    [
        ("PNG", "RGB", {}, 5 * (1 + 7 * 3)),
        ("PNG", "RGBA", {}, 5 * (1 + 7 * 4)),
        ("PNG", "1", {}, 5 * (1 + 1)),
        ("PNG", "I;16", {}, 5 * (1 + 7 * 2)),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}, 5 * 7 * 3),
        ("TIFF", "L", {}, 5 * 7),
        ("TIFF", "LA", {}, 5 * 7 * 2),
        ("TIFF", "I;16", {}, 5 * 7 * 2),
        ("TIFF", "RGBA", {"big_tiff": True}, 5 * 7 * 4),
        ("WEBP", "RGB", {"lossless": True}, 5 * 7 * 4),
        ("GIF", "P", {}, 5 * 7),
        ("BMP", "RGB", {}, 0),
        ("JPEG", "RGB", {}, 0),
    ],
)
def test_what_a_file_unpacks_to_is_known_by_its_header(form, mode, options, num_bytes):
    content = saved(Image.new(mode, (7, 5)), form, **options)
    assert read_header(content).unpacked_bytes == num_bytes
    if num_bytes:
        assert ImageLimits(max_unpacked_bytes=num_bytes).refusal(content) is None
        assert ImageLimits(max_unpacked_bytes=num_bytes - 1).refusal(content) == (
            f"image of 7x5 pixels that unpacks to {num_bytes} bytes, the limit is "
            f"max_unpacked_bytes={num_bytes - 1}: raise it, or shrink the image"
        )


def test_bits_of_a_tiff_that_stand_beyond_its_end_are_no_image():
    content = bytearray(saved(Image.new("RGB", (7, 5)), "TIFF"))
    place = content.index(struct.pack("<HHI", 258, 3, 3))
    struct.pack_into("<I", content, place + 8, 2**31)
    assert read_header(bytes(content)) is None
    assert ImageLimits().refusal(bytes(content)) is None


@pytest.mark.parametrize(("depth", "colour_type"), [(8, 2), (8, 6), (16, 2), (16, 6)])
def test_a_png_is_limited_by_its_rows_with_all_channels_and_depth(depth, colour_type):
    channels = {2: 3, 6: 4}[colour_type]
    row = bytes(1 + 3000 * channels * depth // 8)
    height = ImageLimits().max_unpacked_bytes // len(row)
    data = zlib.compress(row * height)
    largest = hostile_images.png(3000, height, data, depth, colour_type=colour_type)
    assert ImageLimits().refusal(largest) is None
    taller = hostile_images.png(3000, height + 1, data, depth, colour_type=colour_type)
    assert "max_unpacked_bytes=16777216" in ImageLimits().refusal(taller)


def test_a_png_that_unpacks_to_more_than_its_pixels_is_refused_at_once():
    def refusal(size):
        content = hostile_images.png(90, 32, hostile_images.zeros(size))
        return lines_run(lambda: ImageLimits().refusal(content))

    reason, lines = refusal(64 << 20)
    assert reason is None
    for size in (1 << 30, 1 << 31):
        reason, lines_of_more = refusal(size)
        assert reason == "image of 90x32 pixels that unpacks to more"
        assert lines_of_more <= lines


def test_comments_that_unpack_to_too_much_are_refused():
    comment = (b"zTXt", b"Comment\0\0" + hostile_images.zeros(9 << 20))
    few, many = (hostile_images.png(90, 32, b"", 8, *[comment] * count) for count in (8, 9))
    assert ImageLimits().refusal(few) is None
    assert ImageLimits().refusal(many) == "image whose comments may unpack to over 67108864 bytes"


def test_what_may_be_decoded_tells_how_many_pixels_it_takes():
    limits = ImageLimits(max_image_pixels=100)
    assert limits.judge(png_of(10, 10)) == (None, 100)
    assert limits.judge(png_of(10, 11))[1] == 0
    assert limits.judge(b"no image") == (None, 0)


def jpeg_with_scans(num_scans):
    content = saved(noise(70, 50), "JPEG", progressive=True)
    end = content.rindex(b"\xff\xd9")
    scan = content[content.rindex(b"\xff\xda") : end]
    return content[:end] + scan * (num_scans - 10) + content[end:]


def test_a_jpeg_of_endless_scans_is_refused():
    assert read_header(jpeg_with_scans(30)).scans == 30
    assert ImageLimits().refusal(jpeg_with_scans(headers.MAX_JPEG_SCANS)) is None
    assert (
        ImageLimits().refusal(jpeg_with_scans(5000))
        == f"image with over {headers.MAX_JPEG_SCANS} scans"
    )


@pytest.mark.parametrize(
    ("start", "part", "parts"),
    [
        (b"\xff\xd8", b"\xff\xfe\x00\x02", "segments"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00!\xfe", b"\x01a", "blocks"),
        (
            b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0" + bytes(10),
            b"ANIM\0\0\0\0",
            "chunks",
        ),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17), b"\0\0\0\0tEXt\0\0\0\0", "chunks"),
    ],
    ids=["JPEG", "GIF", "WebP", "PNG"],
)
def test_a_file_of_endless_parts_is_refused_at_once(start, part, parts):
    def refusal(count):
        content = start + part * count
        return lines_run(lambda: ImageLimits().refusal(content))

    reason, lines = refusal(200_000)
    assert reason == f"image of over 100000 {parts}"
    assert refusal(400_000) == (reason, lines)


def test_fill_bytes_before_a_marker_are_skipped():
    content = saved(noise(7, 5), "JPEG")
    place = content.index(b"\xff\xc0")
    filled = content[:place] + b"\xff" * 1000 + content[place:]
    assert read_header(filled) == ImageHeader("JPEG", 7, 5, 35)


@pytest.mark.parametrize("behind", [b"\x00", b"\xd0", b""])
def test_endless_fill_bytes_take_no_effort(behind):
    content = saved(noise(7, 5), "JPEG")
    scan = content[: content.index(b"\xff\xda") + 14]
    few, many = (scan + b"\xff" * count + behind for count in (2**10, 2**20))
    assert read_header(many) in (ImageHeader("JPEG", 7, 5, 35), None)
    assert lines_run(lambda: read_header(many)) == lines_run(lambda: read_header(few))


@pytest.mark.parametrize("name", ["max_image_bytes", "max_image_pixels", "max_unpacked_bytes"])
def test_a_limit_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must be above 0. Received: 0"):
        ImageLimits(**{name: 0})
