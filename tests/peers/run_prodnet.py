"""Runs ProdNet (PyPI: ProdNet) on a small economy and writes the case: python run_prodnet.py FOLDER [SEED].

Supply shocks and demand paths of every firm, stocks of every link, proportional rationing. ProdNet stops the firm with
the largest stock where all its inputs tie, so stocks differ from link to link, and every firm buys from two or more.
"""

import importlib.metadata
import sys
import types

import numpy as np
import scipy.sparse as sp

from case import steady, write



class StandIn(types.ModuleType):
    """ProdNet's sampler of networks imports packages that know no NumPy 2; its models need none of them."""
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


for name in ("graph_ensembles", "graph_ensembles.methods", "NEMtropy", "NEMtropy.models_functions",
             "NEMtropy.solver_functions", "sklearn", "sklearn.metrics", "sklearn.metrics.pairwise"):
    sys.modules[name] = StandIn(name)
import ProdNet.models as models  # noqa: E402


def main(folder, seed=0, firms=24, periods=60, slack=0.25):
    rng = np.random.default_rng(seed)
    a = np.zeros((firms, firms))
    for i in range(firms):
        others = rng.choice([j for j in range(firms) if j != i], size=rng.integers(2, 5), replace=False)
        a[i, others] = rng.dirichlet(np.ones(len(others))) * rng.uniform(0.3, 0.7)
    d = rng.uniform(0.5, 2.0, firms)
    n, tau = rng.uniform(2.0, 9.0, (firms, firms)), rng.uniform(3.0, 12.0, firms)
    x0 = steady(a, d)
    # Capacity: a fall that heals, other falls, in a third of the firms. Demand: dips and surges, none in period 1.
    lost = np.zeros((periods, firms))
    for i in rng.choice(firms, firms // 3, replace=False):
        first, delta, rate = rng.integers(2, 20), rng.uniform(0.3, 1.0), rng.uniform(0.05, 0.3)
        lost[first:, i] = delta * np.exp(-rate * np.arange(periods - first))
    factor = np.ones((periods, firms))
    for i in rng.choice(firms, firms // 4, replace=False):
        first = rng.integers(5, 30)
        factor[first:first + 10, i] = rng.uniform(0.2, 1.6)
    # Goods flow from row to column there; a shape of links per column of buyers.
    need = sp.csc_matrix(a.T)
    stock = sp.csc_matrix((n * a * x0[:, None]).T)
    flows = sp.csc_matrix((a * x0[:, None]).T)
    model = models.ARIO(periods, firms, need, n.mean(axis=1), tau, x0 * (1.0 + slack))
    model.simulate(stock, d * factor, flows, p_shock=lost)
    links = [(i, j) for i in range(firms) for j in range(firms) if a[i, j] > 0.0]
    product = np.zeros((firms, firms), dtype=int)
    for k, (i, j) in enumerate(links):
        product[i, j] = k
    peer = "ProdNet " + importlib.metadata.version("ProdNet")
    write(folder, name="prodnet", peer=peer, a=a, d=d, region=np.zeros(firms, int), sector=np.arange(firms) % 3,
          periods=periods, options={"slack": slack, "stock_seen": "after"}, product=product,
          inputs=[(i, int(product[i, j]), float(n[i, j]), float(tau[i]), 1.0) for i, j in links], x=model.P,
          z_path=[(t + 1, i, float(1.0 - lost[t, i])) for t in range(periods) for i in range(firms) if lost[t, i] > 0.0],
          demand_path=[(t + 1, i, float(factor[t, i])) for t in range(periods) for i in range(firms)
                       if factor[t, i] != 1.0],
          agreement=2e-13)


if __name__ == "__main__":
    main(sys.argv[1], *(int(v) for v in sys.argv[2:3]))
