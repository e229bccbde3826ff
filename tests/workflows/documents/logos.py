from __future__ import annotations

import struct
import zlib

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 120 40">'
    b'<defs><linearGradient id="shade"><stop stop-color="#0f766e"/></linearGradient>'
    b'<clipPath id="inside"><use xlink:href="#shape"/></clipPath><circle id="shape" cx="20" cy="20" r="18"/></defs>'
    b"<style>.word { fill: url(#shade) }</style>"
    b'<g clip-path="url(#inside)"><use href="#shape" fill="url( \'#shade\' )"/></g>'
    b'<path class="word" d="M50 12h60v6h-60z"/></svg>'
)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))


def png(width: int = 12, height: int = 4, *, pixels: bytes | None = None) -> bytes:
    rows = b"".join(b"\0" + b"\x0f\x76\x6e" * width for _ in range(height)) if pixels is None else pixels
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


PNG = png()
