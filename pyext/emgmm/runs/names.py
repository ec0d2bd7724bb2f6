"""Names of what a run, its analysis and its report write into the output folder."""

from __future__ import annotations

SETTINGS, DATA, BODIES, SEARCH, SUMMARY, CHECKPOINT, RECORD, COPIES = (
    "system.toml",
    "data_gmm.txt",
    "gmm",
    "search.json",
    "run.json",
    "checkpoint.bin",
    "inputs.json",
    "inputs",
)
STAT, REPLICA_STAT, RMFS = "stat.0.out", "stat_replica.0.out", "rmfs"
RMF = f"{RMFS}/0.rmf3"
ANALYSIS, CLUSTERS, PAGE, BEST = "analysis.json", "clusters", "report.html", "best.cif"
RESTART = "restart"  # of the IMP engine, as imp.log and what it writes for each replica

# Of all that may stand in the folder these are a run's: files by their names, others by patterns of
# names, for each folder in it.
FILES = {SETTINGS, DATA, SEARCH, SUMMARY, CHECKPOINT, RECORD, ANALYSIS, PAGE, BEST, "imp.log"}
PATTERNS = {
    "": r"stat(_replica)?\.\d+\.out|initial\.\d+\.rmf3|checkpoint\.bin\.part",
    RMFS: r"\d+\.rmf3",
    CLUSTERS: r"\d+\.(rmf3|cif)",
    BODIES: r"(RigidBody_\d+|Fixed_.+|.+\.\d*\.\d+)\.txt",
    RESTART: r"\d+\.npz|result\.\d+\.json|starts\.npy|symmetry\.json|links_\d+\.csv|[0-9a-f]{8}-.+",
}
FOLDERS = (RMFS, CLUSTERS, BODIES, RESTART, COPIES)
