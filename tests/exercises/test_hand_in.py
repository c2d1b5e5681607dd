"""A hand-in holds what was answered, as data; a second look finds what was tampered with, and runs nothing."""

import csv
import io
import json
import zipfile
from contextlib import suppress
from types import SimpleNamespace

import pytest
from PIL import Image

import sdkit as sd
from sdkit.exercises import collect, hand_in, handed_in, verify
from sdkit.exercises.portable import NotPortable, pack, unpack
from sdkit.shot import png_bytes

FEW = {"num_inference_steps": 3, "guidance_scale": 3}


def formula(without, prompted, scale):
    return without + scale * (prompted - without)


@pytest.fixture(scope="module")
def shot(pipe):
    """Return a shot that is right for the first exercise of lesson 6."""
    return sd.generate(pipe, "a big owl on a green background", seed=3, **FEW)[0]


@pytest.fixture
def handed(tmp_path, shot):
    """Answer all exercises of lesson 6 and hand them in; return the file."""
    sd.check_answer("guidance_scale", "green_owl", shot)
    sd.check_answer("guidance_scale", "mystery", 4)
    sd.check_answer("guidance_scale", "formula", formula)
    return sd.hand_in("Ada  Lovelace", tmp_path)


def data_of(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("hand_in.json"))


def rewritten(path, **entries):
    """Write a hand-in again with other entries, by the names that they have without their ending; return its path."""
    with zipfile.ZipFile(path) as file:
        old = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {**old, **entries}.items():
            file.writestr(name, data)
    return path


def changed(path, change):
    """Let a function change the data of a hand-in; return its path."""
    data = data_of(path)
    change(data)
    return rewritten(path, **{"hand_in.json": json.dumps(data)})


def results(path):
    """Return what a second look finds, by exercise."""
    return {result.exercise: result for result in verify.verified(handed_in.read_hand_in(path))}


def test_a_hand_in_holds_answers_checks_and_versions(handed, tmp_path):
    assert handed == tmp_path / "Ada_Lovelace-guidance_scale.zip"
    with zipfile.ZipFile(handed) as file:
        assert file.namelist() == ["hand_in.json", "hand_in.html", "pictures/00.png"]
        page = file.read("hand_in.html").decode()
    data = data_of(handed)
    assert data["name"] == "Ada Lovelace" and {"sdkit", "diffusers", "torch", "python"} <= set(data["versions"])
    owl, mystery, repaired = data["exercises"]
    assert (owl["points"], owl["worth"], owl["answer"]) == (1, 1, {"picture": 0})
    assert mystery["answer"] == 4 and [finding["name"] for finding in mystery["findings"]] == ["scale"]
    assert "answer" not in repaired and "def formula" in repaired["source"]
    assert "Points: 5 of 5." in page and "def formula" in page and "data:image/png" in page


def test_a_second_look_gives_the_same_points(handed):
    found = results(handed)
    assert {name: (one.points, one.worth) for name, one in found.items()} == {
        "green_owl": (1, 1), "mystery": (2, 2), "formula": (2, 2),
    }  # fmt: skip
    assert [one.how for one in found.values()] == [verify.AGAIN, verify.AGAIN, verify.CLAIMED]


def test_points_that_are_only_claimed_are_not_given(handed):
    def claim(data):
        data["exercises"][1].update(answer=9, points=2)

    found = results(changed(handed, claim))["mystery"]
    assert (found.points, found.claimed, found.note) == (0, 2, "The file claims 2.")


def test_code_gets_no_more_than_the_exercise_is_worth(handed):
    found = results(changed(handed, lambda data: data["exercises"][2].update(points=99)))["formula"]
    assert (found.points, found.how) == (2, verify.CLAIMED) and "not run here" in found.note


def test_a_tampered_record_is_named(handed, shot, tmp_path):
    from dataclasses import replace

    other = replace(shot, settings={**shot.settings, "seed": 5})  # the picture of seed 3
    path = sd.save_picture(other, tmp_path / "other.png")
    found = results(rewritten(handed, **{"pictures/00.png": path.read_bytes()}))["green_owl"]
    assert (found.points, found.how) == (0, verify.NOT)
    assert found.note == "Tampered: picture 0 is not what its record makes."


def test_a_picture_without_a_record_is_looked_at_and_said(handed):
    picture = Image.new("RGB", (64, 64), (67, 170, 87))
    found = results(rewritten(handed, **{"pictures/00.png": png_bytes(picture)}))["green_owl"]
    assert found.points == 0 and "without a record" in found.note


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_inference_steps": 900}, "900 steps; at most 100"),
        ({"height": 64, "width": 64}, "64x64"),
    ],
)
def test_what_would_take_long_or_cannot_be_is_not_made(handed, shot, tmp_path, settings, words):
    from dataclasses import replace

    path = sd.save_picture(replace(shot, settings={**shot.settings, **settings}), tmp_path / "other.png")
    found = results(rewritten(handed, **{"pictures/00.png": path.read_bytes()}))["green_owl"]
    assert found.how == verify.NOT and words in found.note


