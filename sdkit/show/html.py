"""HTML, written in one place: plain text is escaped, pictures have a text for those who cannot see them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

_WITHOUT_CONTENT = ("br", "img", "meta")  # elements that have no end tag


class Html(str):
    """Text that is HTML already; any other text is escaped when it becomes part of an element."""


def _escaped(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))


def join(parts: Iterable[str], between: str = "") -> Html:
    """Return parts one after another as HTML, with `between` between two of them."""
    return Html(_escaped(between).join(map(_escaped, parts)))


def element(tag: str, /, *content: str, **attributes: object) -> Html:
    """Return an HTML element, as in `element("td", "1 < 2", class_="wide", aria_label="comparison")`.

    Attributes that are None are left out.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _WITHOUT_CONTENT:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{join(content)}</{tag}>")


def document(title: str, body: str, *, style: str = "", language: str = "en") -> str:
    """Return a whole HTML document, for a file; `style` is CSS. Nothing in it is fetched or run."""
    head = [
        element("meta", charset="utf-8"),
        element("title", title),
        element("meta", name="viewport", content="width=device-width"),
        element("style", Html(style)),
    ]
    whole = element("html", element("head", *head), "\n", element("body", body), lang=language)
    return f"<!DOCTYPE html>\n{whole}\n"


def image(png: bytes, alt: str, *, style: str | None = None) -> Html:
    """Return a picture that needs no other file; `alt` stands for it where it cannot be seen."""
    source = Html(f"data:image/png;base64,{base64.b64encode(png).decode()}")  # long, and has nothing to escape
    return element("img", alt=alt, style=style, src=source)


def figure(
    picture: Html, caption: str = "", *more: str, style: str | None = None, caption_style: str | None = None
) -> Html:
    """Return an `image` with a caption below it, and `more` below that."""
    below = [element("figcaption", caption, style=caption_style)] if caption else []
    return element("figure", picture, *below, *more, style=style)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    row_heads: int = 1,
    caption: str | None = None,
    cell_style: str | None = None,
    class_: str | None = None,
) -> Html:
    """Return a table; `head` names its columns, and the first `row_heads` cells of each row name that row.

    A name that is empty makes an ordinary empty cell, as in the corner above the rows' names.
    """

    def cell(content: str, scope: str | None) -> Html:
        if scope is None or not content:
            return element("td", content, style=cell_style)
        return element("th", content, scope=scope, style=cell_style)

    top = element("tr", *(cell(name, "col") for name in head))
    lines = [
        element("tr", *(cell(content, "row" if number < row_heads else None) for number, content in enumerate(row)))
        for row in rows
    ]
    title = [element("caption", caption)] if caption else []
    body = element("tbody", join(lines, "\n"))
    return element("table", *title, element("thead", top), "\n", body, class_=class_)


def unordered_list(items: Iterable[str]) -> Html:
    """Return a list with a bullet before each item."""
    return element("ul", *(element("li", item) for item in items))


def download(png: bytes, name: str) -> Html:
    """Return a link that saves a picture under a name where the browser runs, which may be another machine."""
    source = Html(f"data:image/png;base64,{base64.b64encode(png).decode()}")
    return element("a", name, href=source, download=name, style="text-decoration:underline")


def alert(error: BaseException) -> Html:
    """Return an error in a coloured box, in words that a screen reader speaks at once."""
    # Its own colours, to be read on dark pages too.
    style = "background:#fdecea;color:#611a15;border-left:4px solid #d32f2f;padding:6px 10px;line-height:1.4;margin:2px"
    return element("p", element("b", type(error).__name__), ": ", str(error), role="alert", style=style)


def notes(texts: Iterable[str]) -> Html:
    """Return remarks, one a line."""
    return join(element("p", text, role="note", style="line-height:1.3;margin:2px") for text in texts)


def status(text: str, spoken: str = "") -> Html:
    """Return a line that a screen reader speaks when it has time; what is only `spoken` cannot be seen."""
    hidden = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
    more = [" ", element("span", spoken, style=hidden)] if spoken else []
    return element("span", text, *more, role="status")


def progress(done: int, of: int, text: str) -> Html:
    """Return a bar with a text beside it; `of=0` is a bar that only moves."""
    numbers = {"value": done, "max": of, "aria_valuenow": done, "aria_valuemin": 0, "aria_valuemax": of} if of else {}
    bar = element("progress", aria_label="progress", aria_valuetext=text, **numbers)
    return join([bar, " ", element("span", text)])
