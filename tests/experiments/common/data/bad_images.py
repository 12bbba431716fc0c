"""Image files of every kind that users may have, intact and not, made in a moment."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

# 9 columns of 6 rows: red, green and blue ramps.
PIXELS = np.stack(
  np.broadcast_arrays(
    np.arange(9) * 28, np.arange(6)[:, None] * 51, np.full((6, 9), 77)
  ),
  axis=2,
).astype(np.uint8)
GREY = PIXELS[:, :, 0]
ALPHA = np.where(np.arange(9) < 4, 0, 255)[None].repeat(6, axis=0).astype(np.uint8)


def _encode(image, kind, **options):
  buffer = io.BytesIO()
  image.save(buffer, kind, **options)
  return buffer.getvalue()


def _png(pixels, **options):
  return _encode(Image.fromarray(pixels), "PNG", **options)


def png(width, height, depth, colour, rows):
  """A PNG by hand, for what Pillow does not write, or should not trust."""

  def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

  header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
  return (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", header)
    + chunk(b"IDAT", zlib.compress(rows))
    + chunk(b"IEND", b"")
  )


def _rows(values):
  """Big-endian 16-bit scan lines without a filter."""
  return b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)


def _rotated():
  exif = Image.Exif()
  exif[0x0112] = 6
  # Lossless, so that pixels can be compared.
  return _png(np.rot90(PIXELS), exif=exif)


def intact():
  """`{name: (bytes, RGB, alpha or None, largest difference)}`."""
  rgb = Image.fromarray(PIXELS)
  wide = PIXELS.astype(np.uint16) * 257
  frames = [rgb.convert("P"), Image.fromarray(255 - PIXELS).convert("P")]
  gif = _encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
  grey = np.repeat(GREY[:, :, None], 3, axis=2)
  two = np.where(GREY > 100, 255, 0).astype(np.uint8)
  bits = _encode(Image.fromarray(two).convert("1"), "PNG")
  palette = rgb.quantize(60)
  palette_rgb = np.asarray(palette.convert("RGB"))
  clear_palette = _encode(palette, "PNG", transparency=0)
  clear = np.where(np.asarray(palette) == 0, 0, 255)
  flat = Image.new("CMYK", (9, 6), (0, 255, 255, 0))
  return {
    "rgb.png": (_encode(rgb, "PNG"), PIXELS, None, 0),
    "photo.JPG": (_encode(rgb, "JPEG", quality=98, subsampling=0), PIXELS, None, 6),
    "cmyk.jpg": (_encode(flat, "JPEG", quality=98), [[[255, 0, 0]]], None, 3),
    "rotated.png": (_rotated(), PIXELS, None, 0),
    "grey.png": (_png(GREY), grey, None, 0),
    "grey16.png": (png(9, 6, 16, 0, _rows(wide[:, :, 0])), grey, None, 0),
    "dark16.png": (png(9, 6, 16, 0, _rows(wide[:, :, 0] // 257)), 0 * grey, None, 1),
    "rgb16.png": (png(9, 6, 16, 2, _rows(wide.reshape(6, 27))), PIXELS, None, 0),
    "bits.png": (bits, two[:, :, None], None, 0),
    "one.png": (_png(PIXELS[:1, 1:2]), PIXELS[:1, 1:2], None, 0),
    "animated.gif": (gif, np.asarray(frames[0].convert("RGB")), None, 0),
    "alpha.png": (_png(np.dstack([PIXELS, ALPHA])), PIXELS, ALPHA, 0),
    "la.png": (_png(np.dstack([GREY, ALPHA])), grey, ALPHA, 0),
    "palette.png": (_encode(palette, "PNG"), palette_rgb, None, 0),
    "clear_palette.png": (clear_palette, palette_rgb, clear, 0),
  }


def broken():
  """`{name: bytes}`; `None` stands for a folder."""
  jpeg = _encode(Image.fromarray(PIXELS).resize((90, 60)), "JPEG", quality=98)
  whole = _png(PIXELS)
  damaged = bytearray(whole)
  damaged[whole.index(b"IDAT") + 8] ^= 255
  return {
    "truncated.jpg": jpeg[: len(jpeg) // 2],
    "truncated.png": whole[: len(whole) // 2],
    "damaged.png": bytes(damaged),
    "text.png": b"Not an image, whatever its name says.\n",
    "empty.png": b"",
    "folder.png": None,
    "bomb.png": png(60000, 60000, 8, 2, b"\0" * 1000),
    # Beyond the limit, but below where Pillow refuses.
    "large.png": png(10000, 10000, 8, 2, b"\0" * 1000),
    "float.tif": _encode(Image.fromarray(GREY.astype(np.float32) / 255), "TIFF"),
  }


def write(folder, files):
  """Writes `{name: bytes or tuple that begins with them}` into a new folder."""
  folder.mkdir()
  for name, content in files.items():
    content = content[0] if isinstance(content, tuple) else content
    if content is None:
      (folder / name).mkdir()
    else:
      (folder / name).write_bytes(content)
  return folder
