"""Only the format asked for is opened, and the texts of JPEG and WebP are found, whatever the order of their bytes."""

import pytest
from PIL import Image

from sdkit import read_settings, rebuild

TEXT = (
    "a cat, いぬ, ein Kätzchen\nNegative prompt: blue\n"
    "Steps: 2, Sampler: Euler a, CFG scale: 5, Seed: 3, Size: 64x64, RNG: CPU"
)
COMMENTS = {
    "UTF-16, high byte first": b"UNICODE\0" + TEXT.encode("utf-16-be"),
    "UTF-16, low byte first": b"UNICODE\0" + TEXT.encode("utf-16-le"),
    "UTF-16 with a mark": b"UNICODE\0" + TEXT.encode("utf-16"),
    "UTF-8 called UTF-16": b"UNICODE\0" + TEXT.encode(),
    "UTF-8 called ASCII": b"ASCII\0\0\0" + TEXT.encode(),
    "UTF-8 without a name": bytes(8) + TEXT.encode(),
    "UTF-8 alone": TEXT.encode(),
}


def saved(path, comment=b"", tags=(), size=(64, 64)):
    exif = Image.Exif()
    if comment:
        exif.get_ifd(0x8769)[0x9286] = comment
    for tag, text in tags:
        exif[tag] = text
    Image.new("RGB", size, "gray").save(path, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "webp", "JPG"])
@pytest.mark.parametrize("kind", COMMENTS)
def test_the_settings_in_exif_data_are_read(tmp_path, kind, ending):
    record = read_settings(saved(tmp_path / f"a.{ending}", COMMENTS[kind]))
    assert record["made_by"] == "AUTOMATIC1111" and record["not_mapped"] == {}
    assert record["settings"] == {
        "prompt": "a cat, いぬ, ein Kätzchen", "negative_prompt": "blue", "num_inference_steps": 2,
        "guidance_scale": 5.0, "seed": 3, "width": 64, "height": 64,
    }  # fmt: skip
    assert record["origin"]["scheduler"]["class"] == "EulerAncestralDiscreteScheduler"


def test_a_prompt_with_hardly_an_ascii_letter_is_read(tmp_path):
    text = "黒い猫と白い犬" * 30 + "\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64"
    for encoding in ("utf-16-be", "utf-16-le"):
        path = saved(tmp_path / "a.jpg", b"UNICODE\0" + text.encode(encoding))
        assert read_settings(path)["settings"]["prompt"] == "黒い猫と白い犬" * 30


def test_a_jpeg_is_made_again(pipe, tmp_path):
    path = saved(tmp_path / "a.jpg", COMMENTS["UTF-16, high byte first"])
    assert rebuild(path, pipe).shot.settings["seed"] == 3


def test_the_nodes_of_comfyui_in_a_webp_are_found(tmp_path):
    graph = '{"1": {"class_type": "KSampler", "inputs": {"sampler_name": "euler", "steps": 4, "cfg": 2, "seed": 9}}}'
    record = read_settings(saved(tmp_path / "a.webp", tags=[(0x0110, f"prompt:{graph}"), (0x010F, "workflow:{}")]))
    assert record["made_by"] == "ComfyUI" and record["settings"]["num_inference_steps"] == 4


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", "png"), ("WEBP", "png"), ("PNG", "jpg"), ("WEBP", "jpg")])
def test_a_wrong_name_is_told(tmp_path, kind, ending):
    Image.new("RGB", (8, 8)).save(tmp_path / f"a.{ending}", format=kind)
    with pytest.raises(ValueError, match=f"a.{ending} is no .* but a {kind}; give it a name that ends in"):
        read_settings(tmp_path / f"a.{ending}")


@pytest.mark.parametrize("ending", ["jpg", "webp", "png"])
def test_a_picture_without_settings_is_no_damaged_one(tmp_path, ending):
    with pytest.raises(ValueError, match=f"a.{ending} holds no settings"):
        read_settings(saved(tmp_path / f"a.{ending}"))


@pytest.mark.parametrize("comment", [b"ASCII\0\0\0my holiday", b"UNICODE\0" + "my holiday".encode("utf-16-le")])
def test_an_ordinary_comment_is_no_damaged_record(tmp_path, comment):
    with pytest.raises(ValueError, match="a.jpg holds no settings"):
        read_settings(saved(tmp_path / "a.jpg", comment))


@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged EXIF data
@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_damaged_exif_data_is_read_or_refused(tmp_path, ending):
    data = bytearray(saved(tmp_path / f"a.{ending}", COMMENTS["UTF-8 alone"]).read_bytes())
    for place in range(20, min(len(data), 260), 3):
        damaged = bytes(data[:place]) + bytes([data[place] ^ 0xFF]) + bytes(data[place + 1 :])
        path = tmp_path / f"damaged.{ending}"
        path.write_bytes(damaged)
        try:
            read_settings(path)
        except ValueError as error:
            assert path.name in str(error)


def test_settings_in_other_places_are_found(tmp_path):
    in_png = saved(tmp_path / "a.png", COMMENTS["UTF-16, high byte first"])
    described = saved(tmp_path / "b.jpg", tags=[(0x010E, TEXT)])
    commented = tmp_path / "c.jpg"
    Image.new("RGB", (64, 64)).save(commented, comment=TEXT.encode())
    for path in (in_png, described, commented):
        record = read_settings(path)
        assert (record["made_by"], record["settings"]["seed"]) == ("AUTOMATIC1111", 3)


@pytest.mark.parametrize("ending", ["txt", "gif", "avif"])
def test_other_files_are_told_what_is_read(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=f"a.{ending} cannot be read: read are PNG, JPEG and WebP"):
        read_settings(path)


def test_the_bytes_of_a_file_are_refused_in_one_line(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    with pytest.raises(TypeError, match=r"path is b'\\x89PNG.{0,60}\.\.\.; give a text or a Path") as error:
        read_settings((tmp_path / "a.png").read_bytes())
    assert len(str(error.value)) < 120
