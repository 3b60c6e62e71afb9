"""The rotation cases of the TUF conformance suite (test_updater_key_rotations), by their names."""

from __future__ import annotations

import pytest
from conformance import (
    FIVE,
    KEYS,
    ONE,
    OTHER_FIVE,
    Version,
    follow,
    make_root,
    verify,
    with_manifest_role,
)

# By the names of the suite; True: a host follows all versions, False: all but the last.
ROTATIONS: dict[str, tuple[list[Version], bool]] = {
    "1-of-1-key-rotation": ([ONE, Version([2], 1, [2, 1]), Version([2], 1, [2])], True),
    "1-of-1-key-rotation-unused-signatures": (
        [Version([1], 1, [3, 1, 4]), Version([2], 1, [3, 2, 1, 4]), Version([2], 1, [3, 2, 4])],
        True,
    ),
    "3-of-5-sign-with-different-keycombos": (
        [FIVE, *(Version(range(5), 3, one) for one in ([0, 4, 1], [0, 1, 3], [0, 1, 3]))],
        True,
    ),
    "3-of-5-one-key-rotated": ([FIVE, Version(OTHER_FIVE, 3, [0, 4, 1])], True),
    "3-of-5-one-key-rotated-with-intermediate-step": (
        [FIVE, Version(OTHER_FIVE, 3, [0, 2, 4, 5]), Version(OTHER_FIVE, 3, [0, 4, 5])],
        True,
    ),
    "3-of-5-all-keys-rotated-with-intermediate-step": (
        [
            FIVE,
            Version(range(5, 10), 3, [0, 2, 4, 5, 6, 7]),
            Version(range(5, 10), 3, [5, 6, 7]),
        ],
        True,
    ),
    "1-of-3-threshold-increase-to-2-of-3": (
        [Version([1, 2, 3], 1, [1]), Version([1, 2, 3], 2, [1, 2])],
        True,
    ),
    "2-of-3-threshold-decrease-to-1-of-3": (
        [
            Version([1, 2, 3], 2, [1, 2]),
            Version([1, 2, 3], 1, [1, 2]),
            Version([1, 2, 3], 1, [1]),
        ],
        True,
    ),
    "1-of-2-threshold-increase-to-2-of-2": ([ONE, Version([1, 2], 2, [1, 2])], True),
    "1-of-1-key-rotation-fail-not-signed-with-old-key": (
        [ONE, Version([2], 1, [2, 3, 4])],
        False,
    ),
    "1-of-1-key-rotation-fail-not-signed-with-new-key": (
        [ONE, Version([2], 1, [1, 3, 4])],
        False,
    ),
    "3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys": (
        [FIVE, Version(OTHER_FIVE, 3, [0, 2, 4])],
        False,
    ),
    "3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys": (
        [FIVE, Version(OTHER_FIVE, 3, [0, 4, 5])],
        False,
    ),
    "1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached": (
        [Version([1, 2, 3], 1, [1]), Version([1, 2, 3], 2, [2])],
        False,
    ),
    "2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-reached": (
        [Version([1, 2, 3], 2, [1, 2]), Version([1, 2, 3], 1, [1])],
        False,
    ),
}

NON_ROOT: dict[str, tuple[Version, bool]] = {
    "1-of-1-key-rotation": (Version([2], 1, [2]), True),
    "1-of-1-key-rotation-unused-signatures": (Version([1], 1, [3, 1, 4]), True),
    "1-of-1-key-rotation-fail-not-signed-with-new-key": (Version([2], 1, [1, 3, 4]), False),
    "3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys": (
        Version(OTHER_FIVE, 3, [0, 2, 4]),
        False,
    ),
    "2-of-5-one-key-signature-missing-threshold-not-reached": (
        Version(OTHER_FIVE, 3, [0, 4]),
        False,
    ),
    "3-of-5-sign-first-combo": (Version(range(5), 3, [0, 2, 4]), True),
    "3-of-5-sign-second-combo": (Version(range(5), 3, [0, 4, 1]), True),
    "3-of-5-sign-third-combo": (Version(range(5), 3, [0, 1, 3]), True),
    "3-of-5-sign-fourth-combo": (Version(range(5), 3, [1, 2, 3]), True),
    "3-of-5-sign-fifth-combo": (Version(range(5), 3, [2, 3, 4]), True),
}


@pytest.mark.parametrize("name", ROTATIONS)
def test_root_rotation(name: str) -> None:
    versions, followed = ROTATIONS[name]
    roots = [make_root(number, version) for number, version in enumerate(versions, 1)]
    last, steps = follow(roots)
    assert last == roots[-1 if followed else -2].raw
    assert bool(steps[-1].problem) is not followed


@pytest.mark.parametrize("name", NON_ROOT)
def test_non_root_rotations(name: str) -> None:
    version, accepted = NON_ROOT[name]
    trust = with_manifest_role(version.keys, version.threshold)
    verification = verify(trust, [KEYS[one] for one in version.signers])
    assert bool(verification.entries) is accepted
