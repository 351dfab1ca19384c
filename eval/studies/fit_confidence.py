"""Fits the confidence: `python -m eval.studies.fit_confidence ../shared/data`.

Logistic regression on the features of `rag.answering.confidence`, of questions with and without an
answer. squad2 says which of its questions have none; of the other sets each question is asked
twice, the second time without the passages that answer it. Each squad2 article is also a corpus of
its own, asked its own questions in that way and those of other articles. Sets count equally. The
fit predicts whether the first passages hold the answer, so the result is the probability that they
do. Each set's figures are those of a fit without it; no fit uses the squad2 articles kept for
scoring.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from eval.provenance import CACHE, RESULTS, provenance, write_outcome
from eval.studies.cases import FEATURES, SEED, SHIPPED, Cases, Values, read_cases
from rag.answering.risk import coverage_at, risk_coverage
from rag.building.calibrate import fit as shift_and_scale
from rag.cli.progress_bar import reporting
from rag.encoders.open import open_encoder

BINS = 10
RISKS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
# Questions of a set taken as a user's FAQ, and how often they are drawn anew.
FEW = (8, 20, 50)
DRAWS = 20
# Priors of shift and scale (`rag.building.calibrate.fit`) that were tried.
PRIORS = ((0.25, 0.125), (0.5, 0.25), (1.0, 0.5), (2.0, 1.0))
# The set most like a user's own documents: few, on one subject.
SMALL = "squad2, calibrate articles alone"
AS_SHIPPED = "late, lead, words and unmet, as shipped"
TRIED = {
    AS_SHIPPED: SHIPPED,
    "late": ("late",),
    "late and lead": ("late", "lead"),
    "late, lead and BM25": ("late", "lead", "bm25"),
    "cosine": ("cosine",),
    "late and cosine": ("late", "cosine"),
    "late and lead over the sixth": ("late", "lead over the sixth"),
    "late, lead and words": ("late", "lead", "words"),
    "late, lead, words, unmet and cosine": (*SHIPPED, "cosine"),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """The confidence is 1 / (1 + exp(-(bias + coefficients . features)))."""

    bias: float
    coefficients: Mapping[str, float]


def fit(sets: Sequence[Cases], used: Sequence[str] = SHIPPED) -> Fit:
    """The logistic regression of `right` on the features, the sets counting equally."""
    model = LogisticRegression(C=1e4, max_iter=1000, tol=1e-8)
    weights = _equal(sets)
    model.fit(
        np.concatenate([_columns(each, used) for each in sets]),
        np.concatenate([each.right for each in sets]),
        sample_weight=weights * len(weights) / len(sets),
    )
    return Fit(float(model.intercept_[0]), dict(zip(used, map(float, model.coef_[0]), strict=True)))


def confidences(fitted: Fit, of: Cases) -> Values:
    """The confidence of each case, in [0, 1]."""
    used = list(fitted.coefficients)
    inner = fitted.bias + _columns(of, used) @ np.array(
        [fitted.coefficients[name] for name in used]
    )
    result: Values = 1 / (1 + np.exp(-inner))
    return result


def bins(
    confidence: Values, right: npt.NDArray[np.bool_], weights: Values
) -> list[dict[str, float]]:
    """By tenth of confidence that is not empty: mean confidence, share right, share of all."""
    band = np.minimum((confidence * BINS).astype(int), BINS - 1)
    total = float(weights.sum())
    return [
        {
            "confidence": float(np.average(confidence[band == at], weights=weights[band == at])),
            "right": float(np.average(right[band == at], weights=weights[band == at])),
            "share": float(weights[band == at].sum()) / total,
        }
        for at in sorted(set(band.tolist()))
    ]


def calibration_error(found: Sequence[Mapping[str, float]]) -> float:
    """Expected calibration error: the mean gap of confidence and share right, by share."""
    return sum(each["share"] * abs(each["confidence"] - each["right"]) for each in found)


def threshold(
    confidence: Values, right: npt.NDArray[np.bool_], weights: Values, risk: float
) -> dict[str, float] | None:
    """The lowest confidence at and above which at most that share is wrong, the share of questions
    then answered, and of those that can be; None if no confidence keeps the risk."""
    found = coverage_at(risk_coverage(confidence, ~right, weights), risk)
    if found is None:
        return None
    given = confidence >= found.threshold
    return {
        "risk": risk,
        "threshold": found.threshold,
        "coverage": found.coverage,
        "answered": float(weights[right & given].sum() / weights[right].sum()),
    }


def outcome(sets: Mapping[str, Cases], unseen: Mapping[str, Cases]) -> dict[str, Any]:
    """The fit on all `sets`, each set's figures by a fit without it, those of the `unseen`."""
    fitted = fit(list(sets.values()))
    left = left_out(sets, SHIPPED)
    confidence = np.concatenate(list(left.values()))
    right = np.concatenate([each.right for each in sets.values()])
    weights = _equal(list(sets.values()))
    reliability = bins(confidence, right, weights)
    own = sets[SMALL]
    return {
        "bias": fitted.bias,
        "coefficients": dict(fitted.coefficients),
        "background": float(
            np.mean([np.median(_columns(o, ["background"])) for o in sets.values()])
        ),
        "sets": {name: _figures(each, left[name]) for name, each in sets.items()},
        "unseen": {
            name: _figures(each, confidences(fitted, each)) for name, each in unseen.items()
        },
        "ece": calibration_error(reliability),
        "bins": reliability,
        "risks": {
            "all sets": [threshold(confidence, right, weights, risk) for risk in RISKS],
            SMALL: [threshold(left[SMALL], own.right, _halves(own), risk) for risk in RISKS],
        },
        "refitted": {str(few): refitted(sets, left, few) for few in FEW},
        "tried": {name: _by_set(sets, used, _auroc) for name, used in TRIED.items()},
        "tried_log_loss": {name: _by_set(sets, used, _log_loss) for name, used in TRIED.items()},
    }