def test_a_giant_picture_is_not_read(handed):
    data = png_bytes(Image.new("RGB", (2000, 2000)))
    found = results(rewritten(handed, **{"pictures/00.png": data}))["green_owl"]
    assert found.how == verify.NOT and "2000x2000 pixels" in found.note


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"picture": 7}, "picture 7 is not in the file"),
        ({"picture": True}, "not as hand_in writes it"),
        ({"eval": "1"}, "not as hand_in writes it"),
        ({"list": [[]]}, "not as hand_in writes it"),
        ({"table": [[{"list": []}, 1]]}, "not as hand_in writes it"),
    ],
)
def test_an_answer_that_hand_in_does_not_write_is_not_counted(handed, answer, words):
    found = results(changed(handed, lambda data: data["exercises"][0].update(answer=answer)))["green_owl"]
    assert found.how == verify.NOT and found.points == 0 and words in found.note


def test_an_exercise_that_nobody_knows_is_told(handed):
    found = results(changed(handed, lambda data: data["exercises"][0].update(lesson="os", exercise="system")))["system"]
    assert found.how == verify.NOT and "lesson is 'os'" in found.note


BROKEN = {
    "name": [None, 3, "", "a" * 101, "a\nb"],
    "format": [None, 0, 2],
    "exercises": [None, {}, [3], [{}] * 201, [{"lesson": "../x", "exercise": "a", "points": 1, "source": ""}]],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BROKEN.items() for value in values])
def test_data_of_another_form_is_refused(handed, key, value):
    with pytest.raises(ValueError, match="in it"):
        handed_in.read_hand_in(changed(handed, lambda data: data.update({key: value})))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"../evil.py": b"1"}, "not those that hand_in writes"),
        ({"/etc/passwd": b"1"}, "not those that hand_in writes"),
        ({"pictures/00.png.exe": b"1"}, "not those that hand_in writes"),
        ({"hand_in.json": b"[" * 200_000}, "lists, tables and commas"),
        ({"hand_in.json": b"\xff"}, "damaged"),
        ({"hand_in.json": b"{}"}, "format"),
        ({"hand_in.json": b"[" * 50_000 + b"]" * 50_000}, "damaged"),
        ({"hand_in.json": b" " * (5 * 2**20)}, "more than 4 MB"),
        ({"pictures/01.png": bytes(20 * 2**20)}, "more than 16 MB"),
    ],
)
def test_odd_entries_and_bombs_are_refused(handed, entries, words):
    path = rewritten(handed, **entries)
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match=words):
        handed_in.read_hand_in(path)


def test_no_zip_and_a_cut_one_are_refused(handed, tmp_path):
    whole = handed.read_bytes()
    for data in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "broken.zip").write_bytes(data)
        with pytest.raises(ValueError):
            handed_in.read_hand_in(tmp_path / "broken.zip")


@pytest.mark.parametrize("place", [40, 400, 2000])
def test_damage_is_no_error_but_our_own(handed, tmp_path, place):
    whole = handed.read_bytes()
    (tmp_path / "broken.zip").write_bytes(whole[:place] + bytes(20) + whole[place + 20 :])
    with suppress(ValueError):
        verify.verified(handed_in.read_hand_in(tmp_path / "broken.zip"))


def test_two_entries_of_one_name_are_refused(handed):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(handed, "a") as file:
        file.writestr("hand_in.json", "{}")
    with pytest.raises(ValueError, match="not those that hand_in writes"):
        handed_in.read_hand_in(handed)


