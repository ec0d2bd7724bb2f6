"""Small valid files of every format, made anew."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
from emgmm import _core
from emgmm.config.settings import Config, SamplingConfig, SystemConfig
from emgmm.io.gmm import write_gmm
from emgmm.io.maps import DensityMap
from emgmm.io.rmf import Node, RmfWriter
from emgmm.io.rmf.system import SystemTree, system_tree
from emgmm.io.stat import StatWriter
from emgmm.mixture import Mixture
from emgmm.posterior import Posterior
from emgmm.representation.system import System
from emgmm.sampling import make_sampler
from emgmm.sampling.checkpoint import Checkpoint, write_checkpoint
from map_files import encode
from toy_system import random_poses, toy_system

TOPOLOGY = b"""|directories|
|pdb_dir|./|
|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size|\
em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|
|Rpb1|blue|a.fasta|P1|a.pdb|A|1,20|-3|10|0|1|1,3||
|Rpb1.1|#ff0000|a.fasta|P1|BEADS|A|21,END|0|5|0||1||
|tRNA|0.2,0.5,1|a.fasta|P2,RNA|b.cif|B|all|0|1|10|2|2|4|
"""
FASTA = b">A|first\nMKVLAA\nGHW\n\n>B\nMNKLYY*\n>C|P12345|x\nACGUACGU\n"
LINKS = b"""prot1,res1,prot2,res2,id,score
A,1,B,2,x,12.5
"B",3,A,4,y,
A,5,A,6,z,1e-3
C,1,B,1,q,3
B,1,B,77,r,4
A,2,B,6,x,0
"""
ERRORS = b"num,misfit,noise,total\n0,0.1,0.2,0.223607\n1,-0.3,,0.3\n2,0,0.5,0.5\n"
SETTINGS = [
    b"""[system]
