"""Pieces of a self-contained HTML page: escaping, elements, tables, sections, and the page around them.

Text is escaped unless it is ``Html`` already, so that whatever a corpus or a model wrote is shown and never run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

_VOID = frozenset({"meta", "br", "hr"})


class Html(str):
    """Text that is HTML already; everything else is escaped on its way into the page."""

    __slots__ = ()


def html(value: object) -> Html:
    """The value as HTML, escaped unless it is HTML already."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after another."""
    return Html(html(between).join(html(part) for part in parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element; ``class_`` stands for ``class``, ``aria_label`` for ``aria-label``; None leaves an attribute out."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{shown}>" if name in _VOID else f"<{name}{shown}>{join(children)}</{name}>")


def note(text: object) -> Html:
    """A sentence that stands where there is nothing to show, or beside what is shown."""
    return tag("p", text, class_="note")


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    text_columns: int = 1,
    groups: Sequence[tuple[object, int]] = (),
    foot: Iterable[Sequence[object]] = (),
    caption: str = "",
) -> Html:
    """A table in a box that scrolls by itself on a narrow screen.

    Args:
        head: column titles.
        rows: cells; the first of each row names it.
        text_columns: how many leading columns hold text; the others hold numbers and stand to the right.
        groups: titles over several columns each, with how many they span.
        foot: rows that sum up.
        caption: says what the table shows, above it.
    """

    def line(cells: Sequence[object], header: bool = False) -> Html:
        return tag(
            "tr",
            *(
                tag(
                    "th" if header or not place else "td",
                    cell,
                    scope="col" if header else None if place else "row",
                    class_=None if place < text_columns else "number",
                )
                for place, cell in enumerate(cells)
            ),
        )

    over = tag("tr", *(tag("th", title, colspan=span, scope="colgroup") for title, span in groups), class_="groups")
    last = [line(row) for row in foot]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption) if caption else "",
            tag("thead", over if groups else "", line(head, header=True)),
            tag("tbody", *(line(row) for row in rows)),
            tag("tfoot", *last) if last else "",
        ),
        class_="box",
        tabindex=0,
        role="region",
        aria_label=caption or " ".join(str(title) for title in head if not isinstance(title, Html)) or None,
    )


def figure(svg: str, title: str, caption: object = "") -> Html:
    """A plot with its title above and a line of explanation below."""
    return tag(
        "figure",
        tag("h3", title),
        Html(svg),
        tag("figcaption", caption) if caption else "",
    )


def details(summary: str, *parts: object) -> Html:
    """Parts that the reader opens when wanted."""
    return tag("details", tag("summary", summary), *parts)


def dot(slot: str, name: str) -> Html:
    """A model's name with its colour before it."""
    return tag("span", tag("i", style=f"background:var(--{slot})", aria_hidden="true"), name, class_="series")


def section(name: str, title: str, lead: object, *parts: object) -> Html:
    """A section with its heading and one sentence that says how to read it."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else "", *parts, id=name)


def page(title: str, header: Html, sections: Sequence[tuple[str, str, Html]]) -> str:
    """The whole document; it needs no network and no script.

    Args:
        title: of the window.
        header: what stands on top.
        sections: id, short title for the contents line, and the section.
    """
    contents = tag("nav", *(tag("a", short, href=f"#{name}") for name, short, _ in sections), aria_label="Contents")
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(css)),
    )
    body = tag("body", tag("main", header, contents, *(Html(f"\n{part}") for *_, part in sections)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"
