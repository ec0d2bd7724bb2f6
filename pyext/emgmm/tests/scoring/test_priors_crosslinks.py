"""Cross-links: the file, the ways to read it, the likelihood of IMP.isd, and a run with them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from emgmm import _core
from emgmm.config.settings import (
    Config,
    ConnectivityConfig,
    CrosslinksConfig,
    SamplingConfig,
    SystemConfig,
)
from emgmm.errors import InputError
from emgmm.posterior import Posterior
from emgmm.representation.system import (
    Spheres,
)
from emgmm.sampling import Callbacks, run_native
from emgmm.scoring.crosslinks import Contributions, crosslink_term, read_crosslinks
from emgmm.scoring.terms import build_terms
from pair_system import pair_system


def write(tmp_path, text: str, **settings) -> CrosslinksConfig:
    path = tmp_path / "links.csv"
    path.write_text(text)
    return CrosslinksConfig(file=str(path), **settings)


def test_copies_and_groups_are_ways_to_read_a_link(tmp_path):
    system = pair_system()
    config = write(
        tmp_path,
        "prot1,res1,prot2,res2,id\n"
        "A,1,B,2,x\n"  # two copies
        "A.1, 3, B, 4, y\n"  # one
        "A,5,A,5,z\n"  # a copy with the other, not with itself
        "B,9,B,10,x\n"  # another reading of the first link
        "C,1,B,1,q\n"  # no such molecule
        "B,1,B,77,q\n"  # no such residue
        "B,1,B,1,r\n",  # nothing to measure
        id="id",
    )
    links = read_crosslinks(system, config)
    assert len(links) == 3 and links.label == "links"
    assert links.names == ("A.0:1-B.0:2", "A.1:3-B.0:4", "A.0:5-A.1:5")
    pairs = list(zip(links.link.tolist(), links.first.tolist(), links.second.tolist(), strict=True))
    assert pairs == [(0, 0, 21), (0, 10, 21), (0, 28, 29), (1, 12, 23), (2, 4, 14), (2, 14, 4)]
    assert [note.split(": ")[1] for note in links.notes] == [
        "C:1-B:1 is not modelled",
        "B:1-B:77 is not modelled",
        "B:1-B:1 is one and the same residue",
    ]
    bodies = system.bodies
    distances = links.distances(system, bodies.poses)
    assert distances == pytest.approx([4, np.sqrt(16 + 900 + 2500), 30])


def test_scores_of_identification_count_for_nothing(tmp_path):
    """The most of a link's readings, and the likelihood is the same without."""
    system = pair_system()
    text = "prot1,res1,prot2,res2,id,s\nA,1,B,2,x,3.5\nB,9,B,10,x,7\nA,5,B,5,z,\nA.1,3,B,4,y,-1\n"
    links = read_crosslinks(system, write(tmp_path, text, id="id", score="s"))
    np.testing.assert_array_equal(links.id_scores, [7, np.nan, -1])
    without = read_crosslinks(system, write(tmp_path, text, id="id"))
    assert without.id_scores is None
    poses = system.bodies.poses
    values = [crosslink_term(system, l).evaluate(poses) for l in (links, without)]
    assert values[0] == values[1]
    with pytest.raises(InputError, match="line 2, column s: found 'high'"):
        read_crosslinks(system, write(tmp_path, text.replace("3.5", "high"), score="s"))
    with pytest.raises(InputError, match=r"line 1: found the columns .*'Score'"):
        read_crosslinks(system, write(tmp_path, text, score="Score"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot1,res1,prot2\nA,1,B\n", "line 1: found the columns prot1, res1, prot2, .*'res2'"),
        ("", "line 1: found no header"),
        ("prot1,res1,prot2,res2\nA,one,B,2\n", "line 2, column res1: found 'one'"),
        ("prot1,res1,prot2,res2\nA,1,B\n", "line 2: found a row that ends early"),
        ("prot1,res1,prot2,res2\nX,1,B,2\n", "found no cross-link between modelled residues"),
    ],
)
def test_faulty_files_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_crosslinks(pair_system(), write(tmp_path, text))


def test_two_sets_need_two_labels(tmp_path):
    section = write(tmp_path, "prot1,res1,prot2,res2\nA,1,B,2\n")
    config = Config(system=SystemConfig(topology="t"), crosslinks=(section, section))
    with pytest.raises(InputError, match="label 'links' twice"):
        build_terms(Posterior.of_run(config, pair_system(), None))


def test_published_files_have_the_default_columns(shared_data):
    system = pair_system()
    folder = shared_data / "crosslinks"
    simulated = sorted((folder / "simulated").glob("*.csv"))
    assert simulated
    keys = "protein1", "residue1", "protein2", "residue2"
    other = ["pep1.accession", "pep1.xlinked_aa", "pep2.accession", "pep2.xlinked_aa"]
    files = [(path, {}) for path in [*simulated, folder / "rnapolii" / "polii_juri.csv"]]
    files += [
        (folder / "rnapolii" / "polii_xlinks.csv", dict(zip(keys, other, strict=True))),
        (folder / "actin_4pki" / "derived_xls.dat", {k: k.capitalize() for k in keys}),
    ]
    for path, columns in files:
        # The columns are found; the molecules are others.
        with pytest.raises(InputError, match="no cross-link between modelled residues"):
            read_crosslinks(system, CrosslinksConfig(file=str(path), **columns))


