"""Fits the confidence: `python -m eval.studies.fit_confidence ../shared/data`.

`eval/studies/cases.py` has the questions. Each set counts the same, and so does each kind of
unanswerable question in it; half of the weight is on answerable ones. A set's figures are those of
a fit without it and without the others of its source. No fit uses the squad2 articles that are kept
for scoring, nor the questions written for the sample corpus.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss, roc_auc_score

from eval.measures.abstention import Bin, calibration, calibration_error
from eval.measures.risk import coverage_at, risk_coverage
from eval.provenance import CACHE, RESULTS, provenance, write_outcome
from eval.studies.cases import KINDS, SEED, SIGNALS, Cases, Values, read_cases
from rag.answering.confidence import DOUBTED, STEEPER
from rag.building.calibrate import fit as shift_and_scale
from rag.cli.progress_bar import reporting
from rag.encoders.open import open_encoder

PROFILES = Path("rag/answering/profiles")
RISKS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30)
# Questions of a set taken as a user's FAQ, and how often they are drawn anew.
FEW = (8, 20, 50)
DRAWS = 20
# Standard deviations of shift and scale (`rag.building.calibrate.fit`) that were tried.
PRIORS = ((0.125, 0.0625), (0.25, 0.125), (0.5, 0.25), (1.0, 0.5))
DISCOUNTS = ("number", "names")
AS_SHIPPED = "coverage, lead, number and names, as shipped"
# What the log odds are linear in, and the discounts. `crowd` is the lead over all candidates.
TRIED: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    AS_SHIPPED: (("coverage", "lead"), DISCOUNTS),
    "coverage, number and names": (("coverage",), DISCOUNTS),
    "coverage": (("coverage",), ()),
    "late": (("late",), ()),
    "late, number and names": (("late",), DISCOUNTS),
    "late and lead over all candidates": (("late", "crowd"), ()),
    "cosine": (("cosine",), ()),
    "coverage, lead, cosine, number and names": (("coverage", "lead", "cosine"), DISCOUNTS),
    "coverage, lead, BM25, number and names": (("coverage", "lead", "bm25"), DISCOUNTS),
}
ISOTONIC = "coverage, lead, number and names, isotonic"
# A penalty on the square of the log of a discount's log, so that a rare one stays finite.
RIDGE = 3e-3

Measure = Callable[[Cases, Values], float]


@dataclass(frozen=True, slots=True)
class Fit:
    """The confidence is logistic(bias + slopes . signals) times each discount to its signal.

    Low log odds are made lower, as served.
    """

    bias: float
    slopes: Mapping[str, float]
    discounts: Mapping[str, float]


def fit(sets: Sequence[Cases], used: Sequence[str], discounts: Sequence[str]) -> Fit:
    """The most probable fit to which question has an answer, the sets counting equally."""
    answerable = np.concatenate([each.answerable for each in sets])
    weights = np.concatenate([each.weights() for each in sets]) / len(sets)

    def made(at: Values) -> Fit:
        slopes, logs = at[1 : 1 + len(used)], at[1 + len(used) :]
        kept = np.exp(-np.exp(logs))
        return Fit(
            float(at[0]),
            dict(zip(used, slopes.tolist(), strict=True)),
            dict(zip(discounts, kept.tolist(), strict=True)),
        )

    def loss(at: Values) -> float:
        sure = np.concatenate([confidences(made(at), each) for each in sets])
        told = np.log(np.clip(np.where(answerable, sure, 1 - sure), 1e-9, 1))
        return RIDGE * float((at[1 + len(used) :] ** 2).sum()) - float(weights @ told)

    start = np.array([-5.0, *[5.0] * len(used), *[0.5] * len(discounts)])
    found = minimize(loss, start, method="BFGS", options={"maxiter": 100, "gtol": 1e-5})
    return made(found.x)


def confidences(fitted: Fit, of: Cases) -> Values:
    """The confidence of each case, in [0, 1]: that of the best of the first passages."""
    inner = np.full(of.signals.shape[:2], fitted.bias)
    for name, slope in fitted.slopes.items():
        inner = inner + slope * _signal(of, name)
    sure = expit(inner + STEEPER * np.minimum(0, inner - DOUBTED))
    for name, kept in fitted.discounts.items():
        sure = sure * kept ** _signal(of, name)
    result: Values = np.nanmax(sure, axis=1)
    return result


def left_out(sets: Mapping[str, Cases], *features: Sequence[str]) -> dict[str, Values]:
    """The confidences of each set, by a fit on those of other sources."""
    fits = {
        name: fit([each for other, each in sets.items() if source(other) != name], *features)
        for name in sorted(set(map(source, sets)))
    }
    return {name: confidences(fits[source(name)], each) for name, each in sets.items()}


def isotonic(sets: Mapping[str, Cases], fitted: Mapping[str, Values]) -> dict[str, Values]:
    """Each set's confidences mapped by an isotonic regression on those of other sources."""
    found = {}
    for name in sets:
        others = [other for other in sets if source(other) != source(name)]
        model = IsotonicRegression(out_of_bounds="clip").fit(
            np.concatenate([fitted[other] for other in others]),
            np.concatenate([sets[other].answerable for other in others]),
            sample_weight=np.concatenate([sets[other].weights() for other in others]),
        )
        found[name] = np.clip(model.predict(fitted[name]), 1e-3, 1 - 1e-3)
    return found


