"""Noise models where the map and the model do not hold the same parts.

Data GMM: EM mixture of the whole native structure; model: a mixture of each chain; both at 1.09
kDa a component, EM term alone. Three tables:

1. spread of the log ratios l_k at the native pose: the error of the mixtures, from which the
   default of sigma_min comes;
2. how far the chains move from their native pose when the score is minimised with forces and
   torques: all chains there; one missing from the model, each in turn; a chain of another complex
   too many, dropped in the middle of the map;
3. (--place) which chains the global search finds in the same three cases.

What was chosen and why stands in emgmm/scoring.py.

    python benchmark/native/noise_models.py [--place] [--complexes 1z5s 3sfd] [--threads 2]
        [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from complexes import SHARED
from emgmm import _core
from emgmm.fitting import fit_points
from emgmm.io.structures import Structure, read_structure
from emgmm.mixture import Mixture
from emgmm.poses import to_matrices
from emgmm.scoring.mixture_score import ScoreOptions, make_score, score_mixture
from emgmm.scoring.terms import density_term

DALTON = 1090.0
SURPLUS = ("2hle", "A")  # the chain that is in no map

# What is compared; the mass of the data is that of the whole complex unless said otherwise.
OPTIONS = {
    "lognormal (eq. 13)": ScoreOptions(sigma_min=0.1),
    "lognormal, background 0.1": ScoreOptions(sigma_min=0.1, background=0.1),
    "lognormal_local": ScoreOptions("lognormal_local", sigma_min=0.1),
    "lognormal_local, background 0.01": ScoreOptions(
        "lognormal_local", sigma_min=0.1, background=0.01
    ),
    "lognormal_local, background 0.1": ScoreOptions(
        "lognormal_local", sigma_min=0.1, background=0.1
    ),
    "lognormal_local, background 0.3": ScoreOptions(
        "lognormal_local", sigma_min=0.1, background=0.3
    ),
    "gaussian": ScoreOptions("gaussian", sigma_min=0.1),
    "gaussian_local": ScoreOptions("gaussian_local", sigma_min=0.1),
    "outliers": ScoreOptions("outliers", sigma_min=0.1),
}
SCALED_TO_MODEL = ("lognormal_local, background 0.1",)
PROFILED = {
    "lognormal, profiled": ScoreOptions(sigma_min=0.1, scale="profiled"),
    "lognormal_local, profiled": ScoreOptions("lognormal_local", sigma_min=0.1, scale="profiled"),
}
PLACED = ("lognormal (eq. 13)", "lognormal_local", "lognormal_local, background 0.1", "outliers")


@dataclass(frozen=True)
class Body:
    """A chain: mixture and CA atoms about its centre of mass, and where that lies."""

    name: str
    mixture: Mixture
    beads: np.ndarray  # (n, 3) Å
    center: np.ndarray  # (3,) Å

    @property
    def radius(self) -> float:
        """Å, of gyration."""
        m = self.mixture
        return float(np.sqrt(m.weights @ np.square(m.means).sum(axis=1) / m.mass))


def body_of(structure: Structure, chain: str, dalton: float = DALTON) -> Body:
    atoms = structure.select(structure.chain == chain)
    center = atoms.mass @ atoms.xyz / atoms.mass.sum()
    n = max(1, round(atoms.mass.sum() / dalton))
    mixture = fit_points(atoms.xyz - center, atoms.mass, n, seed=1)
    return Body(chain, mixture, atoms.xyz[atoms.atom_name == "CA"] - center, center)


def load(name: str) -> tuple[Mixture, list[Body], Structure]:
    structure = read_structure(SHARED / "complexes" / f"{name}.pdb.gz")
    n = round(structure.mass.sum() / DALTON)
    data = fit_points(structure.xyz, structure.mass, n, seed=5)
    return data, [body_of(structure, c) for c in structure.chains()], structure


def surplus_body(data: Mixture) -> Body:
    """A stranger in the middle of the map."""
    structure = read_structure(SHARED / "complexes" / f"{SURPLUS[0]}.pdb.gz")
    body = body_of(structure, SURPLUS[1])
    return Body("surplus", body.mixture, body.beads, data.center)


def native_poses(bodies: list[Body]) -> np.ndarray:
    poses = np.zeros((len(bodies), 7))
    poses[:, 0] = 1
    poses[:, 4:] = [b.center for b in bodies]
    return poses


def deviations(bodies: list[Body], poses: np.ndarray, share: float = 1.0) -> np.ndarray:
    """(bodies,) Å: rms over the CA atoms, or over the `share` of them that moved least."""
    rotations, translations = to_matrices(poses)
    result = []
    for body, rotation, translation in zip(bodies, rotations, translations, strict=True):
        moved = body.beads @ rotation.T + translation
        squares = np.sort(np.square(moved - body.beads - body.center).sum(axis=1))
        result.append(np.sqrt(squares[: max(1, round(share * len(squares)))].mean()))
    return np.array(result)


def minimised(data: Mixture, bodies: list[Body], options: ScoreOptions) -> np.ndarray:
    """Poses of the minimum next to the native pose."""
    term = density_term(make_score(data, options), [b.mixture for b in bodies])
    return term.minimize(native_poses(bodies), [b.radius for b in bodies], 400)[1]


def placed(data, bodies, options, seed, threads):
    """(poses, times found, seconds) of the best arrangement of a global search."""
    start = time.perf_counter()
    search = _core.SearchOptions()
    search.seed, search.threads = seed, threads
    (best, *_), _ = _core.global_search(
        make_score(data, options),
        [b.mixture for b in bodies],
        list(range(len(bodies))),
        search,
    )
    return best[2], best[1], time.perf_counter() - start


def spread_table(names: list[str]) -> list[dict]:
    rows = []
    for name in names:
        data, _, structure = load(name)
        for dalton in (DALTON, 500.0):
            bodies = [body_of(structure, c, dalton) for c in structure.chains()]
            model = Mixture.concatenated([b.mixture.shifted(b.center) for b in bodies])
            fine = fit_points(structure.xyz, structure.mass, round(data.mass / dalton), seed=5)
            result = score_mixture(fine, model, ScoreOptions())
            ratios = result.log_ratios
            row = {
                "complex": name,
                "dalton": dalton,
                "components": len(ratios),
                "rms": float(np.sqrt(np.mean(ratios**2))),
                "mean": float(ratios.mean()),
                "core": float(np.median(np.abs(ratios - np.median(ratios))) / 0.6745),
                "lowest": float(ratios.min()),
                "perfect": score_mixture(fine, fine, ScoreOptions()).score,
                "native": result.score,
            }
            rows.append(row)
            print(
                f"{name:10s} {dalton:6.0f} {row['components']:5d}  {row['rms']:.3f}  "
                f"{row['mean']:+.3f}  {row['core']:.3f}  {row['lowest']:+.2f}  "
                f"{row['native']:8.1f} {row['perfect']:8.1f}",
                flush=True,
            )
    return rows


def minimised_table(name: str, stranger: bool = True) -> list[dict]:
    data, bodies, _ = load(name)
    rows = []
    cases = [(label, o, False) for label, o in {**OPTIONS, **PROFILED}.items()]
    cases += [(f"{label}, map scaled to model", OPTIONS[label], True) for label in SCALED_TO_MODEL]
    for label, options, rescale in cases:
        start = time.perf_counter()
        complete = deviations(bodies, minimised(data, bodies, options))
        missing = []
        for absent in bodies:
            rest = [b for b in bodies if b is not absent]
            mass = sum(b.mixture.mass for b in rest)
            target = data.scaled_to(mass) if rescale else data
            missing.append(deviations(rest, minimised(target, rest, options)))
        extra = [*bodies, surplus_body(data)]
        mass = sum(b.mixture.mass for b in extra)
        target = data.scaled_to(mass) if rescale else data
        surplus = deviations(bodies, minimised(target, extra, options)[: len(bodies)])
        values = np.concatenate(missing)
        row = {
            "complex": name,
            "noise": label,
            "complete": [float(np.median(complete)), float(complete.max())],
            "missing": [float(np.median(values)), float(values.max())],
            "surplus": [float(np.median(surplus)), float(surplus.max())],
            "seconds": time.perf_counter() - start,
        }
        rows.append(row)
        cells = "  ".join(f"{row[k][0]:6.2f} {row[k][1]:6.2f}" for k in _CASES)
        print(f"{name:6s} {label:52s} {cells}  {row['seconds']:5.1f} s", flush=True)
    return rows


_CASES = ("complete", "missing", "surplus")


def placed_table(name: str, labels: list[str], seed: int, threads: int) -> list[dict]:
    """Chains whose 80 % nearest CA atoms lie within 5 Å rms of where they belong."""
    data, bodies, _ = load(name)
    rows = []
    for label in labels:
        options = OPTIONS[label]
        cases = [("complete", bodies)]
        cases += [(f"without {a.name}", [b for b in bodies if b is not a]) for a in bodies]
        cases += [("surplus", [*bodies, surplus_body(data)])]
        for case, present in cases:
            poses, found, seconds = placed(data, present, options, seed, threads)
            native = [b for b in present if b.name != "surplus"]
            off = deviations(native, poses[: len(native)], 0.8)
            row = {
                "complex": name,
                "noise": label,
                "case": case,
                "right": int((off < 5).sum()),
                "chains": len(native),
                "rmsd80": off.tolist(),
                "found": found,
                "seconds": seconds,
            }
            rows.append(row)
            chains = " ".join(f"{b.name}:{x:.1f}" for b, x in zip(native, off, strict=True))
            print(
                f"{name:6s} {label:34s} {case:10s} {row['right']} of {row['chains']}  "
                f"({chains})  found {found}x  {seconds:.1f} s",
                flush=True,
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--complexes", nargs="+", default=["1z5s", "3sfd"])
    parser.add_argument("--place", action="store_true", help="the global search too (minutes)")
    parser.add_argument("--models", nargs="+", default=list(PLACED), help="of the global search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit(f"needs the folder of shared data ({SHARED.name}) beside the repository")
    result = {}
    print("complex    Da/comp.  N_D   rms    mean    core  lowest   native  perfect (scores, kT)")
    result["spread"] = spread_table([*arguments.complexes, "1oel_7mer"])
    print("\nmoved from the native pose, median and worst chain, Å: complete, missing, surplus")
    result["minimised"] = [r for name in arguments.complexes for r in minimised_table(name)]
    if arguments.place:
        print("\nglobal search: chains placed right")
        result["placed"] = [
            r
            for name in arguments.complexes
            for r in placed_table(name, arguments.models, arguments.seed, arguments.threads)
        ]
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
