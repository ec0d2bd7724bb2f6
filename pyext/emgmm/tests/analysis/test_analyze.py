"""`analyze` on the output folder of a run that was made up."""

import json

import gemmi
import msgspec
import numpy as np
import pytest
from emgmm.analysis import analyze
from emgmm.analysis.models import fit_poses, open_run
from emgmm.analysis.reference import reference_coordinates
from emgmm.config import CrosslinksConfig, dump_config, load_config
from emgmm.errors import InputError
from emgmm.io.gmm import write_gmm
from emgmm.io.rmf import RmfWriter, read_rmf
from emgmm.io.rmf.system import system_tree
from emgmm.io.stat import StatWriter
from emgmm.io.structures import read_structure
from emgmm.poses import to_poses
from emgmm.representation import build_system
from toy_system import random_rotations

SEQUENCES = {"A": "MKVLAGHWYRDEQNSTCPIFMKVLAGHWYR", "B": "GSTWYDDEKRHILMFPACVNQQGSTWYDDE"}
HEADER = "|molecule_name|fasta_fn|fasta_id|pdb_fn|chain|residue_range|bead_size|rigid_body|\n"
ROWS = (
    "|A|s.fasta|A|n.pdb|A|1,END|5|1|\n"
    "|B|s.fasta|B|n.pdb|B|1,END|5|2|\n"
    "|B.1|s.fasta|B|n.pdb|C|1,END|5|3|\n"
)
KEYS = ["Total_Score", "rmf_file", "rmf_frame_index"]
NEAR, FAR = 12, 18


def _native(path, generator):
    """Chains A, B and C (a copy of B) of CA atoms; A lacks residues 26 to 30."""
    structure = gemmi.Structure()
    model = gemmi.Model(1)
    shapes = {k: np.cumsum(generator.normal(size=(30, 3)) * 2.2, axis=0) for k in "AB"}
    turns = random_rotations(generator, 3)
    for i, name in enumerate("ABC"):
        kind = "A" if name == "A" else "B"
        xyz = shapes[kind] @ turns[i].T + [40.0 * i, 20.0 * (i == 1), 0]
        chain = gemmi.Chain(name)
        for number, point in enumerate(xyz, start=1):
            if name == "A" and number > 25:
                continue
            residue = gemmi.Residue()
            residue.name = gemmi.expand_one_letter(
                SEQUENCES[kind][number - 1], gemmi.ResidueKind.AA
            )
            residue.seqid = gemmi.SeqId(number, " ")
            atom = gemmi.Atom()
            atom.name, atom.element, atom.pos = "CA", gemmi.Element("C"), gemmi.Position(*point)
            residue.add_atom(atom)
            chain.add_residue(residue)
        model.add_chain(chain)
    structure.add_model(model)
    structure.write_pdb(str(path))


@pytest.fixture
def run(tmp_path):
    """A folder with frames near the native structure (copies swapped in every other one) and far
    from it, near ones with the better scores; first the far ones."""
    generator = np.random.default_rng(0)
    _native(tmp_path / "n.pdb", generator)
    fasta = "".join(f">{k}\n{v}\n" for k, v in SEQUENCES.items())
    (tmp_path / "s.fasta").write_text(fasta)
    (tmp_path / "t.txt").write_text(HEADER + ROWS)
    out = tmp_path / "out"
    (out / "rmfs").mkdir(parents=True)
    settings = '[system]\ntopology = "../t.txt"\n[em]\ngmm = "data_gmm.txt"\nsigma_min = 0.01\n'
    (out / "system.toml").write_text(settings)
    (out / "data_gmm.txt").write_text("")
    system = build_system(load_config(out / "system.toml"))
    bodies = system.bodies
    data = system.gaussians.placed(bodies.poses)
    write_gmm(out / "data_gmm.txt", data, force=True)
    config = load_config(out / "system.toml")
    (out / "system.toml").write_text(dump_config(config))
    tree = system_tree(system)
    b, c = bodies.names.index("RigidBody 2"), bodies.names.index("RigidBody 3")
    with (
        RmfWriter(out / "rmfs" / "0.rmf3", tree.root, tree.frame_keys) as rmf,
        StatWriter(out / "stat.0.out", KEYS) as stat,
    ):
        for frame in range(FAR + NEAR):
            poses, n = bodies.poses.copy(), len(bodies)
            if frame < FAR:
                turns = random_rotations(generator, n)
                poses = to_poses(turns, poses[:, 4:] + generator.normal(size=(n, 3)) * 60)
            else:
                poses[:, 4:] += generator.normal(size=(n, 3)) * 0.5
                if frame % 2:  # body of B where B.1 is, turned as B.1 is, and the other way round
                    poses[[b, c]] = _swapped(system, b, c)
            total = float(-frame)
            stat.write({"Total_Score": total, "rmf_file": "rmfs/0.rmf3", "rmf_frame_index": frame})
            rmf.write_frame(tree.frame_values(poses, {"Total_Score": total}))
    return out, system, tmp_path / "n.pdb"


