"""Golden outputs for src/statistics*.ts, from reference implementations.

    python -m venv venv && venv/bin/pip install lifelines==0.30.3 scipy==1.17.1 statsmodels==0.15.0 rliable==1.2.0
    venv/bin/python scripts/golden/statistics.py > src/util/statistics/golden/statistics.json
"""

import json
from importlib.metadata import version

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from rliable import metrics
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(7)


def tail(n):
    """Share of draws beyond each end of a bootstrap's 95% interval (Hesterberg 2015, arXiv:1411.5279)."""
    return float(stats.norm.cdf(-np.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1)))


def survival(times, reached, cap):
    fitter = KaplanMeierFitter().fit(times, reached)
    curve = fitter.survival_function_["KM_estimate"]
    events = sorted({t for t, r in zip(times, reached) if r})
    median = float(fitter.median_survival_time_)
    return {
        "times": times,
        "reached": [bool(r) for r in reached],
        "cap": cap,
        "curve": [[t, float(curve.loc[t])] for t in events],
        "median": None if np.isinf(median) else median,
        "restrictedMean": float(restricted_mean_survival_time(fitter, t=cap)),
    }


def survivals():
    cases = [
        survival([18, 16, 22, 14, 100], [1, 1, 1, 1, 0], 100),
        survival([100, 100, 40, 100], [0, 0, 1, 0], 100),
        survival([10, 10, 20, 20, 30], [1, 1, 1, 1, 1], 100),
        survival([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
                 [1] * 9 + [0] * 12, 35),  # Freireich 1963, 6-MP arm
    ]
    for n in (8, 25):
        times = [int(t) for t in random.integers(1, 60, n)]
        cases.append(survival(times, [int(r) for r in random.random(n) < 0.7], 50))
    return cases


def middles():
    return [
        {"values": values, "interquartileMean": float(stats.trim_mean(values, 0.25)),
         "rliable": float(metrics.aggregate_iqm(np.array(values)))}
        for values in ([3.0], [1.0, 9.0], [1.0, 2.0, 4.0, 100.0],
                       *(np.round(random.normal(20, 8, n), 3).tolist() for n in (5, 10, 11)))
    ]


def adjustments():
    cases = [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5], [0.2], [0.9, 0.001, 0.6, 0.02, 0.02]]
    return [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in cases]


def regressions():
    rows = []
    for seed in range(6):
        level = random.normal(0, 0.03)
        for dose in (0, 0.25, 0.5, 0.75, 1):
            for method in (0, 1):
                value = 0.5 + level + 0.02 * dose + 0.01 * method + 0.2 * dose * method
                rows.append([seed, dose, method, round(value + random.normal(0, 0.02), 6)])
    table = np.array(rows)
    seed, d, m, y = table.T
    fit = OLS(y, np.column_stack([np.ones_like(d), d, m, d * m])).fit()
    # The same resampling scheme (whole seeds, percentiles moved outwards), another generator.
    draws = []
    for _ in range(20_000):
        chosen = random.integers(0, 6, 6)
        sample = np.concatenate([table[seed == s] for s in chosen])
        X = np.column_stack([np.ones(len(sample)), sample[:, 1], sample[:, 2], sample[:, 1] * sample[:, 2]])
        draws.append(np.linalg.lstsq(X, sample[:, 3], rcond=None)[0][3])
    return {"rows": rows, "coefficients": fit.params.tolist(),
            "interaction": np.quantile(draws, [tail(6), 1 - tail(6)]).tolist()}


def bootstraps():
    a = np.round(random.normal(14, 2, 10), 2)
    b = np.round(random.normal(18, 3, 10), 2)
    result = stats.bootstrap((a, b), lambda x, y, axis=-1: x.mean(axis) / y.mean(axis), paired=True,
                             n_resamples=50_000, method="percentile", rng=random,
                             confidence_level=1 - 2 * tail(10))
    low, high = result.confidence_interval
    return {"a": a.tolist(), "b": b.tolist(), "ratio": float(a.mean() / b.mean()), "low": float(low), "high": float(high)}


def students():
    return [{"t": t, "freedom": v, "p": float(stats.t.cdf(t, v))}
            for v in (1, 4, 9, 60) for t in (-4.0, -2.5, -0.3, 0.0, 1.7)]


print(json.dumps({
    "versions": {name: version(name) for name in ("lifelines", "scipy", "statsmodels", "rliable")},
    "survival": survivals(),
    "interquartileMean": middles(),
    "holm": adjustments(),
    "regression": regressions(),
    "pairedRatio": bootstraps(),
    "student": students(),
}, indent=1))
