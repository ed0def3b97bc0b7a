"""The command ``hyperspy-twin`` as a person types it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

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


# What a message for the command line must not hold: calls of Python, and how it writes objects.
PYTHON = re.compile(r"\bs\.\w|\w\(\.\.\.\)|index_phases|<\w+[ :]|np\.|Path\(|\[Errno")


def regions_only(path, out, *more):
    return main(["run", str(path), "--regions-only", "--quiet", "--out", str(out), *more])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Bright square on noise, without title and scale."""
    values = np.random.default_rng(1).normal(size=(64, 96)).astype("f4")
    values[20:44, 30:66] += 20
    path = tmp_path_factory.mktemp("small") / "two squares.tif"
    tifffile.imwrite(path, values)
    return path


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
    pictures = [link for link in links.found if link.startswith("data:image/png;base64,")]
    others = [link for link in links.found if link not in pictures]
    sizes = [Image.open(BytesIO(b64decode(link.partition(",")[2]))).size for link in pictures]
    assert len(sizes) == 4 and min(map(min, sizes)) > 200
    assert all((results / link).stat().st_size > 1000 for link in others)
    top = page.partition("<h2>")[0]
    assert "<h1>well.hspy</h1>" in top and "Ge quantum well in SiGe" in top
    for text in ("Regions: 3 regions", "Phases: region 1: ", "e_yy +", "atoms (Ge", "Ge Si"):
        assert text in top
    words = re.sub(r'"data:[^"]+"', "", page)
    assert "null" not in words and "NaN" not in words and "&lt;Calibration" not in words


def test_report_escapes_what_comes_from_the_file(image, tmp_path):
    signal = hs.load(image)
    signal.metadata.General.title = "<script>alert(1)</script>"
    signal.metadata.set_item("Sample.description", "<script>alert(2)</script>")
    signal.save(tmp_path / "evil.hspy")
    assert regions_only(tmp_path / "evil.hspy", tmp_path / "out") == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page and page.count("&lt;script&gt;") == 2


