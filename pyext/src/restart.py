"""@namespace IMP.emgmm.restart
States of a run on disk, and files of a run that was continued.
"""

import ast
import os

import IMP
import IMP.core
import IMP.isd
import IMP.pmi.output
import IMP.pmi.tools
import IMP.rmf
import numpy as np
import RMF

#: moves at full weight that a frame comes after, and the process (from 0) that wrote it
STEP_KEY, REPLICA_KEY = "MonteCarlo_Nframe", "MonteCarlo_Replica"


class State:
    """Poses, coordinates and nuisances of one replica, how far its run is, and the factors on its
    movers' steps (none where they were not adapted)."""

    def __init__(self, bodies, beads, nuisances, temperature, done, high_steps, scales=()):
        self.bodies, self.beads, self.nuisances = bodies, beads, nuisances
        self.temperature, self.done, self.high_steps = temperature, done, high_steps
        self.scales = scales

    @classmethod
    def read_from(cls, system, exchange, done, high_steps, scales=()):
        """Take the state of a system as it is."""
        bodies, beads, nuisances = _get_particles(system)
        poses = []
        for b in bodies:
            t = b.get_reference_frame().get_transformation_to()
            poses.append([*t.get_rotation().get_quaternion(), *t.get_translation()])
        temperature = exchange.get_my_parameter("temp")[0] if exchange else 0.0
        return cls(
            np.array(poses).reshape(-1, 7),
            np.array([list(_get_coordinates(p)) for p in beads]).reshape(-1, 3),
            np.array([IMP.isd.Nuisance(p).get_nuisance() for p in nuisances]),
            temperature,
            done,
            high_steps,
            scales,
        )

    def append_to(self, path):
        """Add what a frame needs as one row of a file."""
        with open(path, "ab") as fh:
            fh.write(np.concatenate([self.bodies, self.beads, self.nuisances], axis=None).tobytes())

    def get_other(self, row):
        """The state of another row of such a file."""
        a, b = self.bodies.size, self.bodies.size + self.beads.size
        return State(
            row[:a].reshape(-1, 7), row[a:b].reshape(-1, 3), row[b:], self.temperature, 0, 0
        )

    def write(self, output, rank):
        """Replace the state on disk in one step."""
        folder = os.path.join(output, "restart")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "%d.npz" % rank)
        with open(path + ".new", "wb") as fh:
            np.savez(
                fh,
                bodies=self.bodies,
                beads=self.beads,
                nuisances=self.nuisances,
                run=np.array([self.temperature, self.done, self.high_steps]),
                scales=np.array(self.scales, dtype=float),
            )
        os.replace(path + ".new", path)

    @classmethod
    def read(cls, output, rank):
        """Read the state of the replica that held this rank's starting temperature: PMI's exchange
        begins with temperatures in the order of the ranks."""
        states = {}
        folder = os.path.join(output, "restart")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".npz"):
                with np.load(os.path.join(folder, name)) as f:
                    states[int(name[:-4])] = cls(
                        f["bodies"],
                        f["beads"],
                        f["nuisances"],
                        f["run"][0],
                        int(f["run"][1]),
                        int(f["run"][2]),
                        f["scales"],
                    )
        if rank not in states:
            raise ValueError("%s has no state of replica %d to go on from" % (folder, rank))
        order = sorted(states, key=lambda r: (states[r].temperature, r))
        state = states[order[sorted(states).index(rank)]]
        # Killed between two replicas' writing: go on from the earliest, all alike.
        state.done = min(s.done for s in states.values())
        return state

    def write_to(self, system):
        """Give a system this state."""
        bodies, beads, nuisances = _get_particles(system)
        if (len(bodies), len(beads), len(nuisances)) != (
            len(self.bodies),
            len(self.beads),
            len(self.nuisances),
        ):
            raise ValueError(
                "the state has %d bodies, %d beads and %d nuisances, the system %d, %d and %d"
                % (
                    len(self.bodies),
                    len(self.beads),
                    len(self.nuisances),
                    len(bodies),
                    len(beads),
                    len(nuisances),
                )
            )
        for b, pose in zip(bodies, self.bodies, strict=True):
            b.set_reference_frame(
                IMP.algebra.ReferenceFrame3D(
                    IMP.algebra.Transformation3D(
                        IMP.algebra.Rotation3D(IMP.algebra.Vector4D(pose[:4])),
                        IMP.algebra.Vector3D(pose[4:]),
                    )
                )
            )
        for p, v in zip(beads, self.beads, strict=True):
            v = IMP.algebra.Vector3D(v)
            if IMP.core.NonRigidMember.get_is_setup(p):
                IMP.core.NonRigidMember(p).set_internal_coordinates(v)
            else:
                IMP.core.XYZ(p).set_coordinates(v)
        for p, v in zip(nuisances, self.nuisances, strict=True):
            IMP.isd.Nuisance(p).set_nuisance(v)
        system.model.update()


