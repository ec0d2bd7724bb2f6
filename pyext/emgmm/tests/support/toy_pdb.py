"""Small PDB files: chains of residues with bonds between them."""

from __future__ import annotations

BACKBONE = (("N", 0.0, 0.0), ("CA", 1.46, 0.0), ("C", 2.47, 0.0), ("O", 2.47, 1.2))
NUCLEOTIDE = (("P", 0.0, 0.0), ("O5'", 1.5, 0.0), ("C4'", 3.0, 0.0), ("O3'", 5.0, 0.0))
GLYCINE = 2 * 12.0107 + 14.0067 + 15.9994  # Da, the four atoms of BACKBONE


def atom(
    name: str,
    residue: str,
    chain: str,
    number: int,
    xyz=(0.0, 0.0, 0.0),
    *,
    record: str = "ATOM",
    altloc: str = " ",
    occupancy: str = "  1.00",
    b: float = 20.0,
    element: str | None = None,
    serial: str = "    1",
) -> str:
    """One line, in the columns of the format."""
    padded = name if len(name) == 4 else f" {name:<3s}"
    place = "".join(f"{x:8.3f}" for x in xyz)
    element = name[0] if element is None else element
    return (
        f"{record:<6s}{serial} {padded}{altloc}{residue:>3s} {chain}{number:4d}    "
        f"{place}{occupancy}{b:6.2f}          {element:>2s}\n"
    )


def residue(name: str, chain: str, number: int, at: float, atoms=BACKBONE, **more) -> str:
    """Lines of one residue, which begins at x = ``at``."""
    return "".join(atom(n, name, chain, number, (at + x, y, 0.0), **more) for n, x, y in atoms)


def peptide(names, chain: str = "A", first: int = 1, shift: float = 0.0, **more) -> str:
    """A chain of residues of four atoms each, from residue ``first`` on."""
    return "".join(
        residue(name, chain, first + i, 3.8 * i + shift, **more) for i, name in enumerate(names)
    )


def nucleic(names, chain: str = "N", **more) -> str:
    """A chain of nucleotides of four atoms each."""
    return "".join(
        residue(name, chain, 1 + i, 6.6 * i, NUCLEOTIDE, **more) for i, name in enumerate(names)
    )
