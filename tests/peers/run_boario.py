"""Runs BoARIO (PyPI: boario) on a small table and writes the case: python run_boario.py FOLDER [KIND] [SEED].

Kinds: `noalt` and `alt`, the two ways to order, with an event that destroys capital, which recovers; `rebuild`, where
one industry's capital is rebuilt by others; `overproduction`. Stocks and times per input, psi. BoARIO rounds losses,
and asks whether a demand equals an output to the last bit before it overproduces less: so the agreements differ.
"""

import importlib.metadata
import logging
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import pymrio

from case import steady, write

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
from boario import event  # noqa: E402
from boario.extended_models import ARIOPsiModel  # noqa: E402
from boario.simulation import Simulation  # noqa: E402


# Largest difference, relative to steady output, that the law of the wider model states for BoARIO as it is shipped.
AGREEMENT = {"noalt": 1e-12, "alt": 1e-12, "rebuild": 1e-6, "overproduction": 2e-3}


def main(folder, kind="noalt", seed=0, regions=3, sectors=4, periods=60, psi=0.8):
    rng = np.random.default_rng(seed)
    firms = regions * sectors
    a = rng.dirichlet(np.ones(firms), firms) * rng.uniform(0.3, 0.6, (firms, 1))
    d = rng.uniform(50.0, 200.0, firms)
    x0 = steady(a, d)
    names = [[f"r{i}" for i in range(regions)], [f"s{i}" for i in range(sectors)]]
    industries = pd.MultiIndex.from_product(names, names=["region", "sector"])
    final = pd.MultiIndex.from_product([names[0], ["households"]], names=["region", "category"])
    # Rows of a table sell, columns buy; households of all regions share a good alike.
    z = pd.DataFrame((a * x0[:, None]).T, index=industries, columns=industries)
    y = pd.DataFrame(np.repeat(d[:, None] / regions, regions, axis=1), index=industries, columns=final)
    x = pd.DataFrame({"indout": z.sum(axis=1) + y.sum(axis=1)}, index=industries)
    mriot = pymrio.IOSystem(Z=z, Y=y, x=x, A=pymrio.calc_A(z, x))
    n = {s: int(v) for s, v in zip(names[1], rng.integers(4, 12, sectors))}
    tau = {s: int(v) for s, v in zip(names[1], rng.integers(5, 15, sectors))}
    healing, hit, occurrence, duration = 20, [0, 1, firms - 2], 4, 3
    capital = np.round(10.0 * x0)
    share = rng.uniform(0.3, 0.8, len(hit))
    damage = np.floor(capital[hit] * share / healing) * healing
    order, alpha_max = {"alt": "alt"}.get(kind, "noalt"), 1.25 if kind == "overproduction" else 1.0
    model = ARIOPsiModel(mriot, order_type=order, alpha_max=alpha_max, alpha_tau=30, psi_param=psi, inventory_dict=n,
                         inventory_restoration_tau=tau, iotable_year_to_temporal_unit_factor=1,
                         productive_capital_vector=pd.Series(capital, index=industries))
    if kind == "rebuild":
        hit, damage = hit[:1], damage[:1]
    impact = pd.Series(damage, index=industries[hit])
    when = dict(occurrence=occurrence, duration=duration, event_monetary_factor=model.monetary_factor)
    builders = {names[1][1]: 0.75, names[1][3]: 0.25}
    if kind == "rebuild":
        loss = event.from_series(impact, event_type="rebuild", rebuild_tau=healing, rebuilding_sectors=builders, **when)
    else:
        loss = event.from_series(impact, event_type="recovery", recovery_tau=healing, recovery_function="linear", **when)
    with tempfile.TemporaryDirectory(prefix="boario") as logs:
        run = Simulation(model, n_temporal_units_to_sim=periods, boario_output_dir=logs)
        run.add_event(loss)
        run.loop()
    sector = np.arange(firms) % sectors
    product = np.tile(sector, (firms, 1))
    options = {"slack": 0.0, "combine": "worst", "division": {"noalt": "fixed", "alt": "capacity"}[order], "psi": psi,
               "need": "output", "target": "capped", "gap": "shortfall", "stock_seen": "after"}
    if kind == "overproduction":
        options |= {"overproduction": "boario", "alpha_max": alpha_max, "tau_alpha": 30.0}
    # Its step s is period s + 1: a loss begins one period after the occurrence, and holds to the end of it.
    start, events = occurrence + 1, {}
    if kind == "rebuild":
        events["rebuild"] = [(0, start, duration, float(healing), 1.0)]
        events["damage"] = [(0, i, float(c)) for i, c in zip(hit, damage)]
        # Within a sector as the industry that is hit buys of its regions.
        of = lambda j: builders.get(names[1][sector[j]], 0.0) * a[hit[0], j] / a[hit[0], sector == sector[j]].sum()
        events["rebuilders"] = [(0, j, float(of(j))) for j in range(firms) if of(j) > 0.0]
    else:
        events["shocks"] = [(0, i, start, float(c / capital[i]), "linear", float(healing), 0.0, float(duration + 1))
                            for i, c in zip(hit, damage)]
    write(folder, name=f"boario_{kind}", peer="boario " + importlib.metadata.version("boario"), a=a, d=d,
          region=np.arange(firms) // sectors, sector=sector, periods=periods, options=options, product=product,
          inputs=[(i, g, float(n[names[1][g]]), float(tau[names[1][g]]), 1.0) for i in range(firms)
                  for g in range(sectors)],
          x=run.production_realised.to_numpy()[:periods], capital=capital if kind == "rebuild" else None,
          agreement=AGREEMENT[kind], **events)


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:3], *(int(v) for v in sys.argv[3:4]))