def _get_particles(system):
    """Rigid bodies, flexible beads and nuisances of a system, in the order of their indexes."""
    bodies = list(system.dof.get_rigid_bodies())
    if system.em is not None and system.em.rb is not None:
        bodies.append(system.em.rb)
    beads, nuisances = {}, {}
    for bead in system.dof.get_flexible_beads():
        p = bead.get_particle()
        beads[p.get_index()] = p
    for mover in system.dof.get_movers():
        for p in mover.get_inputs():
            p = IMP.Particle.get_from(p) if not isinstance(p, IMP.Particle) else p
            if IMP.isd.Nuisance.get_is_setup(p):
                nuisances[p.get_index()] = p
    return (bodies, [beads[i] for i in sorted(beads)], [nuisances[i] for i in sorted(nuisances)])


def _get_coordinates(p):
    if IMP.core.NonRigidMember.get_is_setup(p):
        return IMP.core.NonRigidMember(p).get_internal_coordinates()
    return IMP.core.XYZ(p).get_coordinates()


def _get_files(output, rank, segment=None):
    """stat, replica stat and RMF file of a rank, or of an earlier sitting of it. RMF holds paths
    relative to itself, so the earlier ones stay in the same folders."""
    mark = "" if segment is None else "segment%d." % segment
    return [
        os.path.join(output, "%sstat.%d.out" % (mark, rank)),
        os.path.join(output, "%sstat_replica.%d.out" % (mark, rank)),
        os.path.join(output, "rmfs", "%s%d.rmf3" % (mark, rank)),
    ]


def get_journal(output, rank, segment=None):
    """Path of the poses of each frame: RMF keeps the last frames in memory, and a run that is
    killed loses them."""
    mark = "" if segment is None else "segment%d." % segment
    return os.path.join(output, "restart", "%s%d.frames" % (mark, rank))


def _get_segments(output, rank):
    """Files of earlier sittings of a rank, oldest first."""
    segments = []
    while os.path.exists(_get_files(output, rank, len(segments))[0]):
        segments.append(_get_files(output, rank, len(segments)))
    return segments


def set_aside(output, rank, done):
    """Keep the files of the sitting before from being overwritten by PMI.
    @param output folder of the run
    @param rank of the replica's process
    @param done moves at full weight from which the run goes on: frames after them are sampled again
    """
    files = _get_files(output, rank)
    journal = get_journal(output, rank)
    if not all(os.path.exists(path) for path in files):
        return  # killed before the first frame
    _drop_frames_after(files[0], done)
    number = len(_get_segments(output, rank))
    segment = _get_files(output, rank, number)
    if os.path.exists(journal):
        os.replace(journal, get_journal(output, rank, number))
    # The stat file last: a segment that has it has everything.
    for old, new in reversed(list(zip(files, segment, strict=True))):
        os.replace(old, new)


def _drop_frames_after(stat, done):
    with open(stat) as fh:
        header, *lines = fh.read().splitlines()
    key = _get_key(ast.literal_eval(header), STEP_KEY)
    kept = []
    for line in lines:
        try:
            if int(ast.literal_eval(line)[key]) > done:
                break
        except SyntaxError:
            break  # killed while it was written
        kept.append(line)
    if len(kept) < len(lines):
        with open(stat + ".new", "w") as fh:
            fh.writelines(f"{line}\n" for line in [header, *kept])
        os.replace(stat + ".new", stat)