def test_unknowns_can_be_fixed(tmp_path):
    system = pair_system()
    text = "prot1,res1,prot2,res2\nA.1,1,B,1\n"
    section = write(tmp_path, text, sigma=200.0, sigma_is_sampled=False)
    config = Config(
        system=SystemConfig(topology="t"),
        crosslinks=(section,),
        sampling=SamplingConfig(replicas=1, steps=3000, start="asis", threads=1),
    )
    batches = []
    summary = run_native(Posterior.of_run(config, system, None), Callbacks(frames=batches.append))
    frames = batches[-1]
    assert frames.parameter_names == ("sigma_links", "psi_links")
    assert (frames.parameters[:, 0] == 200.0).all() and frames.parameters[:, 1].std() > 0
    assert "sigma_links" not in summary.acceptance and "psi_links" in summary.acceptance
    section = write(tmp_path, text, psi=0.7)
    with pytest.raises(InputError, match=r"found psi = 0\.7, expected 0\.01 to 0\.49"):
        own = msgspec.structs.replace(config, crosslinks=(section,))
        build_terms(Posterior.of_run(own, system, None))


def test_links_bring_bodies_together_and_sample_their_unknowns(tmp_path):
    system = pair_system()
    text = "prot1,res1,prot2,res2\n" + "".join(f"A.1,{i},B,{i}\n" for i in (1, 3, 5, 8, 10))
    section = write(tmp_path, text, length=15.0, sigma=3.0)
    config = Config(
        system=SystemConfig(topology="t"),
        connectivity=ConnectivityConfig(),
        crosslinks=(section,),
        sampling=SamplingConfig(replicas=2, steps=40_000, start="asis", seed=3, threads=1),
    )
    batches = []
    summary = run_native(Posterior.of_run(config, system, None), Callbacks(frames=batches.append))
    frames = batches[-1]
    assert frames.terms == ("excluded_volume", "crosslinks_links")
    assert frames.parameter_names == ("sigma_links", "psi_links")
    links = read_crosslinks(system, section)
    distances = np.array([links.distances(system, p) for b in batches for p in b.poses])
    start = links.distances(system, system.bodies.poses)
    assert start.min() > 50 and np.median(distances[200:]) < 25
    psi = np.concatenate([b.parameters[:, 1] for b in batches])
    sigma = np.concatenate([b.parameters[:, 0] for b in batches])
    assert psi.std() > 0 and 0.01 <= psi.min() and psi.max() <= 0.49
    assert sigma.std() > 0 and sigma.min() >= 0.01
    assert 0 < summary.acceptance["psi_links"] <= 1


def test_likelihood_is_that_of_imp():
    imp = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
    isd = pytest.importorskip("IMP.isd", reason="needs IMP.isd, which cannot be imported")
    core = pytest.importorskip("IMP.core", reason="needs IMP.core, which cannot be imported")
    algebra = pytest.importorskip("IMP.algebra", reason="needs IMP.algebra")
    rng = np.random.default_rng(3)
    model = imp.Model()
    sigma, psi = (isd.Scale.setup_particle(imp.Particle(model), start) for start in (4.0, 0.07))
    n_links, count = 12, 20
    xyz = rng.uniform(-25, 25, (count, 3))
    particles = [
        core.XYZR.setup_particle(imp.Particle(model), algebra.Sphere3D(algebra.Vector3D(*x), 3.0))
        for x in xyz
    ]
    link = np.sort(np.r_[np.arange(n_links), rng.integers(0, n_links, 10)])
    first, second = rng.integers(0, count, (2, len(link)))
    second[3] = first[3]
    restraints = []
    for i in range(n_links):
        restraint = isd.CrossLinkMSRestraint(model, 21.0, 0.02)
        for k in np.flatnonzero(link == i):
            ends = [particles[j[k]].get_particle_index() for j in (first, second)]
            s = sigma.get_particle_index()
            restraint.add_contribution(ends, (s, s), psi.get_particle_index())
        restraints.append(restraint)
    jeffreys = isd.JeffreysRestraint(model, psi)
    bodies = np.arange(count, dtype=np.int64)
    radius = np.full(count, 3.0)
    zero = np.zeros((count, 3))
    for s, p in ((4.0, 0.07), (9.0, 0.3), (30.0, 0.01)):
        sigma.set_scale(s)
        psi.set_scale(p)
        term = _core.crosslink_term(
            count,
            Contributions(
                link,
                Spheres(bodies[first], zero[first], radius[first]),
                Spheres(bodies[second], zero[second], radius[second]),
                first == second,
            ),
            21.0,
            0.02,
            s,
            p,
        )
        poses = np.c_[np.ones(count), zero, xyz]
        expected = sum(-np.log(r.evaluate(False)) for r in restraints) + jeffreys.evaluate(False)
        assert term.evaluate(poses) == pytest.approx(expected, rel=1e-6)
