"""A script written for IMP.bayesianem, from representation to output, after one changed import."""

import ast
import os
import re
import subprocess
import sys

import IMP.test

try:
    import IMP.bayesianem
except ImportError:
    IMP.bayesianem = None

# The calls of IMP.bayesianem's README between those that every PMI script has.
SCRIPT = """
import sys
import IMP
import IMP.atom
import IMP.emgmm.gmm
import IMP.pmi.macros
import _pmi_system
from IMP.bayesianem.restraint import GaussianEMRestraintWrapper

m, hier, dof, densities = _pmi_system.create_system()
IMP.emgmm.gmm.write_gaussians(IMP.emgmm.gmm.get_gaussians(densities), "gmm.txt")
output_objects = []

sel = IMP.atom.Selection(hierarchy=hier, representation_type=IMP.atom.DENSITIES)
densities = sel.get_selected_particles()
gem = GaussianEMRestraintWrapper(
    densities,
    target_fn="gmm.txt",
    scale_target_to_mass=True,
    slope=0.01,
    target_radii_scale=3.0,
    target_is_rigid_body=False,
)
gem.add_to_model()
gem.set_label("Total")
output_objects.append(gem)

dof.get_nuisances_from_restraint(gem)
IMP.pmi.macros.ReplicaExchange(
    m,
    root_hier=hier,
    monte_carlo_sample_objects=dof.get_movers(),
    output_objects=output_objects,
    monte_carlo_steps=10,
    number_of_best_scoring_models=0,
    number_of_frames=5,
    global_output_directory="out",
).execute_macro()
"""
CHANGED = SCRIPT.replace("from IMP.bayesianem.restraint", "from IMP.emgmm.restraint")


class Tests(IMP.test.TestCase):
    def setUp(self):
        super().setUp()
        self.here = os.path.dirname(os.path.abspath(sys.argv[0]))
        self.enterContext(IMP.test.temporary_working_directory())

    def run_script(self, text):
        """The stat file's lines, by key."""
        with open("script.py", "w") as fh:
            fh.write(text)
        path = os.pathsep.join([self.here, os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "script.py"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        with open("out/stat.0.out") as fh:
            header, *lines = map(ast.literal_eval, fh.read().splitlines())
        return [{header[k]: v for k, v in line.items()} for line in lines], done.stderr

    def test_one_changed_import(self):
        """It runs, says what no longer means anything, and writes the scores under the same keys"""
        self.assertEqual(
            [line for line in CHANGED.splitlines() if line not in SCRIPT.splitlines()],
            ["from IMP.emgmm.restraint import GaussianEMRestraintWrapper"],
        )
        lines, told = self.run_script(CHANGED)
        self.assertEqual(len(lines), 5)
        for line in lines:
            self.assertLess(float(line["GaussianEMRestraint_Total"]), 1e3)
            self.assertTrue(0 < float(line["GaussianEMRestraint_Total_CCC"]) < 1)
            self.assertGreater(float(line["GaussianEMRestraint_sigma_Total"]), 0)
        self.assertIn("ignores slope", told)
        if IMP.bayesianem:
            theirs, _ = self.run_script(SCRIPT)
            ours = {key for key in lines[0] if "EM" in key}
            keys = {key for key in theirs[0] if "EM" in key}
            # Sigma is marginalised: no mover of it, so no acceptance and step size.
            gone = {key for key in keys - ours if not re.match("MonteCarlo_.*sigma", key)}
            self.assertEqual(gone, set())


if __name__ == "__main__":
    IMP.test.main()