def test_a_table_for_the_teacher(handed, tmp_path, capsys):
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    (tmp_path / "Bob").mkdir()  # as some platforms pack what was handed in
    (tmp_path / "Bob" / "answers.ipynb").write_text("{}")
    (tmp_path / "Bob" / "cut.zip").write_bytes(b"no zip")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    for name in (".ipynb_checkpoints/a.ipynb", "~$points.csv", "desktop.ini"):  # what programs keep for themselves
        (tmp_path / name).write_text("")
    changed(handed, lambda data: data.update(name='=HYPERLINK("x")'))
    assert collect.main([str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "broken.zip: not read: No hand-in" in told and "4 files, 6 rows" in told
    assert "Bob/answers.ipynb: not read: No hand-in: it is no .zip file" in told
    text = (tmp_path / "points.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["points"] for row in rows] == ["1", "2", "2", "0", "0", "0"]
    assert rows[0]["name"] == '\'=HYPERLINK("x")'  # no formula for a spreadsheet
    page = (tmp_path / "points.html").read_text(encoding="utf-8")
    assert "=HYPERLINK(&quot;x&quot;)" in page and "<script" not in page


def test_code_that_was_not_run_stands_in_the_table_to_be_read():
    code = "def a(pipe):\n    return '<script>'"
    rows = [
        ("a.zip", verify.Verified("Ada", "prompt", "cleaned", 2, 2, 2, verify.AGAIN)),
        ("b.zip", verify.Verified("Ada", "generator", "one_noise", 2, 2, 2, verify.CLAIMED, code=code)),
    ]
    page = collect.page_of(rows)
    assert '<th scope="row">Ada</th><td>4</td><td>11</td><td>2</td>' in page
    assert "<pre>def a(pipe):\n    return &#x27;&lt;script&gt;&#x27;</pre>" in page and page.count("<pre>") == 1


def verified_row(name, exercise, points, lesson="prompt"):
    return "a.zip", verify.Verified(name, lesson, exercise, points, 2, points, verify.AGAIN)


def test_of_several_hand_ins_the_best_counts():
    rows = [verified_row(" Ada", "cleaned", points) for points in (0, 2, 0)] + [verified_row("", "cleaned", 2)]
    assert '<th scope="row">Ada</th><td>2</td><td>5</td><td>0</td>' in collect.page_of(rows)
    read = csv.DictReader(io.StringIO(collect.csv_of(rows)))
    assert [row["counts"] for row in read] == ["0", "2", "0", "0"]


@pytest.mark.parametrize(
    "names, pupils",
    [((" Ada  L ", "ada l", "ADA L"), 1), (("山田 花子", "山田花子", "山田　花子"), 1), (("Anna", "Ann A"), 2)],
)
def test_a_name_is_one_pupils_however_it_is_written(names, pupils):
    rows = [verified_row(name, "cleaned", 2) for name in names]
    page = collect.page_of(rows)
    assert f'<th scope="row">{" ".join(names[0].split())}</th><td>2</td>' in page
    assert page.count('<th scope="row">') == pupils + len(rows)  # the sums, then each exercise


def test_the_table_says_what_is_missing():
    rows = [verified_row("Ada", "cleaned", 2), verified_row("Bob", "moved_on", 3, lesson="generator")]
    page = collect.page_of(rows)
    assert "<td>2/5, without small_cake, last_word</td>" in page and "<td>-</td>" in page


def test_the_table_is_in_the_readers_language(monkeypatch):
    monkeypatch.setenv("SDKIT_LANGUAGE", "ja")
    page = collect.page_of([verified_row("山田花子", "cleaned", 2)])
    assert '<html lang="ja">' in page and "<td>再判定</td>" in page and "未提出：small_cake" in page


@pytest.mark.parametrize("make", [lambda path: path / "none", lambda path: path])
def test_a_folder_without_hand_ins_is_told(tmp_path, capsys, make):
    assert collect.main([str(make(tmp_path))]) == 1
    assert capsys.readouterr().err


@pytest.mark.parametrize("name", [None, "", "  ", "a" * 101, "a\0b", "your  name"])
def test_a_name_that_is_none_is_refused(name, tmp_path):
    with pytest.raises((TypeError, ValueError), match="name is"):
        sd.hand_in(name, tmp_path)


def test_nothing_to_hand_in_is_told(tmp_path):
    with pytest.raises(ValueError, match="nothing was checked in this notebook yet"):
        sd.hand_in("Ada", tmp_path)


def test_the_name_of_a_file_is_no_path(tmp_path):
    sd.check_answer("guidance_scale", "mystery", 4)
    assert sd.hand_in("../猫 /x", tmp_path) == tmp_path / "_猫_x-guidance_scale.zip"


def test_the_code_comes_from_the_cell_that_was_run_last(monkeypatch, tmp_path):
    cells = ["", "# mystery\nscale = 1", "# mystery\nscale = 4", "scale"]
    shell = SimpleNamespace(user_ns={"In": cells})
    monkeypatch.setitem(hand_in.sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    sd.check_answer("guidance_scale", "mystery", 4)
    assert data_of(sd.hand_in("Ada", tmp_path))["exercises"][0]["source"] == "# mystery\nscale = 4"


@pytest.mark.parametrize("answer", [3, 2.5, "a", True, None, [1, [2, "b"]], {"a": 1, 2: [3]}])
def test_plain_answers_come_back(answer):
    assert unpack(json.loads(json.dumps(pack(answer, []))), lambda number: number) == answer


@pytest.mark.parametrize("answer", [formula, object(), float("inf"), 2**65, "a" * 10_001, [0] * 201, [[[[[[1]]]]]]])
def test_what_is_no_data_is_not_packed(answer):
    with pytest.raises(NotPortable):
        pack(answer, [])
