"""Pages as trees, and what their scripts are given to draw."""

import json
from html.parser import HTMLParser

import pytest

VOID = {"meta", "link", "br"}


class Element:
    """A node of a page: its tag, attributes and what is in it, text included."""

    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.inside = tag, attributes, []

    def all(self, tag=None, kind=None):
        """Those inside of it, at any depth, by tag and by class."""
        for inner in self.inside:
            if isinstance(inner, Element):
                if tag in (None, inner.tag) and (kind is None or kind in inner.attributes.get("class", "").split()):
                    yield inner
                yield from inner.all(tag, kind)

    @property
    def text(self):
        """What a reader sees, in one line."""
        parts = [inner if isinstance(inner, str) else inner.text for inner in self.inside]
        return "" if self.tag in {"script", "style"} else " ".join(" ".join(parts).split())


class Parsed(HTMLParser):
    """A page as a tree; a tag that is not closed in order is an error."""

    def __init__(self, text):
        super().__init__()
        self.open = [Element("", {})]
        self.feed(text)
        self.close()
        assert len(self.open) == 1
        self.root = self.open[0]

    def handle_starttag(self, tag, attributes):
        element = Element(tag, dict(attributes))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].inside.append(data)


def drawing_of(root):
    """What the page's scripts draw: JSON, in which every number is finite."""
    (script,) = [script for script in root.all("script") if script.attributes.get("type") == "application/json"]
    (text,) = script.inside
    return json.loads(text, parse_constant=pytest.fail)


def rows_of(drawing):
    """The rows that plots share, as dictionaries."""
    columns = drawing["columns"]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
