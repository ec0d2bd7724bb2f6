"""@namespace IMP.emgmm.advice
What the writer of a script is told about the EM restraint: each thing once.
"""

import warnings
import weakref

import IMP.atom
import IMP.pmi

#: A weight from which on it is one of a restraint whose score was no probability.
OLD_WEIGHT = 10.0

#: Cross correlation below which a model touches the map nowhere.
NOWHERE = 1e-6

_REPLACED = {  # arguments of the older wrappers that do nothing here, and what does it instead
    "cutoff_dist_model_model": "no cutoff is needed",
    "cutoff_dist_model_data": "no cutoff is needed; far components count too",
    "slope": "overlaps in log space pull bodies outside the map without it",
    "spherical_gaussians": "spheres are recognised",
    "close_pair_container": "no container is needed",
    "backbone_slope": "there is no slope",
    "local": "all components count",
}
_told = set()
_restraints = weakref.WeakSet()


def _tell(key, text, category):
    if key not in _told:
        _told.add(key)
        warnings.warn(text, category, stacklevel=4)


def tell_replaced(given):
    """Tell which of the arguments given do nothing."""
    for name, value in given.items():
        if value:
            _tell(
                name,
                f"IMP.emgmm.restraint.GaussianEMRestraint ignores {name}: {_REPLACED[name]}",
                IMP.pmi.ParameterWarning,
            )


def tell_weight(weight):
    """Tell what a weight means that an older script needed."""
    if weight >= OLD_WEIGHT:
        _tell(
            "weight",
            f"weight is {weight:g}: the score of IMP.emgmm is in kT, and with weight 1 the map "
            f"counts as its noise says; {weight:g} times that leaves the other restraints little "
            "to say",
            IMP.pmi.ParameterWarning,
        )


def tell_states(densities):
    """Tell that the densities are of several states, which no one map shows."""
    states = set()
    for density in densities:
        h = IMP.atom.Hierarchy(density)
        while h and not IMP.atom.State.get_is_setup(h):
            h = h.get_parent()
        if h:
            states.add(h.get_particle_index())
    if len(states) > 1:
        warnings.warn(
            f"the densities are of {len(states)} states, and their sum is compared to the map; "
            "make one restraint for each state",
            IMP.pmi.StructureWarning,
            stacklevel=3,
        )


def tell_nowhere(label, correlation):
    """Tell that the model is not where the map is."""
    if not correlation > NOWHERE:
        warnings.warn(
            f"the model touches the map of restraint {label} nowhere (cross correlation "
            f"{correlation:.1e}): are both in one frame? center_model_on_target_density() and "
            "IMP.emgmm.starts.place_bodies() bring them together",
            IMP.pmi.StructureWarning,
            stacklevel=3,
        )


def tell_same_label(restraint):
    """Tell that two restraints of a model write the same stat keys."""
    for other in _restraints:
        if other is not restraint and other.label == restraint.label and other.m == restraint.m:
            warnings.warn(
                f"two EM restraints have the label {restraint.label}: in stat files one hides the "
                "other; give each its own with set_label()",
                IMP.pmi.ParameterWarning,
                stacklevel=3,
            )
            break
    _restraints.add(restraint)
