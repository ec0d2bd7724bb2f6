## \example emgmm/imp_fit_subunits.py
"""Subunits into a map, with cross-links, on IMP.pmi.

The twelve subunits of RNA polymerase II go into the 20.9 A map EMD-1883, helped by cross-links:

    imp_fit_subunits.py [TOPOLOGY GMM [CROSSLINKS.csv [OUTPUT]]]

with a PMI topology table (its structures and sequences beside it), the map's Gaussians (made by
`emgmm fit`, or any GMM file) and a CSV file of cross-links. `mpirun -np 4` makes it four replicas.
Without arguments it takes the data of the polymerase from the project's shared data
(EMGMM_SHARED_DATA, or ../shared/data beside the checkout); where these are not there, a small
system that it builds itself: two helices with tails.
"""

import contextlib
import gzip
import io
import os
import shutil
import sys
import tempfile
import warnings

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm.gmm
import IMP.emgmm.macros
import IMP.emgmm.sampling
import IMP.pmi.topology

arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
IMP.setup_from_argv([a for a in sys.argv if a not in arguments], "Subunits into a map")


def write_small_system(folder):
    """A topology table of two helices, a map of where they are, one cross-link."""
    sequences = {"A": "MKVLITGAAGFIGSHLVKALLKRGEEV", "B": "MSDKTLLEAVKELREKIGDAAL"}
    with open(os.path.join(folder, "small.fasta"), "w") as fh:
        for name, sequence in sequences.items():
            fh.write(f">{name}\n{sequence}\n")
    rows = [
        "|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|"
        "bead_size|em_residues_per_gaussian|rigid_body|super_rigid_body|"
        "chain_of_super_rigid_bodies|"
    ]
    for k, name in enumerate(sequences, 1):
        rows += [
            "|%s|blue|small.fasta|%s|IDEAL_HELIX||1,16|0|5|6|%d|||" % (name, name, k),
            "|%s|blue|small.fasta|%s|BEADS||17,END|0|5|6|%d|||" % (name, name, k),
        ]
    topology = os.path.join(folder, "topology.txt")
    with open(topology, "w") as fh:
        fh.write("\n".join(rows) + "\n")
    crosslinks = os.path.join(folder, "crosslinks.csv")
    with open(crosslinks, "w") as fh:
        fh.write("prot1,res1,prot2,res2\nA,2,B,4\n")
    # The map is the system itself with its helices side by side.
    system = IMP.emgmm.macros.build_system(
        topology, pdb_dir=folder, fasta_dir=folder, gmm_dir=folder, output_dir=folder
    )
    body = system.dof.get_rigid_bodies()[1]
    IMP.core.transform(body, IMP.algebra.Transformation3D(IMP.algebra.Vector3D(10, 0, 0)))
    system.model.update()
    gmm = os.path.join(folder, "map_gmm.txt")
    IMP.emgmm.gmm.write_gaussians(IMP.emgmm.gmm.get_gaussians(system.hierarchy), gmm)
    return topology, gmm, crosslinks


def find_polymerase():
    """Folder of the shared data, or None."""
    project = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    beside = os.path.join(os.path.dirname(project), "shared", "data")
    shared = os.environ.get("EMGMM_SHARED_DATA", beside)
    return shared if os.path.isdir(os.path.join(shared, "crosslinks", "rnapolii")) else None


def write_polymerase(shared, folder, molecules):
    """The shared files under the names that the published table uses; some of its molecules."""
    source = os.path.join(shared, "crosslinks", "rnapolii")
    with open(os.path.join(source, "topology.txt")) as fh:
        head, *rows = fh.read().splitlines()
    # PMI slices the sequence with a negative index where a range starts before residue 1.
    rows = [row.replace("|1,END        |-3 ", "|4,END        |-3 ") for row in rows]
    if molecules:
        rows = [row for row in rows if row.split("|")[1].strip() in molecules]
    topology = os.path.join(folder, "topology.txt")
    with open(topology, "w") as fh:
        fh.write("\n".join([head, *rows]) + "\n")
    shutil.copy(os.path.join(source, "1WCM_new.fasta.txt"), os.path.join(folder, "1WCM.fasta"))
    with gzip.open(os.path.join(source, "1WCM_map_fitted.pdb.gz")) as packed:
        with open(os.path.join(folder, "1WCM_map_fitted.pdb"), "wb") as fh:
            shutil.copyfileobj(packed, fh)
    gmm = os.path.join(shared, "gmm", "rnapolii_emd1883", "emd_1883.map.mrc.gmm.50.txt")
    return topology, gmm, os.path.join(source, "polii_juri.csv")


def main(topology, gmm, crosslinks, output, steps, residues_per_gaussian=None):
    os.makedirs(output, exist_ok=True)
    here = os.path.dirname(os.path.abspath(topology))
    # PMI says a lot; what matters ends up in the output folder.
    with contextlib.redirect_stdout(io.StringIO()):
        system = IMP.emgmm.macros.build_system(
            topology,
            em_gmm=gmm,
            pdb_dir=here,
            fasta_dir=here,
            gmm_dir=here,
            residues_per_gaussian=residues_per_gaussian,
            crosslinks=[IMP.emgmm.macros.CrossLinks(crosslinks)] if crosslinks else [],
            output_dir=output,
        )
    print(
        "%d model and %d data Gaussians, %d movers"
        % (len(system.em.model_ps), len(system.em.target_ps), len(system.dof.get_movers()))
    )
    result = IMP.emgmm.macros.sample(
        system,
        output,
        steps=steps,
        frame_interval=max(1, steps // 50),
        annealing=IMP.emgmm.sampling.Annealing(0.1, steps // 10, steps // 2),
        seed=1,
    )
    print(
        "%d replicas, %.0f steps/s; last model: CC %.3f, stat file %s"
        % (
            result["replicas"],
            result["steps_per_second"],
            system.em.gaussianEM_restraint.get_cross_correlation(),
            os.path.join(output, "stat.%d.out" % result["rank"]),
        )
    )


warnings.simplefilter("ignore", IMP.pmi.StructureWarning)
# The GMM of the shared data names a map that does not lie beside it.
warnings.simplefilter("ignore", IMP.pmi.MissingFileWarning)
quick = IMP.get_bool_flag("run_quick_test")
steps = 500 if quick else 20000
if len(arguments) >= 2:
    main(
        arguments[0],
        arguments[1],
        arguments[2] if len(arguments) > 2 else None,
        arguments[3] if len(arguments) > 3 else "output",
        steps,
        10,
    )
else:
    shared = find_polymerase()
    with tempfile.TemporaryDirectory() as folder:
        if shared:
            # For a quick look its three smallest subunits with structure of their own will do.
            molecules = {"Rpb4", "Rpb5", "Rpb7"} if quick else None
            files = write_polymerase(shared, folder, molecules)
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                files = write_small_system(folder)
        output = os.path.join(folder if quick else ".", "output")
        main(*files, output, steps, 40 if shared else None)