def source(name: str) -> str:
    """What a set was made of: its name's first word."""
    return name.replace(",", " ").split()[0]


def auroc(of: Cases, confidence: Values, kind: int | None = None) -> float:
    """The chance that an answerable question is more confident than one of a kind; or than any."""
    kept = np.ones(len(of.kinds), dtype=bool) if kind is None else np.isin(of.kinds, (0, kind))
    weights = None if kind else of.weights()
    return float(roc_auc_score(of.answerable[kept], confidence[kept], sample_weight=weights))


def ece(of: Cases, confidence: Values) -> float:
    """Expected calibration error, if half of the questions have an answer."""
    return calibration_error(_bins(of, confidence))


def thresholds(
    sets: Mapping[str, Cases], left: Mapping[str, Values]
) -> list[dict[str, float] | None]:
    """For each risk, with the sources counting equally: the lowest confidence at and above which at
    most that share is wrong, the share of questions then answered, and of those that can be."""
    answerable = np.concatenate([each.answerable for each in sets.values()])
    confidence = np.concatenate([left[name] for name in sets])
    counts = Counter(map(source, sets))
    weights = np.concatenate([sets[name].weights() / counts[source(name)] for name in sets])
    points = risk_coverage(confidence, ~answerable, weights)

    def at(risk: float) -> dict[str, float] | None:
        found = coverage_at(points, risk)
        if found is None:
            return None
        given = weights[answerable & (confidence >= found.threshold)].sum()
        return {
            "risk": risk,
            "threshold": found.threshold,
            "coverage": found.coverage,
            "answered": float(given / weights[answerable].sum()),
        }

    return [at(risk) for risk in RISKS]


def outcome(sets: Mapping[str, Cases], unseen: Mapping[str, Cases]) -> dict[str, Any]:
    """The fit on all `sets`, each set's figures by a fit without it, those of the `unseen`."""
    fitted = fit(list(sets.values()), *TRIED[AS_SHIPPED])
    tried = {name: left_out(sets, *features) for name, features in TRIED.items()}
    tried[ISOTONIC] = isotonic(sets, tried[AS_SHIPPED])
    left = tried[AS_SHIPPED]
    sure = {name: confidences(fitted, each) for name, each in unseen.items()}
    return {
        "bias": fitted.bias,
        "slopes": dict(fitted.slopes),
        "discounts": dict(fitted.discounts),
        "sets": {name: _figures(each, left[name]) for name, each in sets.items()},
        "unseen": {name: _figures(each, sure[name]) for name, each in unseen.items()},
        "risks": thresholds(sets, left),
        "refitted": {str(few): refitted(sets, left, few) for few in FEW},
        "tried": _tried(sets, tried, auroc),
        "tried_ece": _tried(sets, tried, ece),
        "tried_log_loss": _tried(sets, tried, _log_loss),
    }


