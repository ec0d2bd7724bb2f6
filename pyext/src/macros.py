"""@namespace IMP.emgmm.macros
From a topology table and data to models, on IMP.pmi.
"""

import os
import warnings
from typing import NamedTuple

import IMP
import IMP.algebra
import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.emgmm.restraint
import IMP.pmi.dof
import IMP.pmi.io.crosslink
import IMP.pmi.macros
import IMP.pmi.restraints.crosslinking
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.tools
import IMP.pmi.topology
from IMP.emgmm.gmm import exact_orientations
from IMP.emgmm.sampling import sample  # noqa: F401
from IMP.emgmm.symmetry import constrain_symmetry


class System(NamedTuple):
    """The restraint and what PMI built, as build_system() returns them."""

    model: IMP.Model
    hierarchy: IMP.atom.Hierarchy
    dof: IMP.pmi.dof.DegreesOfFreedom
    em: object  #: the GaussianEMRestraint, or None
    restraints: list  #: every restraint, the EM restraint too
    output_objects: list  #: what writes to the stat file
    molecules: list  #: PMI molecules


class CrossLinks(NamedTuple):
    """A CSV file of cross-links; the keys name its columns."""

    file: str
    label: str = "crosslinks"
    protein1: str = "prot1"
    residue1: str = "res1"
    protein2: str = "prot2"
    residue2: str = "res2"
    id: str = None
    score: str = None
    length: float = 21.0  #: A
    slope: float = 0.02  #: kT/A
    resolution: int = 1
    weight: float = 1.0
    sigma: float = 2.0  #: A, where the positional uncertainty starts (PMI's)
    psi: float = 0.25  #: where the share of false links starts (PMI's)
    sigma_is_sampled: bool = True
    psi_is_sampled: bool = True
    linker: object = None  #: an ihm.ChemDescriptor; DSS where none is given


class Symmetry(NamedTuple):
    """Copies that follow the first one; operations act in the frame of the map."""

    group: str  #: C2, C3, ... or D2, D3, ...
    center: tuple  #: A, a point on the axis
    axis: tuple  #: of the n-fold rotation
    second_axis: tuple = (0.0, 0.0, 0.0)  #: of a two-fold rotation of Dn
    #: names of molecules that have a copy for each operation, or a multiple; none: all that have
    molecules: tuple = ()


def build_system(
    topology,
    em_gmm=None,
    crosslinks=(),
    pdb_dir="./",
    fasta_dir="./",
    gmm_dir="./",
    fasta_names=None,
    resolutions=(1, 10),
    residues_per_gaussian=None,
    em_options=None,
    em_weight=1.0,
    em_label="em",
    scale_to_mass=True,
    connectivity_scale=1.0,
    disordered_length=False,
    excluded_volume_resolution=1,
    excluded_volume_kappa=1.0,
    max_translation=4.0,
    max_rotation=0.04,
    symmetry=None,
    protocol_output=None,
    output_dir=".",
    model=None,
):
    """Build representation, degrees of freedom and restraints of a PMI topology table.
    @param topology path of the table
    @param em_gmm GMM file of the map; None for no EM restraint
    @param crosslinks list of CrossLinks
    @param pdb_dir folder of the structures that the table names
    @param fasta_dir folder of the sequences
    @param gmm_dir folder where mixtures of bodies are kept; written where they are not there
    @param fasta_names name in the FASTA file -> name in the table
    @param resolutions residues per bead where there is structure
    @param residues_per_gaussian in place of the column em_residues_per_gaussian: a number for all
           rows, or {name of a row's file in gmm_dir, without ".txt": number} for some. PMI makes
           residues // this + 1 Gaussians, and fits a file with any other number of them anew
    @param em_options further arguments of IMP.emgmm.restraint.GaussianEMRestraint
    @param em_weight weight of the EM restraint
    @param em_label label of the EM restraint
    @param scale_to_mass scale the map to the mass of the model
    @param connectivity_scale of the longest distance between consecutive beads
    @param disordered_length random-coil distances across gaps
    @param excluded_volume_resolution residues per bead; beads of ten, as large
           as their mass says, overlap in native structures
    @param excluded_volume_kappa force constant in kT/A^2; 0 for none
    @param max_translation largest step of every mover, A
    @param max_rotation largest step of bodies, radians
    @param symmetry a Symmetry; None for none
    @param protocol_output an IMP.pmi.mmcif.ProtocolOutput, for deposition
    @param output_dir where cross-link lists are written
    @param model the Model; a new one by default
    @return System
    """
    model = model or IMP.Model()
    reader = IMP.pmi.topology.TopologyReader(
        str(topology), pdb_dir=str(pdb_dir), fasta_dir=str(fasta_dir), gmm_dir=str(gmm_dir)
    )
    if residues_per_gaussian is not None:
        _set_residues_per_gaussian(reader, residues_per_gaussian, str(gmm_dir))
    builder = IMP.pmi.macros.BuildSystem(model, resolutions=list(resolutions))
    if protocol_output:
        builder.system.add_protocol_output(protocol_output)
    builder.add_state(reader, fasta_name_map=fasta_names)
    with exact_orientations():
        hierarchy, dof = builder.execute_macro(
            max_rb_trans=max_translation,
            max_rb_rot=max_rotation,
            max_bead_trans=max_translation,
            max_srb_trans=max_translation,
            max_srb_rot=max_rotation,
        )
    molecules = [
        mol for state in builder.get_molecules() for copies in state.values() for mol in copies
    ]
    if len(molecules) > 1:
        dof.create_super_rigid_body(
            molecules, max_trans=max_translation, max_rot=max_rotation, name="whole system"
        )
    _set_bead_variances(hierarchy)
    if symmetry:
        _constrain(dof, molecules, symmetry)

    restraints = []
    for mol in molecules:
        r = IMP.pmi.restraints.stereochemistry.ConnectivityRestraint(
            mol, scale=connectivity_scale, disorderedlength=disordered_length, label=_get_label(mol)
        )
        restraints.append(r)
    if excluded_volume_kappa > 0:
        volume = IMP.pmi.restraints.stereochemistry.ExcludedVolumeSphere(
            included_objects=molecules,
            resolution=excluded_volume_resolution,
            kappa=excluded_volume_kappa,
        )
        volume.resolution = excluded_volume_resolution  # asked for by the search
        restraints.append(volume)
    em = None
    if em_gmm:
        densities = IMP.atom.Selection(
            hierarchy, representation_type=IMP.atom.DENSITIES
        ).get_selected_particles()
        if not densities:
            raise ValueError(
                f"{topology} gives no Gaussians to the model: em_residues_per_gaussian is 0 in "
                "every row (or set residues_per_gaussian)"
            )
        em = IMP.emgmm.restraint.GaussianEMRestraint(
            densities,
            target_fn=str(em_gmm),
            scale_target_to_mass=scale_to_mass,
            weight=em_weight,
            label=em_label,
            **(em_options or {}),
        )
        restraints.append(em)
    for links in crosslinks:
        restraints.append(_create_crosslinks(hierarchy, links, str(output_dir)))
        dof.get_nuisances_from_restraint(restraints[-1])
    for r in restraints:
        r.add_to_model()
    model.update()
    return System(model, hierarchy, dof, em, restraints, list(restraints), molecules)