def _swapped(system, b, c):
    """Poses that put the copies at each other's place in the native structure."""
    finest = system.finest
    native = finest.positions(system.bodies.poses)
    moved = native.copy()
    moved[finest.body == b], moved[finest.body == c] = (
        native[finest.body == c],
        native[finest.body == b],
    )
    return fit_poses(system, moved)[[b, c]]


def test_report_and_files(run):
    out, _, native = run
    analysis = analyze(out, native)
    report = json.loads((out / "analysis.json").read_text())
    assert report == json.loads(json.dumps(analysis.report()))
    assert report["models"] == NEAR + FAR and report["best_frame"] == NEAR + FAR - 1
    best = report["clusters"][0]
    assert best["population"] == pytest.approx(NEAR / (NEAR + FAR))
    assert best["frames"] == list(range(FAR + NEAR - 1, FAR - 1, -1))
    assert best["precision"] < 2 and best["rmsd80"] < 2 and best["p10"] == 1.0
    # The bead that the reference does not hold is missing from the native model GMM.
    assert best["cc"] > 0.97 and 0.97 < report["native_cc"] < 1
    assert [s["name"] for s in best["subunits"]] == ["A", "B.0", "B.1"]
    assert max(s["position_error"] for s in best["subunits"]) < 3
    assert max(s["angle_error"] for s in best["subunits"]) < 5
    held = best["subunit_precision"]
    assert [s["name"] for s in held] == ["A", "B.0", "B.1"]
    assert all(0 < s["precision"] < 2 and s["halves_apart"] is None and s["held"] for s in held)
    assert report["result"] == "full positive" and report["score_error_percent"] >= 0
    shares = [c["population"] for c in report["clusters"]]
    assert sum(shares) == pytest.approx(1.0)
    assert report["entropy"] == pytest.approx(-sum(p * np.log(p) for p in shares))
    # Far models come first in the run: the halves cannot agree.
    assert report["convergence"]["populations_in_halves"][0] == [0, NEAR]
    assert not report["convergence"]["scores_agree"]


def test_cross_links_of_best_model_and_clusters(run, tmp_path):
    out, system, native = run
    finest = system.finest
    xyz = finest.positions(system.bodies.poses)
    first = {m: np.flatnonzero(finest.molecule == m)[0] for m in range(3)}
    gap = np.linalg.norm(xyz[first[0]] - xyz[[first[1], first[2]]], axis=1)
    (tmp_path / "links.csv").write_text(
        "prot1,res1,prot2,res2,s\nA,1,B,1,4.5\nA,1,Q,1,3\nB.0,1,B.0,3,\n"
    )
    length = float(gap.min()) + 5
    config = load_config(out / "system.toml")
    section = CrosslinksConfig(file=str(tmp_path / "links.csv"), length=length, score="s")
    config = msgspec.structs.replace(config, crosslinks=(section,))
    (out / "system.toml").write_text(dump_config(config))
    (found,) = analyze(out, native).report()["crosslinks"]
    assert found["label"] == "links" and found["links"] == 2 and found["satisfied"] == 2
    assert [d["link"] for d in found["distances"]] == ["A.0:1-B.0:1", "B.0:1-B.0:3"]
    assert [d["score"] for d in found["distances"]] == [4.5, None]
    far, near = found["distances"]
    assert far["best"] == pytest.approx(gap.min(), abs=4) and near["best"] < 15
    assert far["nearest"] <= far["median"] and far["satisfied"]
    assert found["clusters"][0] == {"satisfied_share": 1.0, "satisfied_share_ensemble": 1.0}
    assert min(c["satisfied_share"] for c in found["clusters"]) == 0.5
    assert found["notes"] == ["links.csv, line 3: A:1-Q:1 is not modelled"]


def test_members_and_centre_of_a_cluster(run):
    out, system, native = run
    analyze(out, native)
    members = read_rmf(out / "clusters" / "0.rmf3")
    whole = read_rmf(out / "rmfs" / "0.rmf3")
    assert members.frames == NEAR
    last = FAR + NEAR - 1
    np.testing.assert_array_equal(members.coordinates(0), whole.coordinates(last))
    centre = read_structure(out / "clusters" / "0.cif")
    finest = system.finest
    expected = open_run(out).coordinates([last])[0]
    for molecule, chain in enumerate("ABC"):
        own = centre.select(centre.chain == chain)
        structured = (finest.molecule == molecule) & (finest.first == finest.last)
        found = own.xyz[np.isin(own.residue_number, finest.first[structured])]
        np.testing.assert_allclose(found, expected[structured], atol=2e-3)
    # The bead of residues 26 to 30 is one atom at residue 28.
    assert centre.residue_number[centre.chain == "A"].tolist()[-1] == 28


def test_without_reference(run):
    out, _, _ = run
    report = analyze(out, best=5).report()
    assert report["models"] == 5 and report["result"] is None
    assert report["clusters"][0]["rmsd80"] is None and report["clusters"][0]["cc"] > 0.95
    assert report["score_error_percent"] is None and report["crosslinks"] == []