def refitted(
    sets: Mapping[str, Cases], left: Mapping[str, Values], few: int
) -> dict[str, dict[str, float]]:
    """By the priors, what fitting to so many questions of a set gives on the rest of it.

    `left` are confidences by fits without the set. A set's questions are answerable ones and the
    same without their passages (`near`), as many of each, as a build has them; the rest is of all
    kinds. Mean log loss and calibration error over sets and draws; `as shipped` is without fitting.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for name, each in sets.items():
        odds = logit(np.clip(left[name], 1e-6, 1 - 1e-6))
        kinds = [np.flatnonzero(each.kinds == kind) for kind in (0, KINDS.index("near"))]
        for draw in range(DRAWS if min(map(len, kinds)) >= 2 * few else 0):
            generator = np.random.default_rng([SEED, draw])
            mine = np.concatenate([generator.choice(kind, few, replace=False) for kind in kinds])
            rest = _part(each, np.setdiff1d(np.arange(len(odds)), mine))
            right = each.answerable[mine].astype(np.float64)
            fits = {str(prior): shift_and_scale(odds[mine], right, *prior) for prior in PRIORS}
            for prior, (shift, scale) in ({"as shipped": (0.0, 1.0)} | fits).items():
                sure = expit(shift + scale * np.delete(odds, mine))
                losses = (_log_loss(rest, sure), ece(rest, sure))
                found.setdefault(prior, []).append(losses)
    return {
        prior: {"log_loss": float(losses.mean()), "ece": float(errors.mean())}
        for prior, each in found.items()
        for losses, errors in [np.array(each).T]
    }


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/ and retrieval/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "confidence.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps snapshots")] = CACHE,
    profiles: Annotated[Path, typer.Option(help="folder of the profiles to fit")] = PROFILES,
) -> None:
    """Fit the confidence on public questions with and without an answer, and write the profiles of
    the encoder and of unknown models."""
    encoder = open_encoder("bundled", "onnx", 2)
    with reporting(sys.stderr) as progress:
        sets, unseen = read_cases(data, encoder, cache, progress)
    made = provenance("python -m eval.studies.fit_confidence ../shared/data", encoder)
    found = made | outcome(sets, unseen)
    write_outcome(out, found)
    for path in sorted(profiles.glob("*.json")):
        path.write_bytes(refit(path.read_bytes(), found))
    print(out)


def refit(profile: bytes, found: Mapping[str, Any]) -> bytes:
    """A profile with the constants that were found, if it is of that model or of any."""
    known = json.loads(profile)
    own = (found["model_sha256"], found["head_sha256"])
    if (known["model_sha256"], known["head_sha256"]) not in (own, ("", "")):
        return profile
    slopes, discounts = found["slopes"], found["discounts"]
    constants = {
        "bias": round(found["bias"], 2),
        "slope": round(slopes["coverage"], 2),
        "lead": round(slopes["lead"], 2),
        "number": round(discounts["number"], 3),
        "name": round(discounts["names"], 3),
        "thresholds": [
            [each["risk"], round(each["threshold"], 3)] for each in found["risks"] if each
        ],
    }
    lines = [
        f" {json.dumps(name)}: {json.dumps(value)}"
        for name, value in {**known, **constants}.items()
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _figures(of: Cases, confidence: Values) -> dict[str, Any]:
    """A set's figures. `alone` are AUROCs of the signals that single passages have."""
    present = sorted(set(of.kinds.tolist()) - {0})
    found = _bins(of, confidence)
    alone = {name: confidences(Fit(0.0, {name: 1.0}, {}), of) for name in ("late", "cosine")}
    return {
        "questions": len(confidence),
        "found": float(of.right[of.answerable].mean()),
        "auroc": auroc(of, confidence),
        "kinds": {KINDS[kind]: auroc(of, confidence, kind) for kind in present},
        "alone": {name: auroc(of, each) for name, each in alone.items()},
        "ece": calibration_error(found),
        "bins": [asdict(each) for each in found],
    }


def _bins(of: Cases, confidence: Values) -> list[Bin]:
    return calibration(confidence, of.answerable, of.weights())


def _tried(
    sets: Mapping[str, Cases], tried: Mapping[str, Mapping[str, Values]], measure: Measure
) -> dict[str, dict[str, float]]:
    return {
        way: {name: measure(sets[name], each) for name, each in left.items()}
        for way, left in tried.items()
    }


def _part(of: Cases, kept: Any) -> Cases:
    return Cases(of.signals[kept], of.kinds[kept], of.right[kept])


def _signal(of: Cases, name: str) -> Values:
    return of.signals[:, :, SIGNALS.index(name)]


def _log_loss(of: Cases, confidence: Values) -> float:
    return float(log_loss(of.answerable, confidence, sample_weight=of.weights()))


if __name__ == "__main__":
    typer.run(main)
