"""Mixtures as text: every format reads back as it was written, faulty files are refused."""

from __future__ import annotations

import gzip
import warnings

import numpy as np
import pytest
from emgmm import InputError
from emgmm.io.gmm import FORMATS, data_path, read_gmm, read_gmm_file, write_gmm
from emgmm.mixture import ComponentError, Mixture


def some_mixture(n=30, seed=1) -> Mixture:
    random = np.random.default_rng(seed)
    a = random.normal(size=(n, 3, 3))
    covariances = (a @ a.transpose(0, 2, 1) + 0.1 * np.eye(3)) * random.uniform(1, 50, (n, 1, 1))
    weights = random.uniform(size=n) * 10.0 ** random.integers(-9, 5, n)
    return Mixture(random.normal(scale=200, size=(n, 3)), covariances, weights)


def assert_equal(a: Mixture, b: Mixture) -> None:
    assert np.array_equal(a.means, b.means)
    assert np.array_equal(a.covariances, b.covariances)
    assert np.array_equal(a.weights, b.weights)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("format", FORMATS)
def test_written_mixtures_read_back_to_the_last_bit(tmp_path, format, suffix):
    mixture = some_mixture()
    path = tmp_path / f"a.any{suffix}"
    write_gmm(path, mixture, format, comments=["threshold: 0.1", "seed: 3"])
    back = read_gmm_file(path)
    assert back.format == format
    assert_equal(back.mixture, mixture)


@pytest.mark.parametrize("format", FORMATS)
def test_any_chain_of_formats_changes_nothing(tmp_path, format):
    mixture = some_mixture(seed=2)
    for step, name in enumerate([format, *FORMATS, format]):
        write_gmm(tmp_path / f"{step}", mixture, name)
        mixture = read_gmm(tmp_path / f"{step}")
    assert_equal(mixture, some_mixture(seed=2))


def test_gmconvert_numbers_past_9999_touch_the_word_before(tmp_path):
    mixture = some_mixture(10_050)
    write_gmm(tmp_path / "a.gmm", mixture, "gmconvert")
    text = (tmp_path / "a.gmm").read_text()
    (tmp_path / "b.gmm").write_text(text.replace("GAUSS 1", "GAUSS1"))
    assert_equal(read_gmm(tmp_path / "b.gmm"), mixture)


