"""Does the score prefer the truth? The true arrangement against decoys, each minimised.

    python benchmark/native/truth.py [CASE...] [--em KEY=VALUE ...] [--misjudge 1.3]
        [--decoys 80] [--json FILE] [--folder build/truth]

Decoys are made once and kept in the folder: the truth with small random changes; with one body
turned, or two swapped; random places; and what global searches find, with few Gaussians for the
map and with many. Each is minimised under the score of a run with these settings, all terms,
by forces and torques. A pose within `Case.near` of the truth counts as the truth.

Printed for each case: rank of the truth, how far its score is ahead of the best decoy's (kT;
negative: behind), how far the best scoring pose lies from the truth, and the same for the plain
correlation of map and model over the voxels of the map's box. --em sets keys of [em], --misjudge
multiplies the resolution that the settings state.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from emgmm import _core
from emgmm.config import Config, load_config
from emgmm.io.maps import DensityMap, read_map
from emgmm.maps.rasterize import enclosing_grid, rasterize
from emgmm.poses import composed, random_rotations, turned
from emgmm.posterior import Posterior
from emgmm.representation.build import build_system
from emgmm.runs.data import write_data
from emgmm.search.place import place_system
from emgmm.search.symmetric import symmetric_search
from truth_cases import CASES, Case

FEW, EVALUATIONS = 40, 200  # of the score, to minimise
DECOY_SETTINGS = ({}, {"components": 400})  # of the searches that make decoys


def toml(value: object) -> str:
    return value if isinstance(value, str) and value[:1] in "\"'" else json.dumps(value)


def settings_of(folder: Path, case: Case, em: dict[str, object], name: str) -> Config:
    settings = {key: value for key, value in (case.em | em).items() if value is not None}
    lines = "\n".join(f"{key} = {toml(value)}" for key, value in settings.items())
    path = folder / f"system_{name}.toml"
    path.write_text(f'[system]\ntopology = "topology.txt"\n[em]\n{lines}\n{case.extra}')
    return load_config(path)


def posterior_of(folder: Path, case: Case, em: dict[str, object], name: str) -> Posterior:
    """The problem of a run with these settings of [em]."""
    config = settings_of(folder, case, em, name)
    system = build_system(config, folder / f"gmm_{name}")
    path = folder / f"data_{name}.txt"
    path.unlink(missing_ok=True)
    return Posterior.of_run(config, system, write_data(config, system, path, lambda text: None))


def free_bodies(posterior: Posterior) -> np.ndarray:
    free = posterior.system.bodies.movable.copy()
    if posterior.symmetry is not None:
        free[posterior.symmetry.image] = False
    return free


def decoys(truth: np.ndarray, posterior: Posterior, number: int) -> list[np.ndarray]:
    """Starts (bodies, 7) near the truth, and anywhere in the map."""
    random = np.random.default_rng(7)
    bodies = np.flatnonzero(free_bodies(posterior) & posterior.system.bodies.rotatable)
    radius = posterior.system.turning_radii(free_bodies(posterior))
    flips = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    data = posterior.data
    low, high = data.means.min(axis=0), data.means.max(axis=0)
    result = []
    for n in range(number):
        poses, kind = truth.copy(), n % 5
        if kind in (0, 1):  # all bodies a little off
            size = [1.0, 2.0, 4.0, 8.0][(n // 5) % 4]
            for b in bodies:
                turn = random.standard_normal(3) * size / max(radius[b], 5.0) / 2
                quaternion = np.r_[1.0, turn]
                poses[b, :4] = turned(quaternion / np.linalg.norm(quaternion), poses[b, :4])
                poses[b, 4:] += random.standard_normal(3) * size / np.sqrt(3)
        elif kind == 2:  # one turned over about its own centre
            b = random.choice(bodies)
            if n // 5 % 2:
                poses[b, :4] = random_rotations(random, 1)[0]
            else:
                poses[b, :4] = turned(truth[b, :4], _about_axes(posterior, b, flips[n // 10 % 3]))
        elif kind == 3 and len(bodies) > 1:  # two in each other's place
            a, b = random.choice(bodies, 2, replace=False)
            poses[[a, b], 4:] = truth[[b, a], 4:]
            poses[[a, b], :4] = random_rotations(random, 2)
        else:  # anywhere
            poses[bodies, :4] = random_rotations(random, len(bodies))
            poses[bodies, 4:] = random.uniform(low, high, (len(bodies), 3))
        result.append(poses)
    return result


def _about_axes(posterior: Posterior, body: int, flip: np.ndarray) -> np.ndarray:
    """Quaternion of half a turn about a principal axis of a body, in its frame."""
    beads = posterior.system.finest
    local = beads.local[beads.body == body]
    axes = np.linalg.svd(local - local.mean(axis=0), full_matrices=False)[2]
    return np.r_[0.0, flip[1:] @ axes]


def made_once(name: str, case: Case, root: Path, number: int) -> tuple[Path, np.ndarray]:
    """Folder of a case, and (n, bodies, 7) starts, the truth first."""
    folder = root / name
    kept = folder / f"starts_{number}.npy"
    if kept.is_file():
        return folder, np.load(kept)
    folder.mkdir(parents=True, exist_ok=True)
    case.prepare(folder)
    many = {} if "gmm" in case.em else {"components": 400}
    posterior = posterior_of(folder, case, many, "decoys")
    truth = case.truth(folder, posterior)
    if case.is_rough:
        truth = refined(truth, posterior, Referee(folder, case, posterior))
    starts = [truth, *decoys(truth, posterior, number)]
    for em in DECOY_SETTINGS if "map" in case.em else DECOY_SETTINGS[:1]:
        starts += searched(posterior_of(folder, case, em, "decoys"))
    if posterior.symmetry is not None:
        starts = [posterior.symmetry.symmetric(s) for s in starts]
    np.save(kept, np.array(starts))
    return folder, np.array(starts)


def searched(posterior: Posterior) -> list[np.ndarray]:
    data = posterior.search_data()
    if posterior.symmetry is not None:
        return symmetric_search(
            posterior.system, data, posterior.options, posterior.symmetry, solutions=15
        )
    options = _core.SearchOptions()
    options.threads = 1
    found = place_system(
        posterior.system, data, posterior.options, config=posterior.config, search=options
    )
    return [p.poses for p in found]


def minimised(posterior: Posterior, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n,) in kT and poses (n, bodies, 7)."""
    radii = posterior.system.turning_radii(free_bodies(posterior))

    def better(poses: np.ndarray, evaluations: int) -> tuple[float, np.ndarray]:
        poses = np.ascontiguousarray(poses)
        args = posterior.terms, poses, radii, evaluations, posterior.symmetry
        return _core.minimize_terms(*args)[:2]

    # The worse half after a few steps are no rivals; the truth, first, always goes on.
    found = [better(start, FEW) for start in starts]
    limit = np.median([f[0] for f in found])
    found = [
        better(poses, EVALUATIONS) if n == 0 or score <= limit else (score, poses)
        for n, (score, poses) in enumerate(found)
    ]
    return np.array([f[0] for f in found]), np.array([f[1] for f in found])


