"""Cross-links of real systems, from the file to each link's energy: the numbers of IMP.pmi."""

import contextlib
import io
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from emgmm.config.settings import CrosslinksConfig
from emgmm.scoring.crosslinks import crosslink_term, read_crosslinks

IMP = pytest.importorskip("IMP", reason="needs IMP, which cannot be imported")
pmi = pytest.importorskip("IMP.pmi", reason="needs IMP.pmi, which cannot be imported")

from pmi_systems import folder, imp_system, shake, system  # noqa: E402

__all__ = ["folder", "imp_system", "system"]  # fixtures

RELATIVE = 1e-6
# Between copies and within them, several readings of one link, one residue in two copies; the
# tails are beads. Residue 600 and Nobody are not there.
_GROEL = """prot1,res1,prot2,res2,group
GroEL,10,GroEL,300,1
GroEL,100,GroEL,100,2
GroEL,50,Helix,20,3
GroEL,530,GroEL,60,4
GroEL,531,GroEL,534,4
GroEL,600,GroEL,60,5
Nobody,1,Helix,3,6
Helix,3,Helix,3,7
"""
_SECOND_SET = {
    "protein1": "pep1.accession",
    "residue1": "pep1.xlinked_aa",
    "protein2": "pep2.accession",
    "residue2": "pep2.xlinked_aa",
}
_ACTIN = {"protein1": "Protein1", "residue1": "Residue1"} | {
    "protein2": "Protein2",
    "residue2": "Residue2",
}


def _sections(system, shared_data, tmp_path):
    """Sets of cross-links that suit the system."""
    source = shared_data / "crosslinks"
    names = {m.name for m in system.molecules}
    if "Rpb1" in names:
        return [
            CrosslinksConfig(file=str(source / "rnapolii/polii_juri.csv")),
            CrosslinksConfig(
                file=str(source / "rnapolii/polii_xlinks.csv"), length=30.0, **_SECOND_SET
            ),
            CrosslinksConfig(file=str(source / "rnapolii/polii_juri.csv"), resolution=10),
        ]
    if "actin" in names:
        return [CrosslinksConfig(file=str(source / "actin_4pki/derived_xls.dat"), **_ACTIN)]
    (tmp_path / "groel.csv").write_text(_GROEL)
    return [CrosslinksConfig(file=str(tmp_path / "groel.csv"), id="group", slope=0.05)]


def _imp_restraint(root, config):
    import ihm.cross_linkers
    import IMP.pmi.io.crosslink
    import IMP.pmi.restraints.crosslinking

    converter = IMP.pmi.io.crosslink.CrossLinkDataBaseKeywordsConverter()
    converter.set_protein1_key(config.protein1)
    converter.set_protein2_key(config.protein2)
    converter.set_residue1_key(config.residue1)
    converter.set_residue2_key(config.residue2)
    if config.id:
        converter.set_unique_id_key(config.id)
    database = IMP.pmi.io.crosslink.CrossLinkDataBase(converter)
    database.create_set_from_file(config.file)
    return IMP.pmi.restraints.crosslinking.CrossLinkingMassSpectrometryRestraint(
        root,
        database=database,
        length=config.length,
        resolution=config.resolution,
        slope=config.slope,
        label="links",
        linker=ihm.cross_linkers.dss,
    )


def _name(restraint):
    """``Rpb1:34-Rpb2:49`` of its first reading; which copies come first is PMI's own affair."""
    info = restraint.get_static_info()
    text = {info.get_string_key(i): info.get_string_value(i) for i in range(2)} | {
        info.get_int_key(i): info.get_int_value(i) for i in range(2)
    }
    return _without_copies("-".join(f"{text[f'protein{e}']}:{text[f'residue{e}']}" for e in "12"))


def _without_copies(name):
    return re.sub(r"\.\d+:", ":", name)


@pytest.fixture
def quiet(tmp_path, monkeypatch):
    """PMI prints, warns, and writes into the working folder."""
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("seed", [1, 2])
def test_each_link_and_the_whole(system, imp_system, shared_data, tmp_path, quiet, seed):
    model, root, _, dof = imp_system
    frames = [body.get_reference_frame() for body in dof.get_rigid_bodies()]
    poses = shake(system, imp_system, seed)
    for config in _sections(system, shared_data, tmp_path):
        links = read_crosslinks(system, config)
        restraint = _imp_restraint(root, config)
        names = [_name(r) for r in restraint.xl_restraints]
        own_names = [_without_copies(name) for name in links.names]
        assert sorted(names) == sorted(own_names)
        (sigma,) = (entry[0] for entry in restraint.sigma_dictionary.values())
        (psi,) = (entry[0] for entry in restraint.psi_dictionary.values())
        for at_sigma, at_psi in ((5.0, 0.05), (12.0, 0.3), (1.0, 0.01)):
            sigma.set_scale(at_sigma)
            psi.set_scale(at_psi)
            links = replace(links, sigma=at_sigma, psi=at_psi)
            prior = np.log(at_psi)
            expected = sorted(
                (name, -np.log(r.unprotected_evaluate(None)))
                for name, r in zip(names, restraint.xl_restraints, strict=True)
            )
            found = sorted(
                (own_names[i], _alone(system, links, i).evaluate(poses) - prior)
                for i in range(len(links))
            )
            assert [f[0] for f in found] == [e[0] for e in expected]
            np.testing.assert_allclose(
                [f[1] for f in found], [e[1] for e in expected], rtol=RELATIVE, atol=1e-6
            )
            whole = sum(s.evaluate(False) for s in (restraint.rs, restraint.rspsi, restraint.rssig))
            term = crosslink_term(system, links)
            assert term.evaluate(poses) == pytest.approx(whole, rel=RELATIVE)
            assert term.reset(poses) == pytest.approx(whole, rel=RELATIVE)
    for body, frame in zip(dof.get_rigid_bodies(), frames, strict=True):
        body.set_reference_frame(frame)
    model.update()


def _alone(system, links, number):
    """The term of one link."""
    own = links.link == number
    one = replace(
        links,
        names=links.names[number : number + 1],
        link=np.zeros(own.sum(), dtype=np.int64),
        first=links.first[own],
        second=links.second[own],
    )
    return crosslink_term(system, one)
