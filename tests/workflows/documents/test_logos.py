"""A logo is a picture and nothing else."""

from __future__ import annotations

import pytest

from tests.workflows.documents.logos import PNG, SVG, png
from workflows.documents.rendering.logos import LogoError, check_logo

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'


def svg(inside: str) -> bytes:
    return f"{HEAD}{inside}<path d='M0 0h9v9z'/></svg>".encode()


def test_pictures_are_told_apart():
    assert (check_logo(PNG), check_logo(SVG)) == ("png", "svg")


def test_svg_of_a_drawing_program_is_taken():
    drawn = svg(
        '<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:li>x</rdf:li></rdf:RDF></metadata>'
        '<n:namedview xmlns:n="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"/><title>Logo</title>'
        "<!-- drawn by hand -->"
    )

    assert check_logo(b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>' + drawn) == "svg"


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ('<image href="file:///etc/hostname"/>', "<image>"),
        ('<image xlink:href="https://logo.example/a.png"/>', "<image>"),
        ('<use href="https://logo.example/a.svg#b"/>', "href"),
        ('<use xlink:href=" other.svg#b"/>', "href"),
        ('<path fill="url(https://logo.example/a.svg#b)"/>', "fill"),
        ("<path style=\"fill: url( 'other.svg#b' )\"/>", "style"),
        ('<path style="fill: u\\72l(other.svg)"/>', "style"),
        ("<style>@import 'other.css';</style>", "<style>"),
        ("<style>@im<!-- -->port 'other.css';</style>", "<style>"),
        ("<style><![CDATA[ path { fill: URL(other.svg) } ]]></style>", "<style>"),
        ('<g xml:base="https://logo.example/"/>', "base"),
        ("<script>1</script>", "<script>"),
        ('<path onload="1"/>', "onload"),
        ("<foreignObject/>", "<foreignObject>"),
        ("<text>Alpha</text>", "turn letters into paths"),
        ("<filter/>", "<filter>"),
        ('<a href="#b"/>', "<a>"),
        ('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>', "<use>"),
        ('<path id="a"/>' + '<use href="#a"/>' * 101, "<use>"),
        ("<path/>" * 5001, "too many parts"),
        ("<g>" * 70 + "</g>" * 70, "too many parts"),
        ('<s:image xmlns:s="http://www.w3.org/2000/svg" href="a.png"/>', "<image>"),
    ],
)
def test_svg_that_is_more_than_a_picture_is_refused_by_name(inside, named):
    with pytest.raises(LogoError) as refusal:
        check_logo(svg(inside))

    assert named in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "neither a PNG nor an SVG"),
        (b"GIF89a", "neither a PNG nor an SVG"),
        (b"<html/>", "neither a PNG nor an SVG"),
        (b"<svg/>", "neither a PNG nor an SVG"),
        ("<svg>ä</svg>".encode("latin-1"), "neither a PNG nor an SVG"),
        (b'<!DOCTYPE svg [<!ENTITY a "a">]>' + SVG, "DOCTYPE"),
        (b'<?xml-stylesheet href="other.css"?>' + SVG, "<?xml-stylesheet?>"),
        (PNG[:20], "no whole PNG"),
        (PNG[:50], "cannot be drawn"),
        (png(5000, 1), "5000 x 1 pixels"),
        (png(0, 1), "0 x 1 pixels"),
        (png(4000, 4000, pixels=b""), "4000 x 4000 pixels"),
        (PNG + bytes(200_000), "200 kB"),
        (svg(f"<!-- {'a' * 200_000} -->"), "200 kB"),
    ],
)
def test_file_that_is_no_small_picture_is_refused_with_the_reason(content, named):
    with pytest.raises(LogoError) as refusal:
        check_logo(content)

    assert named in str(refusal.value)
