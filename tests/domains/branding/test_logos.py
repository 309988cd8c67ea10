"""Pictures are taken for what they are, written anew, and never unpacked beyond what they may be."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from domains.logos import MOST_BYTES, BadPicture, Kind, read_picture
from tests.domains.branding import pictures
from tests.domains.branding.pictures import chunk, jpeg, png, riff, segment, webp

WEBP_STILL = webp()


def why(raw: bytes) -> str:
    with pytest.raises(BadPicture) as refused:
        read_picture(raw)
    return refused.value.why


@pytest.mark.parametrize(
    ("raw", "kind", "size"),
    [
        (png(40, 12), Kind.PNG, (40, 12)),
        (jpeg(8, 8), Kind.JPEG, (8, 8)),
        (jpeg(8, 8, parts=3), Kind.JPEG, (8, 8)),
        (webp(30, 20), Kind.WEBP, (30, 20)),
    ],
    ids=["png", "jpeg", "jpeg in colours", "webp"],
)
def test_a_picture_is_known_by_what_it_is(raw: bytes, kind: Kind, size: tuple[int, int]) -> None:
    picture = read_picture(raw)
    assert (picture.kind, (picture.width, picture.height)) == (kind, size)
    assert read_picture(picture.content) == picture  # what was written is a picture, and stays the same


def test_a_picture_s_pixels_stay_and_everything_else_goes() -> None:
    note = chunk(b"tEXt", b"Comment\0<script>alert(1)</script>") + chunk(b"eXIf", b"II*\0 51.5N")
    picture = read_picture(png(6, 3, extra=note, behind=b"PK\x03\x04 another file"))
    assert picture.content == read_picture(png(6, 3)).content
    for secret in (b"script", b"51.5N", b"PK\x03\x04"):
        assert secret not in picture.content


def test_a_jpeg_keeps_no_comment_place_or_second_file() -> None:
    hidden = segment(0xFE, b"<?php evil()?>") + segment(0xE1, b"Exif\0\0 51.5N")
    picture = read_picture(jpeg(extra=hidden, behind=b"<html><script>alert(1)</script>"))
    assert not any(secret in picture.content for secret in (b"php", b"51.5N", b"script"))
    assert picture.content.startswith(b"\xff\xd8\xff\xe0\x00\x10JFIF\0") and picture.content.endswith(b"\xff\xd9")


def test_a_webp_keeps_its_picture_alone() -> None:
    picture = read_picture(webp(3, 2, (b"EXIF", b"51.5N"), (b"XMP ", b"<script>")) + b"%PDF-1.7")
    assert picture.content == WEBP_STILL


def test_a_lossy_webp_keeps_its_transparency() -> None:
    frame = (0).to_bytes(3, "little") + b"\x9d\x01\x2a" + struct.pack("<HH", 3, 2)
    raw = riff((b"VP8X", b"\x1c" + bytes(9)), (b"ICCP", b"profile"), (b"ALPH", b"\0abcdef"), (b"VP8 ", frame))
    picture = read_picture(raw)
    assert b"ALPH" in picture.content and b"ICCP" not in picture.content
    assert picture.content[12:30] == b"VP8X\x0a\0\0\0\x10\0\0\0\x02\0\0\x01\0\0"


@pytest.mark.parametrize("raw", [pictures.SVG, b"\xef\xbb\xbf  " + pictures.SVG, pictures.HTML, b"\x1f\x8b\x08 svgz"])
def test_an_svg_is_refused_whatever_stands_before_it(raw: bytes) -> None:
    assert why(raw) == "svg"


@pytest.mark.parametrize("raw", [b"", b"GIF89a", b"%PDF-1.7", b"BM", b"\0\0\0\x1cftypavif", b"RIFF\0\0\0\0WAVE", b"MZ"])
def test_other_files_are_refused(raw: bytes) -> None:
    assert why(raw) == "unknown"


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    raw = pictures.bomb()
    assert len(raw) < MOST_BYTES
    tracemalloc.start()
    assert why(raw) == "damaged"
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_bounds_of_bytes_sides_and_pixels() -> None:
    assert why(png() + bytes(MOST_BYTES)) == "large"
    assert why(png(2_049, 1)) == "pixels"
    assert why(jpeg(60_000, 60_000)) == "pixels"
    assert why(webp(2_000, 2_000)) == "pixels"
    assert read_picture(png(2_048, 488)).width == 2_048


def test_what_moves_or_is_in_the_colours_of_print_is_refused() -> None:
    assert why(riff((b"VP8X", b"\x02" + bytes(9)), (b"ANIM", bytes(6)), (b"ANMF", bytes(16)))) == "animated"
    assert why(jpeg(parts=4)) == "colours"


@pytest.mark.parametrize(
    "raw",
    [
        png()[:-20],
        png().replace(b"IDAT", b"IDAX"),  # its checksum is wrong
        png(pixels=bytes(7)),  # fewer rows than the header says
        png(pixels=bytes(400)),  # more
        png(pixels=b"\x09" + bytes(12) + b"\0" + bytes(12)),  # a filter that there isn't
        png(depth=5),
        png(interlaced=2),
        png(0, 5),
        png(extra=chunk(b"EVIL", b"must be understood")),
        jpeg()[:-8],
        jpeg(scans=101),
        jpeg().replace(b"\xff\xc0", b"\xff\xc9"),  # arithmetic coding
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\xff\xff",
        webp()[:-4],
        riff((b"VP8L", b"\x2f")),
        riff((b"VP8 ", bytes(10))),
        riff((b"VP8L", pictures.lossless()), (b"VP8L", pictures.lossless())),
        riff(),
    ],
)
def test_a_damaged_picture_is_refused(raw: bytes) -> None:
    assert why(raw) == "damaged"


@given(st.data())
def test_no_bytes_make_the_readers_stumble(data: st.DataObject) -> None:
    """Only a picture or BadPicture, also where a right picture has wrong bytes in it."""
    raw = bytearray(data.draw(st.sampled_from([png(), jpeg(), jpeg(parts=3), WEBP_STILL])))
    for _change in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(2, len(raw) - 1))
        raw[place] = data.draw(st.integers(0, 255))
    try:
        picture = read_picture(bytes(raw) + data.draw(st.binary(max_size=20)))
    except BadPicture:
        return
    assert picture.width * picture.height <= 1_000_000


def test_interlaced_rows_are_counted_pass_by_pass() -> None:
    sizes = [(1, 1), (1, 1), (2, 1), (1, 2), (3, 1), (2, 3), (5, 2)]  # columns and rows of 5 × 5, Adam7
    rows = b"".join((b"\0" + bytes(3 * columns)) * count for columns, count in sizes)
    assert read_picture(png(5, 5, pixels=rows, interlaced=1)).height == 5
    assert why(png(5, 5, pixels=rows + b"\0", interlaced=1)) == "damaged"


@pytest.mark.browser
def test_a_browser_draws_what_was_written(chromium: Browser) -> None:
    page = chromium.new_page()
    for raw in (png(40, 12), jpeg(8, 8)):
        picture = read_picture(raw)
        size = page.evaluate(
            """async ([bytes, type]) => {
                const made = await createImageBitmap(new Blob([new Uint8Array(bytes)], {type}));
                return [made.width, made.height];
            }""",
            [list(picture.content), picture.kind.value],
        )
        assert size == [picture.width, picture.height]
    page.close()


def test_a_packed_picture_is_no_larger_than_it_must_be() -> None:
    stored = zlib.compress(b"".join(b"\0" + b"\x1d\x4e\xd8" * 200 for _row in range(200)), 0)
    head = struct.pack(">IIBBBBB", 200, 200, 8, 2, 0, 0, 0)
    raw = pictures.SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")
    assert len(read_picture(raw).content) < len(raw) / 50
