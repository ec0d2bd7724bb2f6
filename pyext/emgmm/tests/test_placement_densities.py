"""Fine and coarse mixtures of the search agree on what they describe."""

import numpy as np
import pytest
from emgmm.fitting import fit_points
from emgmm.io.structures import read_structure
from emgmm.placement.densities import COARSE, Densities
from emgmm.scoring import ScoreOptions

from .test_placement import system_of_chains

pytestmark = pytest.mark.instruction_sets


@pytest.fixture(scope="module")
def structure(shared_data):
    return read_structure(shared_data / "complexes" / "2hle.pdb.gz")


def densities(structure, dalton, **options):
    system = system_of_chains(structure, dalton)
    n = round(structure.mass.sum() / dalton)
    data = fit_points(structure.xyz, structure.mass, n, seed=5).scaled_to(system.mass)
    poses = np.concatenate([np.tile([1.0, 0, 0, 0], (2, 1)), system.bodies.translation], axis=1)
    return Densities.of_system(system, np.arange(2), data, ScoreOptions(**options)), poses


def test_coarse_ones_hold_as_much_with_few_components(structure):
    fine, _ = densities(structure, 300.0)
    coarse = fine.coarse()
    for one, other in zip([fine.data, *fine.bodies], [coarse.data, *coarse.bodies], strict=True):
        assert other.mass == pytest.approx(one.mass)
        assert other.center == pytest.approx(one.center, abs=1e-6)
        assert one.mass / COARSE / 1.2 <= len(other) <= one.mass / COARSE + 1


def test_coarse_ones_tell_right_from_wrong(structure):
    fine, poses = densities(structure, 300.0)
    term = fine.coarse().term()
    native = term.evaluate(poses)
    for turn in ([0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]):
        wrong = poses.copy()
        wrong[1, :4] = turn
        assert term.evaluate(wrong) > native + 2


def test_few_components_stay_as_they_are(structure):
    fine, poses = densities(structure, COARSE, component_error=(0.1,) * 30)
    assert len(fine.data) == 30
    coarse = fine.coarse()
    assert coarse.options == fine.options
    assert coarse.term().evaluate(poses) == fine.term().evaluate(poses)


def test_errors_of_components_go_with_them(structure):
    n = round(structure.mass.sum() / 300.0)
    fine, poses = densities(structure, 300.0, component_error=(0.1,) * n)
    assert np.isfinite(fine.coarse().term().evaluate(poses))