def test_nothing_is_overwritten_without_force(run):
    out, _, native = run
    analyze(out, native)
    before = (out / "analysis.json").read_bytes()
    with pytest.raises(InputError, match=r"analysis\.json: found a file that exists"):
        analyze(out)
    assert (out / "analysis.json").read_bytes() == before
    analyze(out, force=True, cutoff=0.01)
    assert json.loads((out / "analysis.json").read_text())["reference"] is None
    assert len(list((out / "clusters").glob("*.cif"))) == 10


def test_copies_that_share_a_chain_of_the_table(run, tmp_path):
    """Both copies built from one chain: the reference's chains are found by sequence."""
    out, _, native = run
    (tmp_path / "t.txt").write_text(HEADER + ROWS.replace("|n.pdb|C|", "|n.pdb|B|"))
    system = build_system(load_config(out / "system.toml"))
    xyz, _, notes = reference_coordinates(system, native)
    structure = read_structure(native)
    of_c = structure.xyz[structure.chain == "C"]
    np.testing.assert_allclose(xyz[system.finest.molecule == 2], of_c, atol=1e-6)
    assert notes == ["B.1: chain C of n.pdb"]
    missing = system.finest.first == 26  # the bead that chain A does not hold
    assert np.isnan(xyz[missing & (system.finest.molecule == 0)]).all()


def test_reference_of_something_else(run, tmp_path):
    out, _, _ = run
    other = tmp_path / "other.pdb"
    line = "ATOM  {0:5d}  CA  TRP Z{0:4d}    {1:8.3f}   0.000   0.000  1.00  0.00           C\n"
    other.write_text("".join(line.format(i, 3.8 * i) for i in range(1, 31)))
    with pytest.raises(InputError, match=r"other\.pdb: found chains Z"):
        analyze(out, other)
    assert not (out / "analysis.json").exists()


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        analyze(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"system\.toml"):
        analyze(tmp_path)


def test_trajectory_of_another_system(run, tmp_path):
    out, _, _ = run
    (tmp_path / "t.txt").write_text(HEADER + ROWS.splitlines()[0].replace("|A|s.", "|Z|s.") + "\n")
    with pytest.raises(InputError, match=r"0\.rmf3: found no bead Z\.0:1-1"):
        analyze(out)


def test_trajectory_without_some_flexible_beads(run, tmp_path):
    """PMI leaves out beads of rows with an offset; what is there is analysed."""
    out, system, native = run
    (tmp_path / "t.txt").write_text(HEADER + ROWS.replace("|A|1,END|", "|A|1,25|"))
    shorter = build_system(load_config(out / "system.toml"))
    (tmp_path / "t.txt").write_text(HEADER + ROWS)
    assert len(shorter.finest) == len(system.finest) - 1
    tree = system_tree(shorter)
    bodies = shorter.bodies
    path = out / "rmfs" / "0.rmf3"
    with RmfWriter(path, tree.root, tree.frame_keys, force=True) as writer:
        for _ in range(NEAR + FAR):
            writer.write_frame(tree.frame_values(bodies.poses))
    report = analyze(out, native).report()
    assert report["notes"] == ["1 flexible beads are not in the trajectory"]
    assert len(report["clusters"]) == 1 and report["clusters"][0]["rmsd"] < 1e-3
    assert abs(report["score_error_percent"]) < 0.1
    centre = read_structure(out / "clusters" / "0.cif")
    assert centre.residue_number[centre.chain == "A"].max() == 25


def test_reference_whose_numbering_is_off_for_a_part(run, tmp_path):
    """Half of the residues have the right type at the table's offset: taken, and said."""
    _, system, native = run
    structure = gemmi.read_structure(str(native))
    for residue in list(structure[0]["A"])[:12]:
        residue.name = "TRP"
    structure.write_pdb(str(tmp_path / "odd.pdb"))
    xyz, _, notes = reference_coordinates(system, tmp_path / "odd.pdb")
    assert np.isfinite(xyz[system.finest.molecule == 0][:25]).all()
    assert len(notes) == 1 and notes[0].startswith("A.0: only 5")
    for residue in list(structure[0]["A"])[12:]:
        residue.name = "TRP"
    structure.write_pdb(str(tmp_path / "odd.pdb"))
    xyz, _, notes = reference_coordinates(system, tmp_path / "odd.pdb")
    assert np.isnan(xyz[system.finest.molecule == 0]).all()
    assert notes == ["A.0: no chain of its sequence in odd.pdb"]


def test_stat_file_ahead_of_the_trajectory(run):
    """A killed run may have a line more than frames."""
    out, _, _ = run
    with open(out / "stat.0.out", "a") as file:
        file.write(f"{{0: '-1000.0', 1: 'rmfs/0.rmf3', 2: {FAR + NEAR}}} \n")
    assert analyze(out).report()["best_frame"] == FAR + NEAR - 1
