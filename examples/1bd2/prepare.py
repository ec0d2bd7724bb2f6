"""How the files of this folder were made from PDB entry 1BD2 (see README.md here).

    python prepare.py 1BD2.pdb.gz

writes complex.pdb.gz (the five chains, residues numbered as in the sequences of the entry) and
sequences.fasta. Run it only to make the files anew.
"""

import gzip
import sys
from pathlib import Path

import gemmi

HERE = Path(__file__).resolve().parent
NAMES = {"A": "HLA", "B": "B2M", "C": "TAX", "D": "TCRA", "E": "TCRB"}


def main(entry: str) -> None:
    structure = gemmi.read_structure(entry)
    structure.setup_entities()
    structure.assign_label_seq_id()
    structure.remove_ligands_and_waters()
    structure.remove_hydrogens()
    structure.remove_alternative_conformations()
    fasta = []
    for chain in structure[0]:
        full = structure.get_entity_of(chain.get_polymer()).full_sequence
        fasta.append(f">{NAMES[chain.name]}\n{gemmi.one_letter_code(full)}\n")
        for residue in chain:
            residue.seqid = gemmi.SeqId(residue.label_seq, " ")
    (HERE / "sequences.fasta").write_text("".join(fasta))
    head = (
        "HEADER    COMPLEX (MHC/VIRAL PEPTIDE/RECEPTOR)    12-MAY-98   1BD2\n"
        "TITLE     COMPLEX BETWEEN HUMAN T-CELL RECEPTOR B7, VIRAL PEPTIDE (TAX) AND MHC\n"
        "TITLE    2 CLASS I MOLECULE HLA-A 0201\n"
        "REMARK   6 COPY OF THE COORDINATES OF PDB ENTRY 1BD2 (CC0 1.0); RESIDUES NUMBERED\n"
        "REMARK   6 ALONG THE SEQUENCES OF THE ENTRY, WATERS AND HYDROGENS LEFT OUT\n"
    )
    options = gemmi.PdbWriteOptions(minimal=True)
    options.cryst1_record = False
    body = structure.make_pdb_string(options)
    with open(HERE / "complex.pdb.gz", "wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
            file.write((head + body).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
