"""The steps of the confinement, each as a mutant that leaves it out."""

from __future__ import annotations

from mutants import Mutant

from localai.sandbox.limits import LIMITS

KINDS = ("mnt", "net", "ipc", "uts", "cgroup", "pid")
CONFINE, MAIN = "sandbox/confine.py", "worker/__main__.py"
STEPS = {
    "first filter": Mutant(CONFINE, "install(first_filter(programs=bool(programs)))", "pass"),
    "second filter": Mutant(
        CONFINE, "install(second_filter(os.getpid(), gpu=bool(spec.devices)))", "pass"
    ),
    "third filter": Mutant(CONFINE, "install(third_filter())", "pass"),
    "sealing": Mutant(MAIN, "    confine.seal(spec)\n", ""),
    "locking": Mutant(MAIN, "    confine.lock(spec)\n", ""),
    "first Landlock": Mutant(
        "sandbox/landlock.py", 'kernel.syscall("landlock_restrict_self", ruleset, 0)', "pass"
    ),
    "descriptors": Mutant(CONFINE, "close_all_but([*keep, *kept])", "pass"),
    "the last socket": Mutant(MAIN, "    handoff.close()\n", ""),
    **{
        f"limit of {name}": Mutant(
            "sandbox/limits.py",
            "for number, value in LIMITS.values():",
            f"for number, value in (LIMITS[name] for name in LIMITS if name != {name!r}):",
        )
        for name in LIMITS
    },
}
ROOT_STEPS = {
    "the groups": Mutant(CONFINE, "    os.setgroups([])\n", "    os.setgroups([0])\n"),
    "the user": Mutant(CONFINE, "    os.setresuid(uid, uid, uid)\n", ""),
    "the saved user": Mutant(
        CONFINE, "os.setresuid(uid, uid, uid)", "os.setresuid(uid, uid, 0)"
    ),
    "the bounding set": Mutant(CONFINE, "        _drop_bounding_set()\n", "        pass\n"),
}  # fmt: skip
NAMESPACE_STEPS = {
    "the empty root": Mutant(CONFINE, "os.chroot(root)", "pass"),
    **{
        f"{kind} namespace": Mutant(
            "sandbox/spec.py",
            'return tuple(kind for kind in kinds if kind != "user")',
            f'return tuple(kind for kind in kinds if kind not in ("user", {kind!r}))',
        )
        for kind in KINDS
    },
}
BARE_STEPS = {
    "second Landlock": Mutant(
        CONFINE, "landlock.restrict([*devices, *files], spec.landlock)", "pass"
    )
}
