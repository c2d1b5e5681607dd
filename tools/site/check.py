"""What must hold for the folder of the site, wherever it came from: links, pictures, other servers, size, languages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

MAX_MB = 45
# Attributes whose address a browser loads by itself, and those that a reader follows.
LOADED = {("img", "src"), ("script", "src"), ("source", "src"), ("iframe", "src"), ("link", "href"), ("object", "data")}
FOLLOWED = {("a", "href")}
# Of <link>s, only these load something.
LINKS_THAT_LOAD = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "shortcut"}
IN_STYLES = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


@dataclass
class Page(HTMLParser):
    """What a page of HTML links to, shows and names."""

    text: str
    ids: set[str] = field(default_factory=set)
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)  # pictures without alternative text
    languages: list[str] = field(default_factory=list)  # where it leads in other languages

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        """Note the addresses and names of a tag."""
        told = dict(attrs)
        self.ids.update(filter(None, (told.get("id"), told.get("name") if tag == "a" else None)))
        for name, value in attrs:
            if value is None:
                continue
            if (tag, name) in FOLLOWED:
                self.links.append(value)
                if "language" in (told.get("class") or "").split():
                    self.languages.append(value)
            elif (tag, name) in LOADED and (tag != "link" or set((told.get("rel") or "").split()) & LINKS_THAT_LOAD):
                self.loads.append(value)
            elif name == "style":
                self.loads += addresses(value)
        if tag == "img" and not (told.get("alt") or "").strip():
            self.unnamed.append(told.get("src") or "")

    handle_startendtag = handle_starttag


def addresses(styles: str) -> list[str]:
    """Return the addresses that CSS loads."""
    return [quoted or other for quoted, other in IN_STYLES.findall(styles)]


@dataclass
class Site:
    """A folder with the site."""

    folder: Path

    @cached_property
    def pages(self) -> dict[Path, Page]:
        """Return {file: page} of all pages."""
        return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(self.folder.rglob("*.html"))}

    def problems(self) -> list[str]:
        """Return what does not hold, a line each."""
        return [*self.dead_links(), *self.foreign(), *self.without_words(), *self.unpaired(), *self.too_large()]

    def dead_links(self) -> Iterator[str]:
        """Yield links within the site whose file or place is not there."""
        for path, page in self.pages.items():
            for address in {*page.loads, *page.links}:
                parts = urlsplit(address)
                if parts.scheme or parts.netloc:
                    continue
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                if target.is_dir() or not target.is_file():
                    yield f"{self._name(path)} leads to {address}, which is not there"
                elif parts.fragment and target.suffix == ".html" and target in self.pages:
                    if unquote(parts.fragment) not in self.pages[target].ids:
                        yield f"{self._name(path)} leads to {address}; that page has no such place"

        for path in self.folder.rglob("*.css"):
            for address in addresses(path.read_text(encoding="utf-8")):
                if not urlsplit(address).scheme and not (path.parent / unquote(urlsplit(address).path)).is_file():
                    yield f"{self._name(path)} loads {address}, which is not there"

    def foreign(self) -> Iterator[str]:
        """Yield what pages or styles would load from other servers."""
        for path, page in self.pages.items():
            for address in page.loads:
                if _is_foreign(address):
                    yield f"{self._name(path)} loads {address}"
        for path in self.folder.rglob("*.css"):
            for address in addresses(path.read_text(encoding="utf-8")):
                if _is_foreign(address):
                    yield f"{self._name(path)} loads {address}"

    def without_words(self) -> Iterator[str]:
        """Yield pictures without alternative text."""
        for path, page in self.pages.items():
            for source in page.unnamed:
                yield f"{self._name(path)} shows {source} without alternative text"

    def unpaired(self) -> Iterator[str]:
        """Yield pages of a language that do not lead to the other one, and back."""
        for path, page in self.pages.items():
            language = path.relative_to(self.folder).parts[0]
            if language not in ("en", "ja"):
                continue
            other = {"en": "ja", "ja": "en"}[language]
            twin = self.folder / other / path.relative_to(self.folder / language)
            wanted = twin if twin in self.pages else self.folder / other / "index.html"
            if [(path.parent / unquote(link)).resolve() for link in page.languages] != [wanted.resolve()]:
                yield f"{self._name(path)} leads to {page.languages} in the other language, not to {self._name(wanted)}"
            if language == "ja" and twin not in self.pages:
                yield f"{self._name(path)} has no English twin"

    def too_large(self) -> Iterator[str]:
        """Yield a line if the folder is larger than MAX_MB."""
        if (size := self.megabytes()) > MAX_MB:
            yield f"the folder has {size:.1f} MB, more than {MAX_MB}"

    def megabytes(self, part: str = ".") -> float:
        """Return the size of the folder, or of one in it, in millions of bytes."""
        return sum(path.stat().st_size for path in (self.folder / part).rglob("*") if path.is_file()) / 1e6

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _is_foreign(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")