def distances(posterior: Posterior, truth: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """(n,) Å, rms over the residues; with symmetry to the nearest copy."""
    beads, symmetry = posterior.system.finest, posterior.symmetry
    counts = free_bodies(posterior)[beads.body]

    def places(p: np.ndarray) -> np.ndarray:
        return beads.positions(p)[counts]

    turns = [None] if symmetry is None else symmetry.operations
    wanted = [places(truth if t is None else composed(t[None], truth)) for t in turns]
    return np.array(
        [min(np.sqrt(((places(p) - w) ** 2).sum(axis=1).mean()) for w in wanted) for p in poses]
    )


class Referee:
    """Plain correlation, about the means over the map's box, one Gaussian a residue."""

    def __init__(self, folder: Path, case: Case, posterior: Posterior) -> None:
        em = {"model.forward": "residue", "resolution": posterior.config.em.resolution}
        self._residues = build_system(settings_of(folder, case, em, "residues")).gaussians
        if "map" in case.em:
            self._map = _cropped(read_map(folder / case.em["map"]), posterior.data)
        else:
            self._map = rasterize(posterior.data, enclosing_grid(posterior.data, 2.0), 1)
        self._values = self._map.values.reshape(-1).astype(np.float64)

    def __call__(self, poses: np.ndarray) -> float:
        model = rasterize(self._residues.placed(poses), self._map, 1)
        cc = np.corrcoef(model.values.reshape(-1), self._values)[0, 1]
        return float(np.nan_to_num(cc, nan=-1.0))


def refined(truth: np.ndarray, posterior: Posterior, referee: Referee) -> np.ndarray:
    """The pose of best correlation near one, of a symmetric system with one free body."""
    random = np.random.default_rng(0)
    (body,) = np.flatnonzero(free_bodies(posterior))
    best, cc, step, failed = truth, referee(truth), 2.0, 0
    while step > 0.2:  # Å
        trial = best.copy()
        turn = np.r_[1.0, random.standard_normal(3) * step / 50]
        trial[body, :4] = turned(turn / np.linalg.norm(turn), trial[body, :4])
        trial[body, 4:] += random.standard_normal(3) * step / np.sqrt(3)
        trial = posterior.symmetry.symmetric(trial)
        if (now := referee(trial)) > cc:
            best, cc, failed = trial, now, 0
        elif (failed := failed + 1) > 25:
            step, failed = 0.7 * step, 0
    return best


def _cropped(density: DensityMap, data) -> DensityMap:
    """The box around the data mixture, 20 Å wider."""
    low = np.floor((data.means.min(axis=0) - 20 - density.origin) / density.voxel).astype(int)
    high = np.ceil((data.means.max(axis=0) + 20 - density.origin) / density.voxel).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high + 1, density.values.shape[::-1])
    box = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
    return DensityMap(density.values[box], density.voxel, density.origin + low * density.voxel)


