"""Tags that lead from a scan to its survey."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.io import read_scan_tags, whole_grid


def tagged(tags, shape=(4, 3)):
    image = hs.signals.Signal2D(np.zeros(shape))
    sizes = {"Dimensions": {"Data0": shape[1], "Data1": shape[0]}}
    whole = {"ImageData": sizes, "ImageTags": tags}
    image.original_metadata.add_dictionary({"ImageList": {"TagGroup0": whole}})
    return image


def test_survey_and_scan_name_the_same_number():
    number = {str(n): 10 + n for n in range(4)}
    survey = read_scan_tags(tagged({"Survey Image": {"UID": number}}))
    acquisition = {
        "Survey Image": {"UID": number, "Spectrum Image Rect": (1, 2, 9, 8)},
        "Spatial Sampling": {"Height (pixels)": 4, "Width (pixels)": 3},
    }
    scan = read_scan_tags(tagged({"SI": {"Acquisition": acquisition}}))
    assert survey.survey == scan.survey == (10, 11, 12, 13)
    assert survey.rectangle is None
    # The file has top, left, bottom, right.
    assert scan.rectangle == (2.0, 1.0, 8.0, 9.0)
    assert scan.scan == scan.shape == (4, 3)


@pytest.mark.parametrize("tags", [{}, {"Survey Image": {"UID": dict.fromkeys("0123", 0)}}])
def test_files_without_a_number_name_no_survey(tags):
    assert read_scan_tags(tagged(tags)).survey is None
    assert read_scan_tags(hs.signals.Signal2D(np.zeros((4, 3)))).shape is None


def test_part_of_an_image_knows_the_whole():
    part = Grid((10, 20), (0.5, 0.5), (1.5, 3.0))
    whole = whole_grid(part, (40, 30), (2.0, 0.0))
    assert whole == Grid((40, 30), (0.5, 0.5), (-1.0, 0.0))
    for shape in ((12, 30), (40, 24)):
        with pytest.raises(ValueError, match="no part"):
            whole_grid(part, shape, (2.0, 0.0))
    with pytest.raises(ValueError, match="binned"):
        whole_grid(Grid((10, 20), (1.0, 1.0), (0.25, 0.25)), (40, 30), (0.0, 0.0))