def test_imp_format_as_imp_parses_it(tmp_path):
    """The parsing rules of IMP.isd.gmm_tools and of IMP's metadata reader, applied by hand."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "gmm").mkdir()
    path = tmp_path / "gmm" / "a.txt"
    mixture = some_mixture()
    write_gmm(path, mixture, data_fn=tmp_path / "maps" / "x.mrc")
    lines = path.read_text().splitlines()
    rows = [line.split("|") for line in lines if line[0] != "#"]
    assert [float(row[2]) for row in rows] == mixture.weights.tolist()
    assert [[float(x) for x in row[3].split()] for row in rows] == mixture.means.tolist()
    covariances = [np.array(row[4].split(), float).reshape(3, 3) for row in rows]
    assert np.array_equal(covariances, mixture.covariances)
    assert "# data_fn: ../maps/x.mrc" in lines
    assert "# ncenters: 30" in lines and "# covar_type: full" in lines
    assert data_path(path).resolve() == tmp_path / "maps" / "x.mrc"


def test_files_are_overwritten_only_by_force(tmp_path):
    path = tmp_path / "a.txt"
    write_gmm(path, some_mixture())
    with pytest.raises(InputError, match="exists"):
        write_gmm(path, some_mixture(3))
    assert len(read_gmm(path)) == 30
    write_gmm(path, some_mixture(3), force=True)
    assert len(read_gmm(path)) == 3
    with pytest.raises(InputError, match="'xml', expected imp or gmconvert or plumed"):
        write_gmm(tmp_path / "b", some_mixture(), "xml")


IMP_ROW = "|0|1.5|1 2 3|2 0 0 0 2 0 0 0 2|\n"
GMCONVERT = (
    "REMARK NGAUSS 1\nREMARK GAUSS   1 W 0.5\nREMARK GAUSS   1 M 1 2 3\n"
    "REMARK GAUSS   1 CovM  xx 2 xy 0 xz 0\nREMARK GAUSS   1 CovM  yy 2 yz 0 zz 2\n"
)
PLUMED = (
    "#! FIELDS Id Weight Mean_0 Mean_1 Mean_2 Cov_00 Cov_01 Cov_02 Cov_11 Cov_12 Cov_22 Beta\n"
    "0 1.5 .1 .2 .3 .02 0 0 .02 0 .02 0\n"
)


def test_smallest_files(tmp_path):
    for text in (IMP_ROW, GMCONVERT, PLUMED, "\n# note\n\n" + IMP_ROW):
        (tmp_path / "a").write_text(text)
        mixture = read_gmm(tmp_path / "a")
        assert mixture.means.tolist() == [[1, 2, 3]]
        assert mixture.covariances[0].tolist() == (2 * np.eye(3)).tolist()


FAULTS = {
    "empty": ("", "no component"),
    "only comments": ("# ncenters: 0\n", "no component"),
    "prose": ("Dear all,\n", "line 1: found 'Dear all,'"),
    "a PDB file": ("HEADER    HYDROLASE\nREMARK   2\n", "no component"),
    "fewer than promised": ("# ncenters: 2\n" + IMP_ROW, "line 1: found 1 components, expected 2"),
    "cut in the row": (IMP_ROW + IMP_ROW[:20], r"line 2: found '\|0\|1.5.*nine covariances"),
    "two means": (IMP_ROW.replace("1 2 3", "1 2"), "line 1: found 2 means, expected 3"),
    "six covariances": (IMP_ROW.replace("2 0 0 0 2", "2 0"), "line 1: found 6 covariances"),
    "a word": (IMP_ROW.replace("1.5", "heavy"), "line 1: found weight 'heavy', expected a number"),
    "NaN mean": (IMP_ROW + IMP_ROW.replace("1 2", "1 nan"), "line 2: found a mean that is 1 nan 3"),
    "infinite weight": (IMP_ROW.replace("1.5", "1e999"), "line 1: found a weight that is inf"),
    "zero weight": (IMP_ROW * 2 + IMP_ROW.replace("1.5", "0"), "line 3: found a weight that is 0"),
    "negative weight": (IMP_ROW.replace("1.5", "-2"), "found a weight that is -2, expected pos"),
    "no covariance": (IMP_ROW.replace("|2 ", "|-2 "), "singular or negative"),
    "not symmetric": (IMP_ROW.replace("|2 0", "|2 1"), "line 1.*not symmetric"),
    "gmconvert short": (GMCONVERT.replace("NGAUSS 1", "NGAUSS 4"), "expected 4, as its header"),
    "gmconvert cut": (GMCONVERT[:-5], "line 5: found 2 covariances"),
    "gmconvert no mean": (GMCONVERT.replace(" M ", " N "), "component 1 without all its numbers"),
    "gmconvert twice": (GMCONVERT + GMCONVERT, "line 7: found component 1 twice"),
    "gmconvert key": (GMCONVERT.replace("xy", "xw"), "line 4: found xx 2 xw 0 xz 0"),
    "gmconvert weight": (GMCONVERT.replace("0.5", "0"), "line 2: found a weight that is 0"),
    "gmconvert singular": (GMCONVERT.replace("zz 2", "zz 0"), "line 5: found a cov.*singular"),
    "plumed field": (PLUMED.replace("Cov_11", "Cov_xx"), "line 1: found no field Cov_11"),
    "plumed columns": (PLUMED[:-3] + "\n", "line 2: found 11 columns, expected 12"),
    "plumed weight": (PLUMED.replace("1.5", "-1"), "line 2: found a weight that is -1"),
    "plumed NaN": (PLUMED.replace(".1", "nan"), "line 2: found a mean that is nan 2 3"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_files_are_refused_in_one_line(tmp_path, fault):
    text, message = FAULTS[fault]
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_gmm(tmp_path / "a.txt")
    assert str(tmp_path / "a.txt") in str(error.value) and "\n" not in str(error.value)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a").write_bytes(IMP_ROW.encode() + b"\xff\xfe")
    with pytest.raises(InputError, match=r"line 2: found a byte that is not text \(0xff\)"):
        read_gmm(tmp_path / "a")
    (tmp_path / "b").write_bytes(gzip.compress(IMP_ROW.encode() * 1000)[:-20])
    with pytest.raises(InputError, match="broken or cut short"):
        read_gmm(tmp_path / "b")


def test_mixture_refuses_bad_components():
    good = some_mixture()
    for change, quantity, found in [
        ((0, np.full(3, np.nan)), "mean", "nan"),
        ((1, np.diag([1, 1, 0.0])), "covariance", "singular"),
        ((1, np.diag([1e300, 1e300, -1e300])), "covariance", "negative"),
        ((1, np.arange(9.0).reshape(3, 3)), "covariance", "not symmetric"),
        ((2, 0.0), "weight", "0"),
    ]:
        arrays = [good.means.copy(), good.covariances.copy(), good.weights.copy()]
        arrays[change[0]][7] = change[1]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ComponentError, match=f"{quantity} of component 7.*{found}"):
                Mixture(*arrays)
    with pytest.raises(ValueError, match="needs means"):
        Mixture(good.means, good.covariances, good.weights[1:])
    assert len(Mixture(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))) == 0


def test_mixture_moves_and_scales():
    mixture = some_mixture()
    moved = mixture.moved(np.array([0.5**0.5, 0, 0, 0.5**0.5, 1, 2, 3]))  # a quarter about z
    assert moved.means[:, 0] == pytest.approx(1 - mixture.means[:, 1])
    assert moved.covariances[:, 0, 0] == pytest.approx(mixture.covariances[:, 1, 1])
    assert mixture.shifted([1, 2, 3]).means[:, 1] == pytest.approx(2 + mixture.means[:, 1])
    assert mixture.scaled_to(7).mass == pytest.approx(7)
    assert len(Mixture.concatenated([mixture, moved])) == 60
    assert mixture.center == pytest.approx(np.average(mixture.means, 0, mixture.weights))


# Published files.


@pytest.mark.parametrize(
    ("name", "format", "components"),
    [
        ("gmconvert_format/ORF2p_map_ng55.gmm", "gmconvert", 55),
        ("gmconvert_format/gmconvert_out20.gmm", "gmconvert", 20),
        ("imp_tests/1mda_imp.gmm", "imp", 118),
        ("imp_tests/test.gmm.txt", "imp", 20),
        ("plumed_emmi/data_gmm.dat", "plumed", 9),
        ("rnapolii_emd1883/emd_1883.map.mrc.gmm.50.txt", "imp", 50),
        ("rnapolii_levels/5_imp.gmm.gz", "imp", 940),
        ("t6ss_emd5739/128.txt", "imp", 89),
    ],
)
def test_published_files_load(shared_data, tmp_path, name, format, components):
    file = read_gmm_file(shared_data / "gmm" / name)
    assert (file.format, len(file.mixture)) == (format, components)
    for other in FORMATS:
        write_gmm(tmp_path / other, file.mixture, other)
        assert_equal(read_gmm(tmp_path / other), file.mixture)


def test_plumed_is_read_in_angstrom(shared_data):
    mixture = read_gmm(shared_data / "gmm" / "plumed_emmi" / "data_gmm.dat")
    assert mixture.means[0].tolist() == [29.436767, 38.774462, 16.517601]
    assert mixture.covariances[0, 0].tolist() == [1.0539333574, 0.4947567592, 0.10740683]
    assert mixture.weights[0] == 2.5938637e-03


def test_a_published_conversion_agrees(shared_data):
    folder = shared_data / "gmm" / "gmconvert_format"
    full, cut = (
        read_gmm(folder / name) for name in ("ORF2p_map_ng55.gmm", "ORF2p_map_ng55_cut.txt")
    )
    rows = [int(np.argmin(np.square(full.means - m).sum(axis=1))) for m in cut.means]
    assert cut.means == pytest.approx(full.means[rows], abs=1e-6)
    assert cut.covariances == pytest.approx(full.covariances[rows], abs=1e-9)
    assert cut.weights == pytest.approx(full.weights[rows], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("rnapolii_levels/6_imp.gmm.gz", 2618, "a weight that is 0"),
        ("t6ss_emd5739/256.txt", 111, "a covariance that is singular"),
        ("t6ss_emd5739/512.txt", 157, "a covariance that is nan"),
        ("t6ss_emd5739/1024.txt", 332, "a covariance that is nan"),
    ],
)
def test_faulty_published_files_are_refused(shared_data, name, line, found):
    with pytest.raises(InputError, match=f"line {line}: found {found}") as error:
        read_gmm(shared_data / "gmm" / name)
    assert "\n" not in str(error.value)
