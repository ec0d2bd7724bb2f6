"""Values of the package go to the core and come back as they are."""

import ast
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from emgmm import _core
from emgmm.mixture import ComponentError, Mixture
from emgmm.representation.system import Spheres
from emgmm.scoring.crosslinks import Contributions
from emgmm.scoring.mixture_score import make_score
from emgmm.scoring.terms import TermSpec, density_term
from emgmm.symmetry import Symmetry

NOWHERE = np.array([[1.0, 0, 0, 0, 0, 0, 0]])


def blob(n=5, seed=1):
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((n, 3, 3)))[0]
    covariances = (axes * rng.uniform(5, 30, (n, 1, 3))) @ axes.transpose(0, 2, 1)
    return Mixture(rng.normal(0, 10, (n, 3)), covariances, rng.uniform(1, 2, n))


def beads(count=2, **wrong):
    columns = {
        "body": np.arange(count),
        "local": np.zeros((count, 3)),
        "radius": np.ones(count),
    }
    return Spheres(**(columns | wrong))


def test_components_are_picked_as_of_an_array():
    mixture = blob()
    for kept in ([3, 1], mixture.weights > 1.5, slice(1, 4)):
        np.testing.assert_array_equal(mixture[kept].means, mixture.means[kept])
        np.testing.assert_array_equal(mixture[kept].covariances, mixture.covariances[kept])
        np.testing.assert_array_equal(mixture[kept].weights, mixture.weights[kept])


def test_a_fitted_mixture_comes_as_one():
    points = np.random.default_rng(2).normal(0, 10, (40, 3))
    fitted = _core.fit_points(points, np.ones(40), 3)
    assert isinstance(fitted, Mixture) and len(fitted) == 3
    assert fitted.mass == pytest.approx(40)


def test_what_mixture_refuses_the_core_cannot_return():
    line = np.outer(np.arange(4.0), [10.0, 0.0, 0.0])
    with pytest.raises(ComponentError, match="singular"):
        _core.fit_points(line, np.ones(4), 1, variance_floor=1e-20)


def test_any_strides_and_whole_numbers_will_do():
    class Loose:
        means = np.arange(30.0).reshape(5, 6)[:, ::2]
        covariances = np.tile(np.eye(3, dtype=int) * 4, (5, 1, 1))
        weights = np.ones(5, dtype=np.float32)

    score = make_score(blob())
    same = Mixture(Loose.means, Loose.covariances, Loose.weights)
    assert score.evaluate(Loose) == score.evaluate(same)
    term = density_term(score, [blob(seed=2)])
    wide = np.array([[1.0, 0, 0, 0, 5, 5, 5, 9]])
    assert term.evaluate(wide[:, :7]) == term.evaluate(wide[:, :7].copy())


class Short:
    means, covariances, weights = np.zeros((2, 3)), np.zeros((3, 3, 3)), np.ones(3)


@pytest.mark.parametrize("other", [None, 3.0, np.zeros((3, 3)), Short])
def test_what_is_no_mixture_is_refused(other):
    with pytest.raises(TypeError, match=r"emgmm\.mixture\.Mixture"):
        make_score(blob()).evaluate(other)
    with pytest.raises(TypeError, match=r"emgmm\.mixture\.Mixture"):
        _core.density_term(make_score(blob()), [blob(), other])


def test_columns_of_other_lengths_are_named():
    with pytest.raises(ValueError, match="radii must have 2 rows, got 3"):
        _core.excluded_volume_term(2, beads(radius=np.ones(3)), 1.0)
    with pytest.raises(ValueError, match="second must have 2 rows, got 1"):
        _core.connectivity_term(2, beads(), beads(1), np.ones(2), 1.0)
    for columns, told in (
        ((np.arange(3), beads(), beads(), np.zeros(3, bool)), "first must have 3 rows, got 2"),
        ((np.arange(2), beads(), beads(), np.zeros(1, bool)), "same_sphere must have 2 rows"),
        ((np.array([1, 0]), beads(), beads(), np.zeros(2, bool)), "sorted by link"),
        ((np.arange(2), beads(body=np.array([0, -1])), beads(), np.zeros(2, bool)), "negative"),
    ):
        with pytest.raises(ValueError, match=told):
            _core.crosslink_term(2, Contributions(*columns), 21.0, 0.02, 5.0, 0.05)


def test_images_of_other_lengths_are_named():
    term = TermSpec(_core.excluded_volume_term(2, beads(), 1.0), 1.0)
    both, one = np.repeat(NOWHERE, 2, axis=0), np.array([0])
    images = Symmetry("C2", both, one, one + 1, both, NOWHERE)
    with pytest.raises(ValueError, match="operation must have 1 rows, got 2"):
        _core.minimize_terms([term], both, [1.0, -1.0], 10, images)


def test_a_setup_is_checked_field_by_field():
    setup = _core.SamplerSetup()
    with pytest.raises(TypeError, match=r"emgmm\.scoring\.terms\.TermSpec"):
        setup.terms = [density_term(make_score(blob()), [blob()])]
    with pytest.raises(TypeError, match="7"):
        setup.starts = np.zeros((1, 7))
    with pytest.raises(AttributeError):
        setup.start = np.zeros((1, 1, 7))
    with pytest.raises(ValueError, match="confinement must have 4 rows, got 3"):
        setup.confinement = [0.0, 0.0, 1.0]
    with pytest.raises(ValueError):
        _core.Sampler(setup)


def test_the_stub_names_the_values():
    stub = Path(_core.__file__).with_name("_core.pyi").read_text(encoding="utf-8")
    named = set(re.findall(r"emgmm(?:\.\w+)+\.[A-Z]\w+", stub))
    assert {"emgmm.mixture.Mixture", "emgmm.symmetry.Symmetry"} <= named
    for name in named:  # casters name them in text that no compiler checks
        module, _, value = name.rpartition(".")
        assert hasattr(importlib.import_module(module), value), name
    body = ast.parse(stub).body
    defined = {node.name for node in body if hasattr(node, "name")}
    defined |= {node.target.id for node in body if isinstance(node, ast.AnnAssign)}  # constants
    assert {name for name in dir(_core) if not name.startswith("_")} <= defined
