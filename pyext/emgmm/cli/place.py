"""``emgmm place``: structures into a map, from nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from .options import (
    Bar,
    bad_values,
    check_files,
    force_option,
    keep_option,
    report_option,
    say,
    tell_notes,
    threads_option,
    write_report,
)

if TYPE_CHECKING:
    from ..io.maps import DensityMap
    from ..io.structures import Structure
    from ..search.structures import StructurePlacement

ORDER = 40


@click.command()
@click.argument("map", metavar="MAP")
@click.argument("structures", metavar="STRUCTURE...", nargs=-1, required=True)
@click.option("--resolution", required=True, type=float, help="Å, of the map.")
@click.option("-n", "number", type=click.IntRange(1, 40), default=10, show_default=True,
              help="Places at most.")  # fmt: skip
@click.option("--each", is_flag=True, help="Each structure alone, not all together.")
@click.option("--identify", is_flag=True, help="Which of the structures the map holds.")
@click.option("--copies", metavar="NAME=N", multiple=True,
              help="Of a structure, by the name of its file; may be repeated.")  # fmt: skip
@click.option("--threshold", type=float, help="Contour level; default: estimated.")
@click.option(
    "-o", "--output", metavar="FOLDER", help="Placed models, ChimeraX script, place.json."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of several structures together.",
)
@keep_option
@threads_option
@report_option
@force_option
def place(
    map,
    structures,
    resolution,
    number,
    each,
    identify,
    copies,
    threshold,
    output,
    seed,
    keep,
    threads,
    report,
    force,
) -> None:
    """Place STRUCTURES in a density MAP, wherever they are in their files.

    One structure is placed by the local correlation of its density: the map may hold more. Several
    are placed together by the Bayesian score: they should be all that the map holds, or else be
    placed with --each. Scores are in kT, lower is better.
    """
    from ..io.maps import read_map
    from ..io.structures import read_structure

    if not resolution > 0:
        raise InputError("--resolution", f"{resolution:g}", "more than 0 Å")
    names = _names(structures)
    wanted = _copies(copies, names)
    alone = each or identify or (len(structures) == 1 and sum(wanted) == 1)
    if alone and sum(wanted) > len(wanted):
        raise click.UsageError("--copies are placed together: leave --each and --identify out")
    check_files(report, force, (map, *structures))
    files = None if output is None else _Folder(Path(output), force, (map, *structures))
    began = time.monotonic()
    density = read_map(map)
    given = [read_structure(path, keep=keep) for path in structures]
    notes = [*density.notes, *(note for s in given for note in s.account.notes)]
    level, estimated = _contour(map, density, threshold)
    options = {"resolution": resolution, "threshold": threshold, "seed": seed}
    results = []
    with Bar("placing") as bar:
        if alone:
            for name, structure in zip(names, given, strict=True):
                bar.stage(f"placing {name}")
                found = _found(map, density, [structure], {**options, "threshold": level},
                               threads or 0, bar)  # fmt: skip
                results.append(_result([name], [structure], density, level, found, number))
        else:
            several = [i for i, n in enumerate(wanted) for _ in range(n)]
            together = [given[i] for i in several]
            found = _found(map, density, together, options, threads or 0, bar)
            labels = [names[i] for i in several]
            results.append(_result(labels, together, density, level, found, number, resolution))
    if alone:
        _add_chances(results)
    if identify:
        results.sort(key=lambda r: (r["p"] if r["p"] is not None else 1.0, r["places"][0]["score"]))
    if files is not None:
        by_name = dict(zip(names, given, strict=True))
        for result in results:
            files.write_models(result, by_name)
    content = {
        "map": os.fspath(map),
        "resolution": resolution,
        "threshold": level,
        "threshold_estimated": estimated,
        "results": results,
        "atoms": {n: s.account.report() for n, s in zip(names, given, strict=True)},
        "seconds": time.monotonic() - began,
        "notes": list(dict.fromkeys(notes)),
    }
    if files is not None:
        files.write_rest(content, map)
    write_report(report, content, force)
    head = "estimated contour" if estimated else "contour"
    say(report, f"{map}: {resolution:g} Å, {head} {level:.4g}, {content['seconds']:.1f} s")
    say(report, _ranking(results) if identify else "\n".join(_table(r) for r in results))
    if files is not None:
        say(report, f"written: {files.folder} (open place.cxc in ChimeraX)")
    tell_notes(content["notes"])


def _names(paths: Sequence[str]) -> list[str]:
    """A name for each structure: that of its file, with a number where it is taken."""
    from ..io.structures.write import free_name

    names: list[str] = []
    for path in paths:
        stem = Path(path).name.removesuffix(".gz")
        names.append(free_name(Path(stem).stem or stem, names))
    return names


def _copies(given: Sequence[str], names: Sequence[str]) -> list[int]:
    """How often each structure is there."""
    numbers = dict.fromkeys(names, 1)
    for text in given:
        name, _, number = text.rpartition("=")
        if name not in numbers:
            raise InputError("--copies", text, f"NAME=N with one of {', '.join(names)}")
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 60):
            raise InputError("--copies", text, "NAME=N with a number from 1 to 60")
        numbers[name] = int(number)
    return list(numbers.values())


def _contour(path: str, density: DensityMap, threshold: float | None) -> tuple[float, bool]:
    from ..fitting.map_fit import estimate_threshold

    if threshold is not None:
        highest = float(density.values.max())
        if not threshold < highest:
            raise InputError(
                "--threshold", f"{threshold:g}", f"less than {highest:g}, the greatest"
            )
        return threshold, False
    with bad_values(path):
        return estimate_threshold(density), True


def _found(
    path: str,
    density: DensityMap,
    structures: list[Structure],
    options: dict,
    threads: int,
    bar: Bar,
) -> list[StructurePlacement]:
    from .. import _core
    from ..search.structures import place as place_structures

    search = _core.SearchOptions()
    search.seed, search.threads = options["seed"], threads
    with bad_values(path):
        return place_structures(
            density,
            structures,
            options["resolution"],
            threshold=options["threshold"],
            search=search,
            progress=lambda now: bar.advance(now.share, 1.0),
        )


def _result(
    names: list[str],
    structures: list[Structure],
    density: DensityMap,
    level: float,
    found: list[StructurePlacement],
    number: int,
    resolution: float | None = None,
) -> dict:
    """JSON of one answer to one question: places of these structures, alone or together."""
    from ..search.answers import chance, clashes, lead, local_correlation, share_inside

    first = lead([p.score for p in found])
    bands = [p.band for p in found if p.band is not None]
    places = []
    for rank, one in enumerate(found[:number], 1):
        moved = one.moved(structures)
        cc = one.cc if resolution is None else local_correlation(density, moved, resolution)
        places.append(
            {
                "rank": rank,
                "score": one.score,
                "cc": cc,
                "inside": share_inside(density, moved, level),
                "clashes": clashes(moved) if len(moved) > 1 else None,
                "structures": [
                    {
                        "name": name,
                        "rotation": pose[:4].tolist(),
                        "translation": pose[4:].tolist(),
                        "center": structure.xyz.mean(axis=0).tolist(),
                    }
                    for name, pose, structure in zip(names, one.poses, moved, strict=True)
                ],
                "file": None,
            }
        )
    return {
        "names": names,
        "answers": len(found),
        "ahead": first.ahead,
        "deviations": first.deviations,
        "alike": first.alike,
        "gap": first.gap,
        "p": chance(bands) if bands else None,
        "q": None,
        "places": places,
    }


def _add_chances(results: list[dict]) -> None:
    from ..search.answers import false_discovery

    known = [r for r in results if r["p"] is not None]
    if known:
        for result, rate in zip(known, false_discovery([r["p"] for r in known]), strict=True):
            result["q"] = float(rate)


def _table(result: dict) -> str:
    together = len(result["names"]) > 1
    lines = [", ".join(result["names"])]
    lines.append("  rank   score kT      CC   inside" + ("   clashes" if together else ""))
    for place in result["places"]:
        line = f"  {place['rank']:4d} {place['score']:10.1f} {place['cc']:7.3f} "
        line += f"{100 * place['inside']:6.0f} %"
        lines.append(line + (f" {place['clashes']:9d}" if together else ""))
    if result["ahead"] is None:
        lines.append("  no other place was found")
    elif result["alike"] > 1 and not together:
        lines.append(
            f"  first {result['alike']}: alike, and {result['gap']:.1f} kT ahead of the next "
            "place; the map seems to hold as many copies"
        )
    else:
        text = f"  first: {result['ahead']:.1f} kT ahead of the next different place"
        if result["deviations"] is not None:
            text += f", {result['deviations']:.1f} standard deviations of the others"
        lines.append(text)
    if result["p"] is not None:
        lines.append(f"  chance of as good a place where it does not belong: p = {result['p']:.2g}")
    return "\n".join(lines)


def _ranking(results: list[dict]) -> str:
    width = max(9, *(len(r["names"][0]) for r in results))
    lines = [f"  rank   {'structure':{width}s}        p  false discovery   score kT      CC"]
    for rank, result in enumerate(results, 1):
        best = result["places"][0]
        p, q = (f"{v:.2g}" if v is not None else "-" for v in (result["p"], result["q"]))
        lines.append(
            f"  {rank:4d}   {result['names'][0]:{width}s} {p:>8s} {q:>16s} {best['score']:10.1f} "
            f"{best['cc']:7.3f}"
        )
    return "\n".join(lines)


class _Folder:
    """The folder of ``-o``: one mmCIF a place, a script for ChimeraX and the numbers."""

    def __init__(self, folder: Path, force: bool, inputs: Sequence[str]) -> None:
        self.folder, self._force = folder, force
        if folder.exists() and not folder.is_dir():
            raise InputError(folder, "a file", "a folder, or a new name", "-o")
        if folder.is_dir() and any(folder.iterdir()):
            here = folder.resolve()
            if any(Path(path).resolve().parent == here for path in inputs):
                raise InputError(folder, "the folder of an input", "another folder", "-o")
            if not force:
                raise InputError(folder, "files in it", "an empty folder, or --force", "-o")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(folder, error.strerror, "a folder that can be made", "-o") from None
        if force:
            for old in (*folder.glob("*_[0-9]*.cif"), *folder.glob("place.*")):
                old.unlink()
        self._models: list[str] = []

    def write_models(self, result: dict, structures: dict[str, Structure]) -> None:
        import numpy as np

        from ..io.structures.write import write_mmcif

        stem = result["names"][0] if len(result["names"]) == 1 else "placed"
        for place in result["places"]:
            moved = []
            for entry in place["structures"]:
                pose = np.r_[entry["rotation"], entry["translation"]]
                moved.append(structures[entry["name"]].moved(pose))
            name = f"{stem}_{place['rank']}.cif"
            chains = write_mmcif(self.folder / name, moved, stem)
            place["file"], place["chains"] = name, chains
            self._models.append(name)

    def write_rest(self, content: dict, map_path: str) -> None:
        from ..io.files import write_json

        script = [f"open {_quoted(os.path.relpath(map_path, self.folder))}"]
        script.append(f"volume #1 level {content['threshold']:.6g} transparency 0.6")
        script += [f"open {_quoted(name)}" for name in self._models]
        firsts = [2 + i for i, name in enumerate(self._models) if name.endswith("_1.cif")]
        if self._models:
            script.append(f"hide #2-{1 + len(self._models)} models")
            script.append("show " + " ".join(f"#{i}" for i in firsts) + " models")
        script.append("view")
        (self.folder / "place.cxc").write_text("\n".join(script) + "\n", encoding="utf-8")
        write_json(self.folder / "place.json", content, True)


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '\\"') + '"'
