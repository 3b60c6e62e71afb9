"""The three screens: the words of the findings, in any width."""

from __future__ import annotations

import pytest

from localai.cli import screen
from localai.findings import Verdict
from localai.plan.build import decide
from localai.plan.facts import Facts
from localai.plan.matching import judge_manifests
from localai.policy import Policy
from localai.terminal import printable

START = """\
localai 0.1.0   Tiny 1M Q4_1, 98 MiB

  label        sandbox             /etc/localai/environment
  manifest     version 3           allowlist, 2 of 2 signatures, 91 days left
  weights      verified            tree bbbbbbbb…, sealed in memory, 98 MiB in 0.08 s
  approved     evaluation          public data, group it-staff, review by 2027-02-01
  transcript   not kept
  telemetry    off                 14 switches forced, no sync client, no other AI tool
  host         online              noted: policy allows it
  sandbox      sealed              seccomp, landlock 7, 0 capabilities, 6 namespaces, uid 65534
  egress       0 of 42 got out     42 of 42 controls arrived, launcher 0 of 21, 1 closed here, \
0.4 s"""

REFUSAL = """\
localai: refused: 2 of 19 checks failed, 5 not checked

  label        no label            neither the administrator nor you said what kind of
                                   host this is
               why   the self-hosted lane is for exploratory work only
               do    localai setup
  weights      not in the manifest tree bbbbbbbb…
               why   only what a signed manifest lists may run
               do    localai approve models/new.gguf
  not checked  template: there is no approved template to compare it with; approved,
               review, licence, technology: what is not in a manifest is approved for
               nothing
nothing was started. record 41, exit code 3"""


def spoil(good: Facts) -> Facts:
    assert good.artifact
    return good._replace(
        labels=(), artifact=good.artifact._replace(path="models/new.gguf", entry=None)
    )


def test_the_start_screen(good: Facts) -> None:
    assert screen.start(good, decide(good, good.policy.policy), 100) == START


def test_the_refusal(good: Facts) -> None:
    assert screen.refusal(decide(spoil(good), Policy()), 41, 90) == REFUSAL


def test_a_long_path_stays_in_one_piece(good: Facts) -> None:
    path = "/a/" + "very/" * 20 + "long/policy.yaml"
    facts = good._replace(labels=(good.labels[0]._replace(source=path),))
    assert path in screen.start(facts, decide(facts, Policy()), 80).split()


@pytest.mark.parametrize("width", [20, 21, 40, 71, 72, 80, 200])
def test_no_line_is_wider_than_the_terminal(good: Facts, width: int) -> None:
    facts = spoil(good)
    decision = decide(facts, Policy())
    for text in (
        screen.start(good, decide(good, Policy()), width),
        screen.check(facts, decision, 41, width),
        screen.refusal(decision, 41, width),
        screen.label(good.labels, decision.findings[0], width),
    ):
        assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [20, 80])
def test_the_screens_say_the_words_of_the_findings(good: Facts, width: int) -> None:
    """Whatever the width: the same words as in the JSON, none lost to wrapping."""
    facts = spoil(good)
    decision = decide(facts, Policy())
    shown = "".join(screen.refusal(decision, 41, width).split())
    for finding in decision.refusing:
        said = (finding.summary, finding.evidence, finding.why, finding.remedy)
        for words in said if finding.verdict is Verdict.FAIL else (finding.evidence,):
            assert "".join(words.split()) in shown
    shown = "".join(screen.check(good, decide(good, Policy()), 1, width).split())
    for finding in decide(good, Policy()).findings:
        assert "".join((finding.summary + finding.evidence).split()) in shown


def test_what_is_more_than_a_pass_gets_its_row(good: Facts) -> None:
    facts = good._replace(policy=good.policy._replace(administered=False))
    assert "  policy" not in screen.start(good, decide(good, Policy()), 100)
    assert "no administrator's policy here" in screen.start(facts, decide(facts, Policy()), 100)


def test_a_manifest_that_soon_runs_out_gets_a_row(good: Facts) -> None:
    (loaded,) = good.manifests
    signature, freshness = loaded.findings
    soon = freshness._replace(verdict=Verdict.NOTE, summary="5 days left")
    verification = loaded.verification._replace(findings=(signature, soon))
    facts = good._replace(manifests=(loaded._replace(verification=verification),))
    assert judge_manifests(facts, "manifest-freshness") == soon
    assert "  manifest     5 days left" in screen.start(facts, decide(facts, Policy()), 100)


def test_text_from_elsewhere_cannot_command_the_terminal(good: Facts) -> None:
    assert good.artifact
    name = "evil\x1b]0;title\x07\u202egguf\n  label        production\udc80"
    facts = good._replace(artifact=good.artifact._replace(name=name, path=name))
    shown = screen.start(facts, decide(facts, Policy()), 80)
    assert "\x1b" not in shown and "\u202e" not in shown
    assert not any(line.startswith("  label        production") for line in shown.splitlines())
    assert printable("a\nb\x9b\u200b") == "a\\nb\\x9b\\u200b"
    assert printable("Größe 日本") == "Größe 日本"


def test_no_answer_begins_a_row_of_a_narrow_terminal() -> None:
    for length in range(8, 40):
        lines = screen.row(
            "weights", f"{'x' * length} label: sandbox", "label: sandbox", 40, "note"
        )
        assert not any(line.startswith("label:") for line in lines)


def test_what_could_not_be_checked_stands_in_one_row(good: Facts) -> None:
    facts = good._replace(
        labels=(), sandbox=None, egress=None, unprobed="the label already refuses"
    )
    shown = screen.refusal(decide(facts, Policy()), 41, 90)
    assert "  not checked  sandbox, egress: the label already refuses\n" in shown
    facts = good._replace(sandbox=None)  # on its own it has a row of its own
    assert "  sandbox      no status" in screen.refusal(decide(facts, Policy()), 41, 90)