def recover_frames(system, output, rank):
    """Write the RMF files of earlier sittings again where they lack frames.
    @param system as it is when its own RMF file is complete: with PMI's provenance
    @param output folder of the run
    @param rank of the replica's process
    """
    now = State.read_from(system, None, 0, 0)
    size = now.bodies.size + now.beads.size + now.nuisances.size
    restraints = IMP.pmi.tools.get_restraint_set(system.model)
    changed = False
    for number, (_, _, path) in enumerate(_get_segments(output, rank)):
        journal = get_journal(output, rank, number)
        if not os.path.exists(journal):
            continue
        rows = np.fromfile(journal)
        rows = rows[: len(rows) // size * size].reshape(-1, size)
        if len(rows) <= _get_number_of_frames(path):
            continue
        writer = IMP.pmi.output.Output()
        writer.init_rmf(path, [system.hierarchy])
        shown = IMP.pmi.tools.get_restraint_set(system.model, rmf=True)
        IMP.rmf.add_restraints(writer.dictionary_rmfs[path][0], shown.get_restraints())
        for row in rows:
            now.get_other(row).write_to(system)
            restraints.evaluate(False)
            writer.write_rmf(path)
        writer.close_rmf(path)
        changed = True
    if changed:
        now.write_to(system)
        restraints.evaluate(False)


def _get_number_of_frames(path):
    try:
        return RMF.open_rmf_file_read_only(path).get_number_of_frames()
    except Exception:  # killed before the file had its header
        return 0


def merge_segments(output, rank):
    """Join the files of earlier sittings with those of the last one.
    @param output folder of the run
    @param rank of the replica's process
    """
    segments = _get_segments(output, rank)
    if not segments:
        return
    target = _get_files(output, rank)
    _join([*segments, target], target)
    for path in [path for files in segments for path in files]:
        os.remove(path)
    for number in range(len(segments)):
        if os.path.exists(get_journal(output, rank, number)):
            os.remove(get_journal(output, rank, number))


def merge_ranks(output, replicas):
    """Join the files of all ranks of a finished run into those of rank 0, in the order of the
    steps: `stat.0.out`, `rmfs/0.rmf3`, and `stat_replica.0.out` with one line a frame that names
    the replica which had the lowest temperature. The environment, which PMI writes into the
    heads of stat files, is left out.
    @param output folder of the run
    @param replicas number of ranks
    """
    output = os.path.abspath(output)
    parts = [
        files
        for files in (_get_files(output, r) for r in range(replicas))
        if os.path.exists(files[0])
    ]
    _join(parts, parts[0], is_final=True)
    for files in parts[1:]:
        for path in files:
            os.remove(path)


def _join(parts, target, is_final=False):
    """Write (stat, replica stat, RMF) files that hold the frames of all parts in the order of
    their steps."""
    stat, replica, rmf = target
    # RMF knows its format by the ending.
    new_rmf = os.path.join(os.path.dirname(rmf), "new." + os.path.basename(rmf))
    header, frames, replica_header, replica_lines = None, [], None, []
    for number, (part_stat, part_replica, part_rmf) in enumerate(parts):
        with open(part_stat) as fh:
            part_header, *part = fh.read().splitlines()
        part_header = ast.literal_eval(part_header)
        if header is None:
            header = part_header
            rmf_key, index_key, step_key = (
                _get_key(header, k) for k in ("rmf_file", "rmf_frame_index", STEP_KEY)
            )
        elif _get_keys(part_header) != _get_keys(header):
            raise ValueError(f"{part_stat} has other keys than {parts[0][0]}")
        renumber = _get_renumbering(part_header, header)
        there = _get_number_of_frames(part_rmf)
        for line in part:
            try:
                entry = {renumber[k]: v for k, v in ast.literal_eval(line).items()}
            except SyntaxError:
                break  # killed while it was written
            if int(entry[index_key]) < 0:
                continue  # without coordinates
            if int(entry[index_key]) >= there:
                break  # killed between the two writes
            frames.append((int(entry[step_key]), number, entry))
        with open(part_replica) as fh:
            replica_header, *text = fh.read().splitlines()
        replica_lines += text
    frames.sort(key=lambda frame: frame[0])
    _write_rmf(new_rmf, [(parts[n][2], int(e[index_key])) for _, n, e in frames])
    for index, (_, _, entry) in enumerate(frames):
        entry[index_key], entry[rmf_key] = index, rmf
    if is_final:
        header["STAT2HEADER_ENVIRON"] = "{}"
        replica_header, replica_lines = _name_replicas(header, [e for _, _, e in frames])
    with open(stat + ".new", "w") as fh:
        fh.write(f"{header} \n")
        fh.writelines(f"{entry} \n" for _, _, entry in frames)
    with open(replica + ".new", "w") as fh:
        fh.writelines(f"{line}\n" for line in [replica_header, *replica_lines])
    for new, path in ((new_rmf, rmf), (stat + ".new", stat), (replica + ".new", replica)):
        os.replace(new, path)


def _write_rmf(path, frames):
    """Write an RMF file of frames, (file, index), of others with the same hierarchy."""
    joined = RMF.create_rmf_file(path)
    sources = {}
    for number, (source_path, index) in enumerate(frames):
        if source_path not in sources:
            sources[source_path] = RMF.open_rmf_file_read_only(source_path)
        source = sources[source_path]
        source.set_current_frame(RMF.FrameID(index))
        if number == 0:
            # A file without frames has no hierarchy either.
            RMF.clone_file_info(source, joined)
            RMF.clone_hierarchy(source, joined)
            RMF.clone_static_frame(source, joined)
        joined.add_frame("frame", RMF.FRAME)
        RMF.clone_loaded_frame(source, joined)


def _name_replicas(header, entries):
    """Head and lines of a replica stat file as the native engine writes it."""
    names = ("ReplicaExchange_CurrentTemp", REPLICA_KEY, "Total_Score", STEP_KEY)
    keys = [_get_key(header, name) for name in names]
    shown = ("ReplicaExchange_CurrentTemp", "Replica", "score", STEP_KEY)
    head = {k: v for k, v in header.items() if not isinstance(k, int)} | dict(enumerate(shown))
    return head, [{i: str(entry[k]) for i, k in enumerate(keys)} for entry in entries]


def _get_keys(header):
    return {v for k, v in header.items() if isinstance(k, int)}


def _get_key(header, name):
    return next(k for k, v in header.items() if v == name)


def _get_renumbering(part, header):
    numbers = {v: k for k, v in header.items() if isinstance(k, int)}
    return {k: numbers[v] for k, v in part.items() if isinstance(k, int)}