topology = "topology.txt"
resolutions = [1, 10]
[system.fasta_names]
"a b" = "A"
[em]
gmm = "data.txt"
sigma_min = 0.1
model.forward = "residue"
[[crosslinks]]
file = "links.csv"
protein1 = "prot1"
length = 21.0
[[crosslinks]]
file = "links.csv"
score = "score"
[symmetry]
group = "D2"
axis = [0, 0, 1.0]
[sampling]
replicas = 2
steps = 1_000
start = "random"
moves = {swaps = 0.1}
annealing = {low_steps = 10}
[analysis]
best = 3
""",
    b'system = {topology = "topology.txt"}\n[em]\nmap = "data.txt"\nresolution = 5e0\n'
    b"background = 0.2\n[connectivity]\nscale = 2\n[excluded_volume]\nkappa = 1e-3\n",
]
ATOM = "ATOM  {0:5d}  {1:<3s} ALA A{2:4d}    {3:8.3f}{4:8.3f}{5:8.3f}  1.00 20.00           {6}\n"


def map_files() -> list[bytes]:
    values = np.random.default_rng(1).integers(-90, 90, (3, 4, 5))
    density = DensityMap(values, [2, 3, 4], [-4, 9, 8])
    # Bytes with the minimum, maximum and mean that tell their sign.
    unsigned = bytearray(encode(density, mode=0))
    bytes_ = np.frombuffer(unsigned, np.uint8, offset=1024)
    unsigned[76:88] = struct.pack("<3f", bytes_.min(), bytes_.max(), bytes_.mean())
    return [
        bytes(unsigned),
        *(
            encode(density, axes, frame, mode, order, extended)
            for axes, frame, mode, order, extended in [
                ((1, 2, 3), "origin", 2, "<", b""),
                ((3, 1, 2), "nstart", 2, ">", b"x" * 80),
                ((2, 1, 3), "both", 0, "<", b""),
                ((1, 3, 2), "nstart", 1, ">", b""),
                ((1, 2, 3), "origin", 12, "<", b""),
            ]
        ),
    ]


def mixture() -> Mixture:
    random = np.random.default_rng(2)
    a = random.normal(size=(4, 3, 3))
    covariances = a @ a.transpose(0, 2, 1) + np.eye(3)
    return Mixture(random.normal(size=(4, 3)), covariances, random.uniform(1, 9, 4))


def gmm_file(folder: Path, format: str) -> bytes:
    write_gmm(folder / "gmm", mixture(), format, comments=["threshold: 1"], force=True)
    return (folder / "gmm").read_bytes()


def pdb_files() -> list[bytes]:
    atoms = [
        ATOM.format(4 * r + i, name, r + 1, 3.8 * r, i, 2.5, name[0])
        for r in range(4)
        for i, name in enumerate(("N", "CA", "C", "O"))
    ]
    ter = "TER      17      ALA A   4\n"
    water = "HETATM   18  O   HOH W   1      11.000   2.000   3.000  0.50 30.00           O\n"
    zinc = "HETATM   19 ZN    ZN A 101       1.000   2.000   3.000  1.00 30.00          ZN2+\n"
    a, b = (
        f"ATOM     20  CB {alt}SER B   7    {x:8.3f}   2.000   3.000  {occ:4.2f} 30.00"
        + 11 * " "
        + "C\n"
        for alt, x, occ in (("A", 1, 0.6), ("B", 1.5, 0.4))
    )
    header = "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"
    models = "".join(f"MODEL     {m:4d}\n{''.join(atoms[:4])}ENDMDL\n" for m in (1, 2))
    return [
        ("".join(atoms) + "END\n").encode(),
        ("".join([header, *atoms[:8], ter, zinc, water, a, b]) + "END\n").encode(),
        (models + "END\n").encode(),
    ]


def mmcif_files() -> list[bytes]:
    keys = "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id label_asym_id"
    keys += (
        " label_entity_id label_seq_id pdbx_PDB_ins_code Cartn_x Cartn_y Cartn_z occupancy"
        " B_iso_or_equiv pdbx_formal_charge auth_seq_id auth_asym_id pdbx_PDB_model_num"
    )
    loop = "loop_\n" + "".join(f"_atom_site.{key}\n" for key in keys.split())
    rows = "".join(
        f"ATOM {i} {element} {name} {alt} ALA A 1 {i} ? {i}.5 2.25 -3 {occ} 20 ? {i} AAA 1\n"
        for i, element, name, alt, occ in (
            (1, "N", "N", ".", 1), (2, "C", "CA", "A", 0.5), (3, "C", "CA", "B", "0.5"),
            (4, "C", "C", ".", 1), (5, "O", '"O5\'"', ".", 1),
        )
    )  # fmt: skip
    rows += "HETATM 9 O O . HOH B 2 . ? 1.5 1 1 1 30 ? 201 AAA 1\n"
    start = "data_x\n_entry.id x\n_cell.length_a 10\n_cell.length_b 10\n_cell.length_c 10\n#\n"
    entity = "loop_\n_entity.id\n_entity.type\n1 polymer\n2 water\n#\n"
    text = "_struct.title\n;a title\nof two lines\n;\n"
    return [(start + entity + loop + rows + "#\n").encode(), (start + text + loop + rows).encode()]


def stat_files(folder: Path) -> list[bytes]:
    with StatWriter(folder / "s", ["a", "b c", "d'e"], {"emgmm": "1"}, force=True) as writer:
        for frame in range(3):
            writer.write({"a": frame, "b c": 0.5 * frame, "d'e": "word"})
    own = (folder / "s").read_bytes()
    pmi = (
        "{'STAT2HEADER':'STAT2HEADER', 'STAT2HEADER_ENVIRON': \"{'A': 'b'}\", 0: 'score', "
        "1: 'rmf_frame_index'} \n{0: '12.5', 1: 0, } \n{0: 'None', 1: 1} \n"
    )
    return [own, pmi.encode()]


def small_system() -> System:
    return toy_system(names=("A", "B"), residues=8, tail=2)


def small_tree() -> SystemTree:
    return system_tree(small_system())


def trajectory_files(folder: Path) -> list[bytes]:
    """Beads alone, and a small system with rigid bodies, alternatives and densities."""
    bead = {"physics/radius": 3.0, "physics/mass": 110.0, "sequence/residue index": 1}
    beads = [Node(f"bead {i}", values=bead) for i in range(3)]
    root = Node("root", "root", children=[Node("A", values={"sequence/copy index": 0})])
    root.children[0].children = beads
    key = "physics/coordinates"
    random = np.random.default_rng(3)
    with RmfWriter(folder / "t", root, [key], force=True) as writer:
        for _ in range(3):
            writer.write_frame({key: ([n.id for n in beads], random.normal(size=(3, 3)))})
    files = [(folder / "t").read_bytes()]
    tree, system = small_tree(), small_system()
    with RmfWriter(folder / "t", tree.root, tree.frame_keys, "a test", force=True) as writer:
        for _ in range(2):
            poses = random_poses(system, random)
            writer.write_frame(tree.frame_values(poses, {"Total_Score": -1.0}))
    return [*files, (folder / "t").read_bytes()]


def small_sampler() -> _core.Sampler:
    """The sampler whose state the checkpoints hold."""
    system = small_system()
    settings = Config(
        system=SystemConfig(topology="t"),
        sampling=SamplingConfig(replicas=2, steps=40, start="asis", threads=1, frame_interval=10),
    )
    return make_sampler(Posterior(settings, system, None)).sampler


def checkpoint_files(folder: Path) -> list[bytes]:
    sampler = small_sampler()
    files = []
    for steps, name in itertools.product((0, 20), ("stat.0.out", "a")):
        sampler.advance(steps, 60.0)
        frames = sampler.take_frames()
        totals = {"seconds": 1.5, "frames": len(frames["steps"]), "best_score": float("inf")}
        write_checkpoint(folder / "c", Checkpoint(sampler.save(), {name: 12}, totals))
        files.append((folder / "c").read_bytes())
    return files
