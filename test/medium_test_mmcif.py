"""A sampled model as an mmCIF file for deposition, with the map it was fitted to."""

import ast
import os
import sys

import _pmi_system
import ihm
import ihm.reader
import ihm.restraint
import IMP
import IMP.emgmm.gmm
import IMP.emgmm.macros
import IMP.emgmm.restraint
import IMP.mmcif
import IMP.pmi.mmcif
import IMP.test


class Tests(IMP.test.TestCase):
    def setUp(self):
        super().setUp()
        # PMI records the script, which it looks up in the working directory.
        sys.argv[0] = os.path.abspath(sys.argv[0])
        self.enterContext(IMP.test.temporary_working_directory())

    def make(self, protocol_output=None):
        m, root, dof, densities = _pmi_system.create_system(protocol_output=protocol_output)
        IMP.emgmm.gmm.write_gaussians(IMP.emgmm.gmm.get_gaussians(densities), "target.txt")
        em = IMP.emgmm.restraint.GaussianEMRestraint(densities, target_fn="target.txt", label="em")
        em.add_to_model()
        return IMP.emgmm.macros.System(m, root, dof, em, [em], [em], [])

    def get_em(self, system):
        (em,) = (r for r in system.restraints if isinstance(r, ihm.restraint.EM3DRestraint))
        return em

    def test_rmf_route(self):
        """IMP.mmcif reads map, number of Gaussians and CC from the RMF file"""
        system = self.make()
        IMP.emgmm.macros.sample(system, "out", steps=40, frame_interval=10, progress=None)
        writer = IMP.mmcif.Writer()
        writer.add_rmf("out/rmfs/0.rmf3", frame=3)
        writer.write("out.cif")
        with open("out.cif") as fh:
            (back,) = ihm.reader.read(fh)
        em = self.get_em(back)
        self.assertEqual(em.number_of_gaussians, len(system.em.target_ps))
        self.assertEqual(em.dataset.location.path, "target.txt")
        (fit,) = em.fits.values()
        with open("out/stat.0.out") as fh:
            header, *lines = (ast.literal_eval(line) for line in fh.read().splitlines())
        stat = {header[k]: v for k, v in lines[3].items()}
        self.assertAlmostEqual(
            fit.cross_correlation_coefficient, float(stat["GaussianEMRestraint_em_CCC"]), delta=2e-3
        )

    def test_protocol_output(self):
        """PMI's protocol output knows the restraint"""
        output = IMP.pmi.mmcif.ProtocolOutput()
        system = self.make(output)
        em = self.get_em(output.system)
        self.assertEqual(em.number_of_gaussians, len(system.em.target_ps))
        self.assertIs(em.dataset, system.em.dataset)


if __name__ == "__main__":
    IMP.test.main()