def _constrain(dof, molecules, symmetry):
    operations = IMP.emgmm.get_symmetry_operations(
        symmetry.group,
        *(IMP.algebra.Vector3D(*v) for v in (symmetry.center, symmetry.axis, symmetry.second_axis)),
    )
    order = len(operations)
    by_name = {}
    for mol in molecules:
        by_name.setdefault(mol.get_name(), []).append(mol)
    names = symmetry.molecules or [n for n, mols in by_name.items() if len(mols) % order == 0]
    if not names:
        raise ValueError(f"no molecule has {order} copies, or a multiple, for {symmetry.group}")
    copies = [[] for _ in operations]
    for name in names:
        mols = by_name.get(name, ())
        if not mols or len(mols) % order:
            raise ValueError(f"{len(mols)} copies of {name}, expected a multiple of {order}")
        for k, mol in enumerate(mols):
            copies[k % order].append(mol)
    constrain_symmetry(dof, copies, operations)


def _get_label(mol):
    copy = IMP.atom.Copy(mol.hier).get_copy_index() if IMP.atom.Copy.get_is_setup(mol.hier) else 0
    return mol.get_name() + (".%d" % copy if copy else "")


def _set_residues_per_gaussian(reader, n, gmm_dir):
    for component in reader.get_components():
        name = component.get_unique_name()
        if isinstance(n, dict) and name not in n:
            continue
        component.em_residues_per_gaussian = n[name] if isinstance(n, dict) else n
        component.density_prefix = os.path.join(gmm_dir, name)


def _set_bead_variances(hierarchy):
    """PMI gives a bead a variance in A^2 that equals its radius in A; a uniform sphere has
    radius^2 / 5."""
    densities = IMP.atom.Selection(
        hierarchy, representation_type=IMP.atom.DENSITIES
    ).get_selected_particles()
    for p in densities:
        for leaf in IMP.atom.get_leaves(IMP.atom.Hierarchy(p)):
            q = leaf.get_particle()
            # Components of a fitted mixture hang below a node of their own; beads are residues.
            if (
                IMP.core.XYZR.get_is_setup(q)
                # A bead of one residue is that residue.
                and (IMP.atom.Fragment.get_is_setup(q) or IMP.atom.Residue.get_is_setup(q))
                and not q.get_name().startswith("Density #")
            ):
                variance = IMP.core.XYZR(q).get_radius() ** 2 / 5
                IMP.core.Gaussian(q).set_variances([variance] * 3)


def _create_crosslinks(hierarchy, links, output_dir):
    import ihm.cross_linkers

    keys = IMP.pmi.io.crosslink.CrossLinkDataBaseKeywordsConverter()
    keys.set_protein1_key(links.protein1)
    keys.set_residue1_key(links.residue1)
    keys.set_protein2_key(links.protein2)
    keys.set_residue2_key(links.residue2)
    if links.id:
        keys.set_unique_id_key(links.id)
    if links.score:
        keys.set_id_score_key(links.score)
    database = IMP.pmi.io.crosslink.CrossLinkDataBase(keys)
    database.create_set_from_file(str(links.file))
    # PMI writes its lists of used and missing links into the working directory.
    here = os.getcwd()
    path = os.path.abspath(output_dir)
    os.chdir(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IMP.pmi.StructureWarning)
            restraint = IMP.pmi.restraints.crosslinking.CrossLinkingMassSpectrometryRestraint(
                hierarchy,
                database=database,
                length=links.length,
                slope=links.slope,
                resolution=links.resolution,
                label=links.label,
                filelabel=links.label,
                linker=links.linker or ihm.cross_linkers.dss,
                weight=links.weight,
            )
    finally:
        os.chdir(here)
    restraint.resolution = links.resolution  # asked for by the search
    for dictionary, start in (
        (restraint.sigma_dictionary, links.sigma),
        (restraint.psi_dictionary, links.psi),
    ):
        for unknown in dictionary.values():
            unknown[0].set_scale(start)
    # Read when the movers are made.
    restraint.set_sigma_is_sampled(links.sigma_is_sampled)
    restraint.set_psi_is_sampled(links.psi_is_sampled)
    return restraint
