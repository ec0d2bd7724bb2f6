"""Maps and mixtures that we write are the same maps and mixtures in IMP."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from emgmm.io.gmm import read_gmm, write_gmm
from emgmm.io.maps import DensityMap, read_map, write_map
from emgmm.mixture import Mixture

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
for _module in ("IMP.atom", "IMP.core", "IMP.em", "IMP.isd", "IMP.isd.gmm_tools"):
    pytest.importorskip(_module, reason=f"needs {_module}, which cannot be imported")


def test_imp_reads_our_maps_in_the_same_frame(tmp_path):
    values = np.random.default_rng(3).normal(size=(4, 5, 6)).astype(np.float32)
    ours = DensityMap(values, [2.5] * 3, [-7.5, 20, 3.25])
    write_map(tmp_path / "a.mrc", ours)
    theirs = IMP.em.read_map(str(tmp_path / "a.mrc"), IMP.em.MRCReaderWriter())
    assert theirs.get_spacing() == pytest.approx(2.5)
    for i in range(theirs.get_number_of_voxels()):
        z, y, x = np.unravel_index(i, values.shape)
        assert theirs.get_value(i) == values[z, y, x]
        assert list(theirs.get_location_by_voxel(i)) == pytest.approx(ours.position([x, y, z]))


def test_we_read_maps_that_imp_writes(tmp_path):
    box = IMP.algebra.BoundingBox3D([-7.5, 20, 3], [7.5, 40, 23])
    theirs = IMP.em.create_density_map(box, 2.5)
    theirs.set_value(77, 4.0)
    IMP.em.write_map(theirs, str(tmp_path / "b.mrc"), IMP.em.MRCReaderWriter())
    ours = read_map(tmp_path / "b.mrc")
    indices, peak = ours.above(1)
    assert peak.tolist() == [4]
    assert ours.position(indices[0]) == pytest.approx(list(theirs.get_location_by_voxel(77)))


def test_imp_reads_and_writes_our_mixtures(tmp_path):
    random = np.random.default_rng(4)
    a = random.normal(size=(8, 3, 3))
    covariances = 9 * (a @ a.transpose(0, 2, 1)) + np.eye(3)
    ours = Mixture(random.normal(scale=50, size=(8, 3)), covariances, random.uniform(1, 99, 8))
    write_gmm(tmp_path / "a.txt", ours)
    model, particles = IMP.Model(), []
    IMP.isd.gmm_tools.decorate_gmm_from_text(str(tmp_path / "a.txt"), particles, model)
    assert [IMP.atom.Mass(p).get_mass() for p in particles] == pytest.approx(ours.weights)
    for p, mean, covariance in zip(particles, ours.means, ours.covariances, strict=True):
        gaussian = IMP.core.Gaussian(p).get_gaussian()
        assert list(gaussian.get_center()) == pytest.approx(mean)
        assert np.array(IMP.algebra.get_covariance(gaussian)) == pytest.approx(covariance)
    with contextlib.redirect_stdout(io.StringIO()):
        IMP.isd.gmm_tools.write_gmm_to_text(particles, str(tmp_path / "b.txt"), ["data_fn: x.mrc"])
    back = read_gmm(tmp_path / "b.txt")
    assert back.means == pytest.approx(ours.means)
    assert back.covariances == pytest.approx(ours.covariances)
