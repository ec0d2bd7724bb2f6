"""Conversion of mixtures, and their density on a grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from emgmm import InputError
from emgmm.io.gmm import FORMATS, read_gmm, read_gmm_file, write_gmm
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.maps.convert import convert
from emgmm.maps.rasterize import CUTOFF, enclosing_grid, rasterize
from emgmm.mixture import Mixture


@pytest.fixture
def mixture():
    random = np.random.default_rng(7)
    a = random.normal(size=(5, 3, 3))
    covariances = 4 * (a @ a.transpose(0, 2, 1)) + 4 * np.eye(3)
    return Mixture(random.normal(scale=10, size=(5, 3)), covariances, random.uniform(1, 9, 5))


def density_reference(mixture, points):
    """Σ ω φ(x), a component and a point at a time."""
    values = np.zeros(len(points))
    for mean, covariance, weight in zip(
        mixture.means, mixture.covariances, mixture.weights, strict=True
    ):
        for i, d in enumerate(points - mean):
            square = d @ np.linalg.solve(covariance, d)
            values[i] += (
                weight * np.exp(-square / 2) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
            )
    return values


def test_rasterised_density_is_the_sum_of_gaussians(mixture):
    grid = DensityMap(np.zeros((9, 7, 8), np.int8), [3, 4, 5], [-9, -14, -17])
    density = rasterize(mixture, grid)
    assert density.values.dtype == np.float32
    index = np.array(list(np.ndindex(8, 7, 9)))
    expected = density_reference(mixture, density.position(index))
    peaks = mixture.weights / np.sqrt(np.linalg.det(2 * np.pi * mixture.covariances))
    left_out = peaks.sum() * np.exp(-(CUTOFF**2) / 2)
    error = np.abs(density.values[tuple(index[:, ::-1].T)] - expected)
    assert (error <= left_out + 1e-6 * expected).all()
    assert expected.max() > 0.1 * peaks.max()


def test_mass_is_conserved_and_the_box_holds_the_mixture(mixture):
    density = rasterize(mixture, enclosing_grid(mixture, 1.5))
    assert density.values.sum(dtype=float) * 1.5**3 == pytest.approx(mixture.mass, rel=0.01)
    far = Mixture(mixture.means + 1e4, mixture.covariances, mixture.weights)
    assert not rasterize(far, density).values.any()
    default = enclosing_grid(mixture)
    thinnest = np.sqrt(np.linalg.eigvalsh(mixture.covariances)[:, 0])
    assert thinnest.min() <= default.voxel[0] <= thinnest.max()


@pytest.mark.parametrize(("a", "b"), list(itertools.product(FORMATS, FORMATS)))
def test_formats_convert_exactly(tmp_path, mixture, a, b):
    endings = {"imp": "txt", "gmconvert": "gmm", "plumed": "dat"}
    source, target = tmp_path / "s", tmp_path / f"t.{endings[b]}.gz"
    write_gmm(source, mixture, a)
    report = convert(source, target)
    assert report == {"path": str(target), "format": b, "components": 5}
    back = read_gmm_file(target)
    assert back.format == b
    assert np.array_equal(back.mixture.means, mixture.means)
    assert np.array_equal(back.mixture.covariances, mixture.covariances)
    assert np.array_equal(back.mixture.weights, mixture.weights)


def test_comments_follow_and_data_fn_stays_right(tmp_path, mixture):
    (tmp_path / "a" / "b").mkdir(parents=True)
    write_gmm(tmp_path / "s.txt", mixture, data_fn=tmp_path / "x.mrc", comments=["threshold: 2"])
    convert(tmp_path / "s.txt", tmp_path / "a" / "b" / "t.txt")
    comments = read_gmm_file(tmp_path / "a" / "b" / "t.txt").comments
    assert comments["data_fn"] == "../../x.mrc" and comments["threshold"] == "2"


def test_map_takes_the_grid_that_it_is_told(tmp_path, mixture):
    frame = DensityMap(np.ones((20, 21, 22), np.float32), [2, 2.5, 3], [-20, -25, -30])
    write_map(tmp_path / "x.mrc", frame)
    write_gmm(tmp_path / "named.txt", mixture, data_fn=tmp_path / "x.mrc")
    write_gmm(tmp_path / "plain.txt", mixture)
    expected = rasterize(mixture, frame)
    for source, options in [("named.txt", {}), ("plain.txt", {"like": tmp_path / "x.mrc"})]:
        report = convert(tmp_path / source, tmp_path / "y.map", force=True, **options)
        density = read_map(tmp_path / "y.map")
        assert np.array_equal(density.values, expected.values)
        assert density.origin.tolist() == frame.origin.tolist() == report["origin"]
        assert report["shape"] == [22, 21, 20] and report["grid"] == str(tmp_path / "x.mrc")
    report = convert(tmp_path / "named.txt", tmp_path / "z.mrc", voxel=2)
    assert report["voxel"] == [2, 2, 2] and report["grid"] == "box around the mixture"


def test_bad_requests(tmp_path, mixture):
    source = tmp_path / "s.txt"
    write_gmm(source, mixture)
    for target, options, message in [
        ("t.xyz", {}, "no ending that names a format"),
        ("t.txt", {"format": "pdb"}, "format 'pdb'"),
        ("t.txt", {"voxel": 2}, "--voxel: found a mixture to write"),
        ("t.mrc", {"voxel": 2, "like": "x.mrc"}, "one of them"),
        ("t.mrc", {"voxel": -2}, "voxel must be positive"),
        ("t.mrc", {"voxel": 1e-3}, "makes a box"),
        ("t.mrc", {"like": tmp_path / "none.mrc"}, "no such file"),
        ("s.txt", {}, "exists"),
    ]:
        with pytest.raises(InputError, match=message) as error:
            convert(source, tmp_path / target, **options)
        assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["s.txt"]
    with pytest.raises(InputError, match="no such file"):
        convert(tmp_path / "none.txt", tmp_path / "t.txt")


def test_a_published_mixture_overlays_its_map(shared_data):
    """50 components that IMP fitted to EMD-1883 (half a voxel beside it), in the map's frame."""
    density = read_map(shared_data / "maps" / "emd_1883_rnapolii.mrc.gz")
    mixture = read_gmm(shared_data / "gmm" / "rnapolii_emd1883" / "emd_1883.map.mrc.gmm.50.txt")
    masked = np.where(density.values > 0.0005, density.values, 0)

    def correlation(mixture):
        return np.corrcoef(rasterize(mixture, density).values.ravel(), masked.ravel())[0, 1]

    assert correlation(mixture) > 0.89
    for shift in 10 * np.vstack([np.eye(3), -np.eye(3)]):
        assert correlation(mixture.shifted(shift)) < 0.86
    mirror = np.diag([1, 1, -1])
    mirrored = Mixture(
        mixture.means @ mirror + [0, 0, 2 * mixture.center[2]],
        mirror @ mixture.covariances @ mirror,
        mixture.weights,
    )
    assert correlation(mirrored) < 0.5
