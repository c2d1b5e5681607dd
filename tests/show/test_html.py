"""No text is taken for HTML, and what is seen can also be heard."""

import base64

import pytest

from sdkit.show import html
from sdkit.show.html import Html, element


def test_text_is_escaped_once_and_html_not_at_all():
    inner = element("b", 'a "<cat>" & more')
    assert inner == "<b>a &quot;&lt;cat&gt;&quot; &amp; more</b>"
    assert element("p", inner, " < ", Html("<br>")) == f"<p>{inner} &lt; <br></p>"
    assert html.join(["1 < 2", inner], "\n") == f"1 &lt; 2\n{inner}"


def test_attributes_are_escaped_and_left_out_where_there_are_none():
    assert element("td", "x", class_="wide", title='"<', style=None) == '<td class="wide" title="&quot;&lt;">x</td>'
    assert element("br") == "<br>"
    assert element("i", aria_label=0) == '<i aria-label="0"></i>'


def test_pictures_have_a_text_and_figures_a_caption():
    picture = html.image(b"data", 'a "<cat>"', style="width:9px")
    data = base64.b64encode(b"data").decode()
    assert picture == f'<img alt="a &quot;&lt;cat&gt;&quot;" style="width:9px" src="data:image/png;base64,{data}">'
    assert html.figure(picture) == f"<figure>{picture}</figure>"
    assert html.figure(picture, "1 < 2", picture) == (
        f"<figure>{picture}<figcaption>1 &lt; 2</figcaption>{picture}</figure>"
    )


def test_a_table_names_its_rows_and_columns():
    written = html.table(("", "A"), [("seed", "<2>"), ("eta", Html("<br>"))], caption="a & b")
    assert written.replace("\n", "") == (
        "<table><caption>a &amp; b</caption>"
        '<thead><tr><td></td><th scope="col">A</th></tr></thead>'
        '<tbody><tr><th scope="row">seed</th><td>&lt;2&gt;</td></tr>'
        '<tr><th scope="row">eta</th><td><br></td></tr></tbody></table>'
    )


def test_rows_may_have_several_names():
    written = html.table(("a", "b", "c"), [("1", "", "3")], row_heads=2, cell_style="x", class_="wide")
    assert '<tr><th scope="row" style="x">1</th><td style="x"></td><td style="x">3</td></tr>' in written
    assert written.startswith('<table class="wide"><thead>')


def test_a_list_has_an_item_for_each_text():
    assert html.unordered_list(["a", "<b>"]) == "<ul><li>a</li><li>&lt;b&gt;</li></ul>"


def test_errors_notes_and_states_have_their_roles():
    box = html.alert(ValueError("1 < 2"))
    assert box.startswith('<p role="alert" style="background:') and box.endswith("<b>ValueError</b>: 1 &lt; 2</p>")
    assert html.notes([]) == "" and html.notes(["a", "<b>"]).count('<p role="note"') == 2
    assert html.status("<done>") == '<span role="status">&lt;done&gt;</span>'
    assert "clip-path" in html.status("done", "seed = 1") and ">seed = 1</span></span>" in html.status("x", "seed = 1")


@pytest.mark.parametrize(("of", "shown"), [(25, True), (0, False)])
def test_progress_tells_its_numbers_where_they_are_known(of, shown):
    bar = html.progress(3, of, "step <3>")
    for number in (' value="3"', ' max="25"', ' aria-valuenow="3"', ' aria-valuemin="0"', ' aria-valuemax="25"'):
        assert (number in bar) is shown
    assert 'aria-valuetext="step &lt;3&gt;"' in bar and bar.endswith("<span>step &lt;3&gt;</span>")