def refitted(
    sets: Mapping[str, Cases], left: Mapping[str, Values], few: int
) -> dict[str, dict[str, float]]:
    """By the priors, what fitting to so many questions of a set gives on the rest of it.

    `left` are confidences by fits without the set. Mean log loss and calibration error
    over the sets and draws; `as shipped` is without fitting.
    Questions with an answer and without are drawn alike, from sets with enough of both.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for name, each in sets.items():
        odds = logit(left[name])
        for draw in range(DRAWS if len(odds) >= 4 * few else 0):
            mine, rest = _parted(each, few, np.random.default_rng([SEED, draw]))
            right = each.right.astype(np.float64)
            fits = {
                str(prior): shift_and_scale(odds[mine], right[mine], *prior) for prior in PRIORS
            }
            for prior, (shift, scale) in ({"as shipped": (0.0, 1.0)} | fits).items():
                sure = expit(shift + scale * odds[rest])
                found.setdefault(prior, []).append(_loss(sure, each.right[rest]))
    return {
        prior: {"log_loss": float(losses.mean()), "ece": float(errors.mean())}
        for prior, each in found.items()
        for losses, errors in [np.array(each).T]
    }


def left_out(sets: Mapping[str, Cases], used: Sequence[str]) -> dict[str, Values]:
    """The confidences of each set, by a fit on the others."""
    return {
        name: confidences(fit([o for other, o in sets.items() if other != name], used), each)
        for name, each in sets.items()
    }


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/ and retrieval/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "confidence.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps snapshots")] = CACHE,
) -> None:
    """Fit the confidence on public questions with and without an answer."""
    encoder = open_encoder("bundled", "onnx", 2)
    with reporting(sys.stderr) as progress:
        sets, unseen = read_cases(data, encoder, cache, progress)
    made = provenance("python -m eval.studies.fit_confidence ../shared/data", encoder)
    write_outcome(out, made | outcome(sets, unseen))
    print(out)


def _figures(of: Cases, confidence: Values) -> dict[str, float]:
    found = bins(confidence, of.right, np.ones(len(confidence)))
    return {
        "questions": len(confidence),
        "answerable": float(of.answerable.mean()),
        "right": float(of.right.mean()),
        "auroc": _auroc(of, confidence),
        "ece": calibration_error(found),
    }


def _parted(
    of: Cases, few: int, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """So many cases with an answer and as many without; and all others."""
    kinds = (np.flatnonzero(of.answerable), np.flatnonzero(~of.answerable))
    mine = np.concatenate([generator.choice(kind, few, replace=False) for kind in kinds])
    return mine, np.setdiff1d(np.arange(len(of.right)), mine)


def _loss(sure: Values, right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    reliability = bins(sure, right, np.ones(len(sure)))
    return float(log_loss(right, sure, labels=[False, True])), calibration_error(reliability)


def _halves(of: Cases) -> Values:
    """A weight a case, so that those with an answer weigh as much as those without."""
    share = of.answerable.mean()
    weights: Values = np.where(of.answerable, 1 / share, 1 / (1 - share))
    return weights


def _by_set(
    sets: Mapping[str, Cases], used: Sequence[str], measure: Callable[[Cases, Values], float]
) -> dict[str, float]:
    left = left_out(sets, used)
    return {name: measure(each, left[name]) for name, each in sets.items()}


def _equal(sets: Sequence[Cases]) -> Values:
    """A weight a case, so that each set weighs 1."""
    return np.concatenate([np.full(len(each.right), 1 / len(each.right)) for each in sets])


def _columns(of: Cases, used: Sequence[str]) -> Values:
    return of.features[:, [FEATURES.index(name) for name in used]]


def _auroc(of: Cases, confidence: Values) -> float:
    return float(roc_auc_score(of.answerable, confidence))


def _log_loss(of: Cases, confidence: Values) -> float:
    return float(log_loss(of.right, confidence, labels=[False, True]))


if __name__ == "__main__":
    typer.run(main)
