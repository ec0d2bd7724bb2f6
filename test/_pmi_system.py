"""A small PMI system without any file: two helices as rigid bodies with loops, and its map."""

import ast
import contextlib
import io
import os
import warnings

import IMP
import IMP.atom
import IMP.core
import IMP.emgmm.gmm
import IMP.emgmm.macros
import IMP.emgmm.restraint
import IMP.pmi
import IMP.pmi.dof
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.topology
import numpy as np


@contextlib.contextmanager
def quiet():
    """PMI prints what it does."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def create_system(folder=".", protocol_output=None):
    """(model, root hierarchy, degrees of freedom, densities)"""
    IMP.random_number_generator.seed(5)
    np.random.seed(5)  # noqa: NPY002 -- PMI's fit of densities by scikit-learn
    with quiet():
        m = IMP.Model()
        system = IMP.pmi.topology.System(m, name="toy")
        if protocol_output:
            system.add_protocol_output(protocol_output)
        state = system.create_state()
        molecules = []
        for name, sequence in (("A", "MKVLITGAAGFIGSHLVKALLKRGEEV"), ("B", "MSDKTLLEAVKELREKIGD")):
            mol = state.create_molecule(name, sequence=sequence, chain_id=name)
            mol.add_representation(
                mol[:15],
                resolutions=[1],
                ideal_helix=True,
                density_residues_per_component=8,
                density_prefix=os.path.join(folder, "density_" + name),
                density_voxel_size=0,
            )
            mol.add_representation(mol[15:], resolutions=[5], setup_particles_as_densities=True)
            molecules.append(mol)
        root = system.build()
        dof = IMP.pmi.dof.DegreesOfFreedom(m)
        for mol in molecules:
            dof.create_rigid_body(
                mol,
                nonrigid_parts=mol[15:],
                max_trans=3.0,
                max_rot=0.1,
                nonrigid_max_trans=3.0,
                name=mol.get_name(),
            )
        IMP.pmi.tools.shuffle_configuration(
            root, max_translation=15, verbose=False, niterations=1000
        )
        m.update()
    densities = IMP.atom.Selection(
        root, representation_type=IMP.atom.DENSITIES
    ).get_selected_particles()
    return m, root, dof, densities


def create_scored_system():
    """IMP.emgmm.macros.System with the map, target.txt in this folder, and excluded volume"""
    m, root, dof, densities = create_system()
    if not os.path.exists("target.txt"):
        IMP.emgmm.gmm.write_gaussians(IMP.emgmm.gmm.get_gaussians(densities), "target.txt")
    em = IMP.emgmm.restraint.GaussianEMRestraint(
        densities, target_fn="target.txt", label="em", weight=2.0
    )
    with quiet():
        ev = IMP.pmi.restraints.stereochemistry.ExcludedVolumeSphere(
            included_objects=root, resolution=1
        )
    restraints = [em, ev]
    for r in restraints:
        r.add_to_model()
    return IMP.emgmm.macros.System(m, root, dof, em, restraints, list(restraints), [])


def read_stat(path="out/stat.0.out"):
    """A dictionary for each frame"""
    with open(path) as fh:
        header, *lines = map(ast.literal_eval, fh.read().splitlines())
    return [{header[k]: v for k, v in line.items()} for line in lines]
