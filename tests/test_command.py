"""The command ``hyperspy-twin`` as a person types it."""

from __future__ import annotations

from html.parser import HTMLParser

import hyperspy.api as hs
import numpy as np
import pytest
import tifffile
from PIL import Image

import hyperspy_twin as ht
from hyperspy_twin.cli import main
from hyperspy_twin.workflow import run


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "well.hspy"
    ht.data.sige_quantum_well(shape=(420, 448), well_thickness=6.0).save(path)
    return path


@pytest.fixture(scope="module")
def results(image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    arguments = ["--phases", "Si", "Ge", "--out", str(folder), "--thickness", "2", "--quiet"]
    assert main(["run", str(image), *arguments]) == 0
    return folder


def test_every_step_is_saved_and_continues(results):
    names = ["segmented", "indexed", "strain", "model"]
    kinds = [type(hs.load(results / f"{name}.hspy")) for name in names]
    assert kinds == [ht.SegmentedImage, ht.IndexedFFT, ht.StrainMap, ht.AtomicModel]
    model = hs.load(results / "strain.hspy").to_atoms(thickness=2.0)
    np.testing.assert_array_equal(model.positions, hs.load(results / "model.hspy").positions)


def test_report_shows_every_step_and_all_its_links_exist(results):
    page = (results / "report.html").read_text(encoding="utf-8")
    for text in ("Regions", "Phases", "Strain", "Atomic model", "[110]", "0.036 nm per pixel"):
        assert text in page
    links = Links()
    links.feed(page)
    assert len(links.found) >= 5
    assert all((results / link).stat().st_size > 1000 for link in links.found)


def test_report_escapes_what_comes_from_the_file(image, tmp_path):
    signal = hs.load(image)
    signal.metadata.General.title = "<script>alert(1)</script>"
    signal.save(tmp_path / "evil.hspy")
    assert main(["run", str(tmp_path / "evil.hspy"), "--phases", "Ge", "--quiet", "--out",
                 str(tmp_path / "out")]) == 0  # fmt: skip
    assert "<script>" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_chain_that_stops_says_where_and_why(tmp_path, capsys):
    signal = hs.signals.Signal2D(np.random.default_rng(0).normal(size=(200, 200)))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.03, "nm"
    signal.save(tmp_path / "noise.hspy")
    code = main(["run", str(tmp_path / "noise.hspy"), "--phases", "Si", "--out", str(tmp_path)])
    assert code == 1
    assert "no region has a lattice" in capsys.readouterr().out
    assert "no region has a lattice" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "segmented.hspy").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.dm4", "--phases", "Si"], "missing.dm4"),
        (["{text}", "--phases", "Si"], "damaged or of an unknown format"),
        (["{image}", "--phases", "Unobtainium"], "Unobtainium"),
        (["{image}", "--phases", "Si", "--thickness", "0"], "thickness"),
        (["{image}", "--phases", "Si", "--pixel-size", "-1"], "pixel size"),
        (["{image}", "--phases", "Si", "--dataset", "3"], "images 0 to 0"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(arguments, message, image, tmp_path, capsys):
    text = tmp_path / "notes.dm4"
    text.write_text("not an image")
    filled = [argument.format(image=image, text=text) for argument in arguments]
    assert main(["run", *filled, "--out", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]
    assert lines[-1].startswith("hyperspy-twin: error: ")
    assert "Traceback" not in "\n".join(lines)


def series(path):
    tifffile.imwrite(path, np.random.default_rng(0).random((3, 64, 64)).astype("f4"), imagej=True)
    return path


def test_series_is_refused_before_any_work_and_a_frame_can_be_chosen(tmp_path, capsys):
    path = series(tmp_path / "series.tif")
    out = tmp_path / "out"
    assert main(["run", str(path), "--phases", "Si", "--quiet", "--out", str(out)]) == 2
    assert "a series of 3 images: choose one with --frame 0 to --frame 2" in capsys.readouterr().err
    assert not out.exists()
    arguments = ["run", str(path), "--phases", "Si", "--quiet", "--out", str(out), "--frame"]
    assert main([*arguments, "1"]) == 1
    np.testing.assert_array_equal(hs.load(out / "segmented.hspy").data, tifffile.imread(path)[1])
    assert "no region has a lattice" in capsys.readouterr().err
    assert main([*arguments, "3"]) == 2
    assert "frames 0 to 2, no 3" in capsys.readouterr().err


def test_series_in_python_is_refused_before_any_work():
    stack = ht.Micrograph(np.random.default_rng(0).random((3, 64, 64)))
    with pytest.raises(ValueError, match=r"stack of 3 images: choose one with s\.inav"):
        next(run(stack))


@pytest.mark.parametrize("suffix", ["hdf5", "h5"])
def test_old_file_of_hyperspy_is_known_by_what_it_says(tmp_path, suffix):
    hs.signals.Signal2D(np.ones((20, 30))).save(tmp_path / "old.hspy")
    path = (tmp_path / "old.hspy").rename(tmp_path / f"old.{suffix}")
    assert ht.load(path).data.shape == (20, 30)


def test_list_of_data_sets_tells_name_size_and_type(tmp_path, capsys):
    image = np.arange(64 * 80, dtype="u2").reshape(64, 80)
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(np.dstack([image.astype("u1")] * 3), photometric="rgb")
        writer.write(image, photometric="minisblack")
    assert main(["run", str(tmp_path / "two.tif"), "--phases", "Si"]) == 2
    error = capsys.readouterr().err
    assert "0: two.tif, 80 x 64, uint8 of colours" in error
    assert "1: two.tif, 80 x 64, uint16)" in error
    assert "--dataset" in error


def test_unit_that_is_not_understood_is_told_with_the_option_that_helps(tmp_path, capsys):
    noise = np.random.default_rng(0).random((64, 64)).astype("f4")
    path = tmp_path / "furlong.tif"
    tifffile.imwrite(path, noise, imagej=True, resolution=(50, 50), metadata={"unit": "furlong"})
    arguments = ["run", str(path), "--phases", "Si", "--out", str(tmp_path)]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "the unit 'furlong' of the x axis is not understood" in error
    assert error.strip().endswith("give --pixel-size") and "s." not in error
    assert main([*arguments, "--pixel-size", "0.02"]) == 1
    assert hs.load(tmp_path / "segmented.hspy").axes_manager["x"].scale == 0.02


def test_what_was_changed_is_told_once_even_when_quiet(tmp_path, capsys):
    grey = np.random.default_rng(0).integers(0, 200, (64, 64), np.uint8)
    Image.fromarray(np.dstack([0 * grey, grey, grey])).save(tmp_path / "cyan.png")
    arguments = [str(tmp_path / "cyan.png"), "--phases", "Si", "--out", str(tmp_path)]
    for quiet in ([], ["--quiet"]):
        assert main(["run", *arguments, *quiet]) == 1
        shown = capsys.readouterr()
        assert (shown.err + shown.out).count("colours turned into luminance") == 1
    assert "colours turned into luminance" in (tmp_path / "report.html").read_text("utf-8")


def test_demo_takes_the_bundled_sample(tmp_path, monkeypatch, capsys):
    sample = ht.data.sige_quantum_well(shape=(420, 448), well_thickness=6.0)
    monkeypatch.setattr(ht.data, "sige_quantum_well", lambda: sample)
    assert main(["demo", "--out", str(tmp_path)]) == 0
    assert "4/4" in capsys.readouterr().out
