"""@namespace IMP.emgmm.search
The global search of a system of IMP.pmi: its restraints as the search takes them.
"""

import math

import IMP.atom
import IMP.core
import IMP.emgmm
import IMP.isd
import IMP.pmi.restraints.crosslinking
import IMP.pmi.restraints.stereochemistry
import IMP.pmi.tools
from IMP.emgmm.bodies import get_carrier
from IMP.emgmm.symmetry import get_copy_frame

# A, root mean square: copies that differ by less share their places.
_SAME_STRUCTURE = 1.0
# A: far enough for any bond to pull, twice.
_FAR = (1e4, 2e4)


class Monitor(IMP.emgmm.SearchMonitor):
    """Tells a function how far a search is: its methods in Python let Ctrl-C end it."""

    def __init__(self, progress=None):
        super().__init__("search monitor")
        self._progress = progress

    def handle_progress(self, stage, search, searches, share, best):
        """Tell the function."""
        if self._progress is not None:
            self._progress(stage, search, searches, share, best if math.isfinite(best) else None)

    def get_is_stopped(self):
        """Never; what Python has to do in between, it does here."""
        return False


def create_search(system, bodies, options=None):
    """Create the IMP.emgmm.BodySearch of rigid bodies of a system.

    Besides the density count what the system has of PMI's connectivity, cross-links and excluded
    volume, with their weights.
    @param system from IMP.emgmm.macros.build_system(), or of the same parts
    @param bodies rigid bodies that carry Gaussians
    @param options how hard to look: {name: value}
    """
    system.model.update()
    search = IMP.emgmm.BodySearch(system.em.gaussianEM_restraint, bodies)
    for name, value in (options or {}).items():
        search.set_option(name, value)
    search.set_copies(*_get_copies(system, bodies))
    if system.em.scale_target_to_mass:
        search.set_data_mass(_get_structured_mass(system.em))
    resolutions = set()
    for r in system.restraints:
        if isinstance(r, IMP.pmi.restraints.stereochemistry.ConnectivityRestraint):
            _add_bonds(search, r)
        elif isinstance(r, IMP.pmi.restraints.crosslinking.CrossLinkingMassSpectrometryRestraint):
            resolution = getattr(r, "resolution", 1)
            if resolution not in resolutions:
                resolutions.add(resolution)
                _add_molecules(search, system, resolution)
            _add_links(search, r)
        elif isinstance(r, IMP.pmi.restraints.stereochemistry.ExcludedVolumeSphere):
            _add_volume(search, system, r, len(bodies))
    return search


def _get_copies(system, bodies):
    """(kinds, frames) as BodySearch.set_copies() takes them."""
    contents = [{} for _ in bodies]
    number = {body.get_particle_index(): i for i, body in enumerate(bodies)}
    for leaf in IMP.atom.get_leaves(system.hierarchy):
        p = leaf.get_particle()
        i = number.get(get_carrier(p, rigidly=True).get_index())
        if i is None:
            continue
        molecule = IMP.pmi.tools.get_molecules(leaf)[0]
        key = (molecule.get_name(), tuple(IMP.pmi.tools.get_residue_indexes(leaf)))
        contents[i].setdefault(key, []).append(p)
    kinds = list(range(len(bodies)))
    frames = [IMP.algebra.get_identity_transformation_3d() for _ in bodies]
    for i, body in enumerate(bodies):
        for first in sorted(set(kinds[:i])):
            if not contents[i] or contents[i].keys() != contents[first].keys():
                continue
            pairs = [
                (p, q)
                for key, ps in contents[first].items()
                for p, q in zip(ps, contents[i][key], strict=False)
            ]
            frame, off = get_copy_frame(bodies[first], body, pairs)
            if off < _SAME_STRUCTURE:
                kinds[i], frames[i] = first, frame
                break
    return kinds, frames


def _get_structured_mass(em):
    """Da of the Gaussians that bodies carry; all of them where none does."""
    solid = [p for p in em.model_ps if IMP.core.RigidMember.get_is_setup(p)]
    return sum(IMP.atom.Mass(p).get_mass() for p in solid or em.model_ps)


def _add_molecules(search, system, resolution):
    molecules = IMP.atom.get_by_type(system.hierarchy, IMP.atom.MOLECULE_TYPE)
    for molecule in molecules:
        beads = IMP.pmi.tools.input_adaptor(molecule, resolution, flatten=True)
        residues = [IMP.pmi.tools.get_residue_indexes(bead) for bead in beads]
        search.add_molecule(
            [bead.get_particle() for bead in beads],
            [(own[0] + own[-1]) / 2 for own in residues],
        )


def _add_bonds(search, restraint):
    for r, pair in zip(restraint.rs.get_restraints(), restraint.particle_pairs, strict=True):
        search.add_bond(*pair, *_get_slack(r, *pair, weight=restraint.weight))


def _get_slack(r, first, second, weight):
    """(distance of the surfaces up to which a harmonic bond does not pull in A, its force
    constant), as its score far away tells."""
    a, b = IMP.core.XYZR(first), IMP.core.XYZR(second)
    here = b.get_coordinates()
    roots = []
    for far in _FAR:
        away = far + a.get_radius() + b.get_radius()
        b.set_coordinates(a.get_coordinates() + IMP.algebra.Vector3D(away, 0, 0))
        roots.append(math.sqrt(2 * r.unprotected_evaluate(None)))
    b.set_coordinates(here)
    stiffness = (roots[1] - roots[0]) / (_FAR[1] - _FAR[0])
    return _FAR[0] - roots[0] / stiffness, weight * stiffness**2


def _add_links(search, restraint):
    numbers, ends, sigmas, psis = [], [], [], []
    m = restraint.model
    for number, link in enumerate(restraint.xl_restraints):
        for i in range(link.get_number_of_contributions()):
            numbers.append(number)
            ends.append(link.get_contribution_particle_indexes(i))
            sigmas += [
                IMP.isd.Scale(m, pi).get_scale() for pi in link.get_contribution_sigma_indexes(i)
            ]
            psis.append(IMP.isd.Scale(m, link.get_contribution_psi_index(i)).get_scale())
    link = restraint.xl_restraints[0]
    search.add_cross_links(
        numbers, ends, sigmas, psis, link.get_length(), link.get_slope(), restraint.weight
    )


def _add_volume(search, system, restraint, bodies):
    resolution = getattr(restraint, "resolution", 1)
    kappa = restraint.kappa * restraint.weight
    search.add_excluded_volume(_get_spheres(system, resolution), kappa)
    if bodies > search.get_option("many_bodies"):
        soft = _get_spheres(system, max(resolution, search.get_soft_bead_size()))
        search.add_excluded_volume(soft, kappa, True)


def _get_spheres(system, resolution):
    return [
        h.get_particle()
        for h in IMP.pmi.tools.input_adaptor(system.hierarchy, resolution, flatten=True)
    ]
