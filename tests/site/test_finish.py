"""What is done with the pages after Sphinx, and the checks of the folder."""

import pytest
import yaml

from tools.site.__main__ import SITE
from tools.site.build import lead_back, slim, with_icons, with_shared
from tools.site.check import Site, addresses
from tools.site.pages import ROOT


def test_pages_lose_what_nothing_shows_and_keep_code_as_it_is():
    page = (
        '<!-- note -->\n  <p>a</p>\n\n   <p>b</p><pre><span class="n">x</span> <span class="mi">1</span>\n    y</pre>'
        '<script src="../_static/searchtools.js"></script>\n<script src="../searchindex.js?v=1"></script>'
    )
    assert slim(page) == '\n<p>a</p>\n<p>b</p><pre>x <span class="mi">1</span>\n    y</pre>'
    assert "searchindex" in slim(page, keep_search=True)


def test_only_icons_in_use_are_kept():
    script = 'var s={bars:[4,5,["nav"],"f0c9","M0 96"],"circle-user":[5,5,[],"f2bd",["M1","M2"]],x9:[1,2,[],"e0","M"]};'
    assert with_icons(script, {"bars"}) == 'var s={bars:[4,5,["nav"],"f0c9","M0 96"],};'
    with pytest.raises(ValueError, match="ICON_DRAWING"):
        with_icons("var s={}", {"bars"})


def test_shared_files_are_looked_for_one_folder_further_up():
    page = '<script src="../_static/a.js?v=1"></script><link href="_static/b.css"><img src="_static/own.js">'
    moved = '<script src="../../_static/a.js?v=1"></script><link href="../_static/b.css"><img src="_static/own.js">'
    assert with_shared(page, {"a.js", "b.css"}) == moved


def test_the_lab_leads_back_to_the_lessons(tmp_path):
    for name in ("index.html", "ja.html"):
        (tmp_path / name).write_text("<header><h1>Lab</h1></header>")
    lead_back(tmp_path)
    assert '<a href="../ja/index.html">' in (tmp_path / "ja.html").read_text(encoding="utf-8")
    (tmp_path / "ja.html").write_text("<main></main>")
    with pytest.raises(ValueError, match="no <h1>"):
        lead_back(tmp_path)


@pytest.fixture
def site(tmp_path):
    """Return a function that writes pages in both languages and returns what is wrong with them."""

    def written(body="", style="", **more):
        for language, other in (("en", "ja"), ("ja", "en")):
            page = f'<a class="language" href="../{other}/index.html">x</a><h2 id="here">y</h2>{body}'
            (tmp_path / language).mkdir(exist_ok=True)
            (tmp_path / language / "index.html").write_text(page)
        (tmp_path / "a.css").write_text(style)
        return Site(tmp_path).problems()

    return written


def test_a_sound_site_has_no_problems(site):
    body = '<a href="#here">a</a><a href="../ja/index.html#here">b</a><a href="https://example.org">c</a>'
    body += '<img src="../a.css" alt="d">'
    assert site(body, "a { background: url(data:image/png;base64,xx) } @import 'a.css';") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<a href="gone.html">a</a>', "leads to gone.html, which is not there"),
        ('<a href="../en/">a</a>', "leads to ../en/, which is not there"),  # a file:// page would show the folder
        ('<a href="#gone">a</a>', "no such place"),
        ('<a href="../ja/index.html#gone">a</a>', "no such place"),
        ('<img src="../a.css">', "without alternative text"),
        ('<img src="https://example.org/a.png" alt="a">', "loads https://example.org/a.png"),
        ('<script src="//example.org/a.js"></script>', "loads //example.org/a.js"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "loads https://example.org/a.css"),
        ('<p style="background: url(https://example.org/a.png)">', "loads https://example.org/a.png"),
        ('<a class="language" href="../ja/index.html">z</a>', "in the other language"),
    ],
)
def test_each_fault_is_found(body, said, site):
    found = site(body)
    assert len(found) == 2 and all(said in line for line in found), found


def test_styles_of_other_servers_and_too_large_a_folder_are_found(site, tmp_path):
    assert site(style="@font-face { src: url('https://example.org/a.woff2') }") == [
        "a.css loads https://example.org/a.woff2"
    ]
    assert site(style="a { background: url(gone.png) }") == ["a.css loads gone.png, which is not there"]
    assert addresses('@import "a.css"; b { background: url( "c.png" ) }') == ["a.css", "c.png"]
    with (tmp_path / "large").open("wb") as file:
        file.truncate(46_000_000)
    assert any("the folder has 46.0 MB, more than 45" in line for line in site())


def test_the_workflow_publishes_what_make_site_builds_and_only_when_started():
    text = (ROOT / ".github" / "workflows" / "site.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow[True] == "workflow_dispatch"  # YAML reads the key `on` as true
    steps = workflow["jobs"]["site"]["steps"]
    assert any(step.get("run", "").startswith("make site") for step in steps)
    assert {"path": SITE.relative_to(ROOT).as_posix()} in [step.get("with") for step in steps]


def test_a_page_without_an_english_twin_is_found(site, tmp_path):
    site()
    (tmp_path / "ja" / "alone.html").write_text('<a class="language" href="../en/index.html">x</a>')
    assert Site(tmp_path).problems() == ["ja/alone.html has no English twin"]
