#!/bin/sh
# A QR code of text outside ASCII is in a character set that the library chooses, and bytes are announced as "binary".
#
# Versions: zxing-cpp 3.1.1 and segno 1.6.6 from PyPI, CPython 3.11.7. Seen on 29 November 2026.
#
# A SEPA code says in its third line that it is UTF-8. Drawn from a str it is not:
#
#                     zxing-cpp                                    segno
#   René              one byte for é, ISO 8859-1, unannounced      the same
#   Łódź              ISO 8859-2, behind an ECI segment (000004)   UTF-8, unannounced
#   5 €               ISO 8859-7, Greek, behind a segment (000009)  UTF-8, unannounced
#
# Handing zxing-cpp the bytes, to be sure, adds a segment that says "binary" (ECI 000899) also to plain ASCII. It
# does not show: `symbology_identifier` of what was made, and of what was read, says ]Q1, which means no ECI; `bytes` leaves
# it out; only the text mode HexECI of its reader tells ]Q2. Scanners of banks need not know ECI, and EPC069-12 does not
# ask it of them.
#
# Why it matters here: core/payees/code_drawings.py draws ASCII only, which comes out the same by all ways and without a
# segment, and what goes into codes is written in Latin letters before; tests/core/qr_reader.py reads every segment.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
"$python" -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: --target "$folder" \
    zxing-cpp==3.1.1 segno==1.6.6 2>"$folder/pip" || {
    cat "$folder/pip"
    exit 1
}
PYTHONPATH=$folder "$python" - <<'PYTHON'
import segno
import zxingcpp

QR = zxingcpp.BarcodeFormat.QRCode


def by_zxing(content):
    code = zxingcpp.create_barcode(content, QR, ec_level="M")
    assert code.symbology_identifier == "]Q1", code.symbology_identifier
    return code.to_image(scale=4)


def by_segno(content):
    """As a picture that the reader takes: rows of bytes, 0 is dark."""
    code, scale = segno.make(content, error="m", micro=False), 4
    rows = [bytes(0 if dark else 255 for dark in row for _ in range(scale)) for row in code.matrix_iter(border=4)]
    pixels = b"".join(row * scale for row in rows)
    return memoryview(pixels).cast("B", (len(rows) * scale, len(rows) * scale))


def read(picture):
    """The ECI segment and the bytes."""
    plain = zxingcpp.read_barcode(picture)
    assert plain.symbology_identifier == "]Q1", plain.symbology_identifier
    whole = bytes.fromhex(zxingcpp.read_barcode(picture, text_mode=zxingcpp.TextMode.HexECI).text)
    if whole.startswith(b"]Q2\\"):
        assert whole[10:] == plain.bytes
        return whole[4:10].decode(), plain.bytes
    assert whole == b"]Q1" + plain.bytes
    return "", plain.bytes


EXPECTED = [
    (by_zxing, "Rene", "", "ascii"),
    (by_zxing, "René", "", "iso8859-1"),
    (by_zxing, "Łódź", "000004", "iso8859-2"),
    (by_zxing, "5 €", "000009", "iso8859-7"),
    (by_segno, "Rene", "", "ascii"),
    (by_segno, "René", "", "iso8859-1"),
    (by_segno, "Łódź", "", "utf-8"),
    (by_segno, "5 €", "", "utf-8"),
]
for draw, text, segment, encoding in EXPECTED:
    found = read(draw(text))
    print(f"{draw.__name__} {text!r}: ECI {found[0] or 'none'}, {found[1]!r}")
    assert found == (segment, text.encode(encoding)), (draw.__name__, text)
for text in ("Rene", "Łódź"):
    found = read(by_zxing(text.encode()))
    print(f"by_zxing {text.encode()!r}: ECI {found[0]}, {found[1]!r}")
    assert found == ("000899", text.encode())
print("ok: text outside ASCII is in a character set of the library's choice, and bytes are announced as binary")
PYTHON