def test_chain_that_stops_says_where_and_why(tmp_path, capsys):
    signal = hs.signals.Signal2D(np.random.default_rng(0).normal(size=(200, 200)))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.03, "nm"
    signal.save(tmp_path / "noise.hspy")
    code = main(
        [
            "run",
            str(tmp_path / "noise.hspy"),
            "--phases",
            "Si",
            "--out",
            str(out := tmp_path / "out"),
        ]
    )
    assert code == 1
    assert "no region has a lattice" in capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "no region has a lattice" in page.partition("<h2>")[0]
    assert (out / "segmented.hspy").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.dm4", "--phases", "Si"], "missing.dm4"),
        (["{text}", "--phases", "Si"], "damaged or of an unknown format"),
        (["{image}", "--phases", "Unobtainium"], "Unobtainium"),
        (["{image}", "--phases", "Si", "--thickness", "0"], "thickness"),
        (["{image}", "--phases", "Si", "--pixel-size", "-1"], "pixel size"),
        (["{image}", "--phases", "Si", "--dataset", "3"], "images 0 to 0"),
        (["{image}", "--phases", "Si", "--method", "edge"], "no --method 'edge': choose one of"),
        (["{image}", "--phases", "Si", "--reference", "9"], "no region 9 for the reference"),
        (["{image}", "--phases", "Si", "--frame", "2"], "a single image, no frame 2"),
        (["{image}", "--phases", "Si", "--regions-only"], "--regions-only takes no --phases"),
        (["{image}", "--phases", "srtio3"], "Did you mean SrTiO3"),
        (["{image}", "--phases", "Si0.3Ge0.7x"], "no bundled structure is called"),
        (["{image}", "--phases", "absent.cif"], "'absent.cif' does not exist"),
        (["{image}", "--phases", "Si", "--out", "{text}"], "is a file: give a new"),
        (["{bare}"], "name them with --phases"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(arguments, message, image, tmp_path, capsys):
    text = tmp_path / "notes.dm4"
    text.write_text("not an image")
    ht.Micrograph(np.eye(64)).save(tmp_path / "bare.hspy")
    before = sorted(tmp_path.iterdir())
    names = {"image": image, "text": text, "bare": tmp_path / "bare.hspy"}
    filled = [argument.format(**names) for argument in arguments]
    assert main(["run", "--out", str(tmp_path / "new" / "out"), *filled]) == 2
    assert sorted(tmp_path.iterdir()) == before
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]
    assert lines[-1].startswith("hyperspy-twin: error: ")
    assert "Traceback" not in "\n".join(lines)
    assert not PYTHON.search(lines[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "a.tif", "--thickness", "thin"], "argument --thickness: needs a number, not thin"),
        (["run", "a.tif", "--frame", "1.5"], "argument --frame: needs a whole number, not 1.5"),
        (["run"], "required: IMAGE"),
        (["run", "a.tif", "--no-such"], "unrecognized arguments: --no-such"),
        (["run", "a.tif", "--calibrate", "me"], "--calibrate"),
    ],
)
def test_wrong_arguments_give_one_line_as_well(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line and line.startswith("hyperspy-twin: error: ")


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"hyperspy-twin {ht.__version__}\n"


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
    arguments = ["run", str(path), "--phases", "Si", "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "the unit 'furlong' of the x axis is not understood" in error
    assert error.strip().endswith("give --pixel-size") and "s." not in error
    assert main([*arguments, "--pixel-size", "0.02"]) == 1
    assert hs.load(tmp_path / "out" / "segmented.hspy").axes_manager["x"].scale == 0.02


def test_what_was_changed_is_told_once_even_when_quiet(tmp_path, capsys):
    grey = np.random.default_rng(0).integers(0, 200, (64, 64), np.uint8)
    Image.fromarray(np.dstack([0 * grey, grey, grey])).save(tmp_path / "cyan.png")
    arguments = [str(tmp_path / "cyan.png"), "--phases", "Si", "--out", str(tmp_path / "out")]
    for quiet in ([], ["--quiet"]):
        assert main(["run", *arguments, *quiet]) == 1
        shown = capsys.readouterr()
        assert (shown.err + shown.out).count("colours turned into luminance") == 1
    assert "colours turned into luminance" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_demo_takes_the_bundled_sample(tmp_path, monkeypatch, capsys):
    sample = ht.data.sige_quantum_well(shape=(420, 448), well_thickness=6.0)
    monkeypatch.setattr(ht.data, "sige_quantum_well", lambda: sample)
    more = ["--reference", "1", "--calibrate", "crystals", "--method", "edges"]
    assert main(["demo", "--out", str(tmp_path / "out"), *more]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("simulating the image of the sample\n")
    assert "4/4" in shown and "reference region 1" in shown
    assert "note: The pixel size was set by the crystals" in shown
    strain = hs.load(tmp_path / "out" / "strain.hspy")
    assert strain.reference == 1
    steps = {step["step"]: step["parameters"] for step in strain.history}
    assert steps["segment"]["method"] == "edges"
    assert strain.axes_manager["x"].scale == steps["apply_calibration"]["pixel_size"][0]


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_regions_only_stops_there_with_a_report(small, tmp_path, capsys):
    assert regions_only(small, tmp_path / "out", "--method", "edges") == 0
    names = {"report.html", "run.json", "segmented.hspy", "segmented.png"}
    assert set(contents(tmp_path / "out")) == names
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<h1>two squares.tif</h1>" in page and "96 × 64 pixels" in page
    top = page.partition("<h2>")[0]
    assert "pixel size is not known" in top and "give --pixel-size" in top
    assert not PYTHON.search(re.sub(r"</?\w[^>]*>", " ", top.partition("</style>")[2]))
    assert "Regions: 2 regions" in top
    assert "Edges" in page and "null" not in page


def test_folder_of_another_run_is_refused_and_nothing_in_it_changes(small, tmp_path, capsys):
    out = tmp_path / "out"
    assert regions_only(small, out) == 0
    before = contents(out)
    tifffile.imwrite(tmp_path / "other.tif", np.flipud(tifffile.imread(small)))
    for path, more, differing in (
        (tmp_path / "other.tif", [], "image"),
        (small, ["--pixel-size", "0.02"], "--pixel-size"),
        (small, ["--method", "edges", "--thickness", "3"], "--thickness and --method"),
    ):
        assert regions_only(path, out, *more) == 2
        error = capsys.readouterr().err
        assert f"results of another run (with another {differing})" in error and "--out" in error
        assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["out"]


def test_same_run_replaces_its_own_files_and_keeps_others(small, tmp_path):
    out = tmp_path / "out"
    assert regions_only(small, out) == 0
    record = json.loads((out / "run.json").read_text("utf-8"))
    (out / "old.png").write_text("of the same run, made by an older version")
    (out / "run.json").write_text(json.dumps({**record, "files": [*record["files"], "old.png"]}))
    (out / "my notes.txt").write_text("mine")
    (out / "report.html").write_text("old")
    copy = tmp_path / "copy of it.tif"
    copy.write_bytes(small.read_bytes())
    assert regions_only(copy, out) == 0
    assert not (out / "old.png").exists()
    assert (out / "my notes.txt").read_text() == "mine"
    assert "two squares" not in (out / "report.html").read_text("utf-8")
    assert record == json.loads((out / "run.json").read_text("utf-8"))


def test_error_in_the_middle_leaves_the_old_results(small, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    assert regions_only(small, out) == 0
    before = contents(out)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("hyperspy_twin.report._history", interrupt)
    assert regions_only(small, out) == 130
    assert "interrupted" in capsys.readouterr().err
    assert contents(out) == before and list(tmp_path.iterdir()) == [out]


def test_folder_with_other_files_is_refused(small, tmp_path, capsys):
    (tmp_path / "run.json").write_text("[1, 2]")
    (tmp_path / "thesis.tex").write_text("mine")
    assert regions_only(small, tmp_path) == 2
    assert "holds other files (run.json, thesis.tex)" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 2


def test_new_folder_can_be_used_by_others(small, tmp_path):
    (tmp_path / "plain").mkdir()
    assert regions_only(small, tmp_path / "deep" / "out") == 0
    mode = (tmp_path / "deep" / "out").stat().st_mode
    assert mode == (tmp_path / "plain").stat().st_mode