def row(name: str, case: Case, root: Path, em: dict, misjudge: float, number: int) -> dict:
    folder, starts = made_once(name, case, root, number)
    stated = case.em.get("resolution")
    changed = dict(em)
    if stated is not None and misjudge != 1:
        changed["resolution"] = stated * misjudge
    began = time.monotonic()
    posterior = posterior_of(folder, case, changed, "tried")
    fitted = time.monotonic()
    scores, poses = minimised(posterior, starts)
    seconds = time.monotonic() - fitted
    truth = starts[0]
    from_truth = distances(posterior, truth, poses)
    near = from_truth <= case.near
    # The truth as it stands counts for the referee too: it was minimised under another score.
    referee = Referee(folder, case, posterior)
    cc = np.array([referee(p) for p in [*poses, truth]])
    cc_near = np.r_[near, True]
    best, best_cc = int(np.argmin(scores)), int(np.argmax(cc))
    # Where the truth runs away when minimised, its score is that of the truth as it stands.
    terms = posterior.terms
    as_it_stands = sum(t.weight * t.term.evaluate(truth) for t in terms)
    true_score = min(as_it_stands, scores[near].min()) if near.any() else as_it_stands
    true_cc = cc[cc_near].max()
    return {
        "case": name,
        "data_components": len(posterior.data),
        "model_components": len(posterior.system.gaussians),
        "decoys": int((~near).sum()),
        "rank": 1 + int((scores[~near] < true_score).sum()),
        "ahead_kt": float(scores[~near].min() - true_score),
        "best_from_truth": float(from_truth[best]),
        "cc_rank": 1 + int((cc[~cc_near] > true_cc).sum()),
        "cc_ahead": float(true_cc - cc[~cc_near].max()),
        "cc_best_from_truth": float(np.r_[from_truth, 0.0][best_cc]),
        "cc_of_best": float(cc[best]),
        "cc_of_truth": float(cc[-1]),
        "true_from_truth": float(from_truth[near][scores[near].argmin()]) if near.any() else None,
        "fit_seconds": fitted - began,
        "truth_moved": float(from_truth[0]),
        "seconds": seconds,
    }


def value_of(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=[], help=", ".join(CASES))
    parser.add_argument("--em", action="append", default=[], metavar="KEY=VALUE", help="of [em]")
    parser.add_argument("--misjudge", type=float, nargs="*", default=[1.0])
    parser.add_argument("--decoys", type=int, default=80)
    parser.add_argument("--folder", type=Path, default=Path("build/truth"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    em = {}
    for setting in arguments.em:
        key, _, text = setting.partition("=")
        em[key] = value_of(text)
    print(
        "| case | resolution × | N_D | N_M | decoys | rank | kT ahead | best, Å | "
        "CC rank | CC ahead | best by CC, Å | s |"
    )
    print("| --- " * 12 + "|", flush=True)
    rows = []
    for name in arguments.cases or CASES:
        for misjudge in arguments.misjudge:
            r = row(name, CASES[name], arguments.folder, em, misjudge, arguments.decoys)
            rows.append(r | {"resolution_factor": misjudge, "em": em})
            print(
                f"| {name} | {misjudge:g} | {r['data_components']} | {r['model_components']} | "
                f"{r['decoys']} | {r['rank']} | {r['ahead_kt']:.1f} | {r['best_from_truth']:.1f} | "
                f"{r['cc_rank']} | {r['cc_ahead']:.3f} | {r['cc_best_from_truth']:.1f} | "
                f"{r['seconds']:.0f} |",
                flush=True,
            )
            if arguments.json:
                arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    first = sum(r["rank"] == 1 for r in rows)
    print(f"\ntruth first in {first} of {len(rows)}; by CC {sum(r['cc_rank'] == 1 for r in rows)}")


if __name__ == "__main__":
    main()
