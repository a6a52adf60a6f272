"""What a browser sends when the form of a page is pressed as it stands: for walking through pages of which only the last is wanted."""

from __future__ import annotations

from html.parser import HTMLParser


class _Reader(HTMLParser):
    """The first posting form inside `main`; of radios that nobody marked, the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._radios: dict[str, str] = {}
        self._in_main = self._inside = self._is_over = False
        self._list = self._text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "main":
            self._in_main = True
        elif tag == "form" and self._in_main and not self._is_over and given.get("method", "").lower() == "post":
            self._inside, self.action = True, given.get("action", "")
        elif self._inside:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input" and given.get("type") == "radio":
            self._radios.setdefault(name, given["value"])
            if "checked" in given:
                self.fields[name] = given["value"]
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
        elif tag == "select":
            self._list = name
        elif tag == "option" and self._list and ("selected" in given or self._list not in self.fields):
            self.fields[self._list] = given.get("value", "")
        elif tag == "textarea":
            self._text = name
            self.fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""
        elif tag == "select":
            self._list = ""
        elif tag == "form" and self._inside:
            self._inside, self._is_over = False, True


def pressed(page: str) -> tuple[str, dict[str, str]]:
    """Where the first form of the page leads (nothing: to the page itself), and its fields as they stand; of unmarked radios the first is marked."""
    reader = _Reader()
    reader.feed(page)
    fields = {name: value for name, value in ({**reader._radios, **reader.fields}).items() if name}  # noqa: SLF001  # our own
    return reader.action or "", fields
