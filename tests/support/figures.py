"""Pages as trees, and where their figures draw what."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "circle", "rect", "br"}


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
        whole = " ".join(inner.text if isinstance(inner, Element) else inner for inner in self.inside)
        return " ".join(whole.split())


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

    def handle_startendtag(self, tag, attributes):
        self.open[-1].inside.append(Element(tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].inside.append(data)


def box_of(svg):
    left, top, width, height = map(float, svg.attributes["viewbox"].split())
    return left, top, left + width, top + height


def points_of(d):
    """The corners of path data with M, L, h, l, v, V, H, Z."""
    x = y = 0.0
    found = []
    for letter, numbers in re.findall(r"([a-zA-Z])([^a-zA-Z]*)", d):
        values = [float(value) for value in re.findall(r"-?\d+\.?\d*", numbers)]
        match letter:
            case "M" | "L":
                x, y = values
            case "l" | "m":
                for dx, dy in zip(values[::2], values[1::2], strict=True):
                    x, y = x + dx, y + dy
                    found.append((x, y))
            case "h":
                x += values[0]
            case "v":
                y += values[0]
            case "H":
                x = values[0]
            case "V":
                y = values[0]
            case "Z":
                continue
        found.append((x, y))
    return found


def drawn(svg):
    """Every point of a figure."""
    for element in svg.all():
        if element.tag == "circle":
            yield float(element.attributes["cx"]), float(element.attributes["cy"])
        elif element.tag == "path":
            yield from points_of(element.attributes["d"])
        elif element.tag == "text" and "x" in element.attributes:
            yield float(element.attributes["x"]), float(element.attributes["y"])


def circles(svg, kind):
    """Where those of a kind stand, without the legend's."""
    inside = [circle for group in svg.all("g", kind) for circle in group.all("circle")]
    return [(float(circle.attributes["cx"]), float(circle.attributes["cy"])) for circle in inside]


def frames(svg):
    """(left, top, right, bottom) of each axis."""
    for axis in svg.all("path", "axis"):
        corners = points_of(axis.attributes["d"])
        yield corners[0][0], corners[0][1], corners[-1][0], corners[-1][1]
