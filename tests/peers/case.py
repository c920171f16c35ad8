"""A small economy and what a peer made of it, as a case in the layout of tests/breadth.

Only text goes from a peer to our tests: its inputs and its outputs. Numbers are written in full.
"""

import csv
import json
import os

import numpy as np


def table(path, header, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        for row in rows:
            out.writerow([repr(float(v)) if isinstance(v, float) else v for v in row])


def steady(a, d):
    """Output of firms that buy a[i, j] of firm j per unit, as much as is sold."""
    return np.linalg.solve(np.eye(len(d)) - a.T, d)


def write(folder, *, name, peer, a, d, region, sector, periods, options, product, inputs, x,
          capital=None, unmet=None, shocks=(), z_path=(), demand_path=(), rebuild=(), damage=(), rebuilders=(),
          agreement):
    """a [buyer, supplier]; product [buyer, supplier]; inputs: rows of buyer, product, n, tau, criticality; x [period,
    firm]; shocks: event, firm, tstar, delta, curve, p, q, hold; paths: t, firm, value; rebuild: event, tstar, hold,
    tau, factor; damage: event, firm, amount; rebuilders: event, firm, share. `agreement` is what the wider
    model's law states as the largest difference, relative to the steady output."""
    os.makedirs(folder, exist_ok=True)
    at = lambda file: os.path.join(folder, file)
    x0, firms = steady(a, d), len(d)
    links = [(i, j) for i in range(firms) for j in range(firms) if a[i, j] > 0.0]
    table(at("edges.csv"), ["buyer", "supplier", "a", "product", "lag", "class"],
          [(i, j, float(a[i, j]), int(product[i, j]), 0, 0) for i, j in links])
    # n and tau of firms count where inputs.csv has none: it has all of firms that buy.
    of = {row[0]: row for row in reversed(list(inputs))}
    header = ["firm", "d", "n", "tau", "region", "sector", "x0"] + (["capital"] if capital is not None else [])
    table(at("firms.csv"), header,
          [(i, float(d[i]), float(of[i][2]) if i in of else 2.0, float(of[i][3]) if i in of else 2.0, int(region[i]),
            int(sector[i]), float(x0[i])) + ((float(capital[i]),) if capital is not None else ()) for i in range(firms)])
    table(at("inputs.csv"), ["buyer", "product", "n", "tau", "criticality"], inputs)
    for file, header, rows in (
        ("shocks.csv", ["event", "firm", "tstar", "delta", "curve", "p", "q", "hold"], shocks),
        ("z_path.csv", ["t", "firm", "z"], z_path),
        ("demand_path.csv", ["t", "firm", "factor"], demand_path),
        ("rebuild.csv", ["event", "tstar", "hold", "tau", "factor"], rebuild),
        ("damage.csv", ["event", "firm", "amount"], damage),
        ("rebuilders.csv", ["event", "firm", "share"], rebuilders),
    ):
        if len(rows) > 0:
            table(at(file), header, rows)
    for file, letter, values in (("x.csv", "x", x), ("unmet.csv", "u", unmet)):
        if values is not None:
            table(at(file), ["t"] + [f"{letter}{i}" for i in range(firms)],
                  [[t + 1] + [float(v) for v in row] for t, row in enumerate(values)])
    with open(at("meta.json"), "w") as file:
        json.dump({"name": name, "peer": peer, "agreement": agreement, "M": firms, "E": len(links), "T": periods,
                   "R": int(max(region)) + 1, "K": int(max(sector)) + 1, "options": options,
                   "what": f"run by {peer}"}, file, indent=1)
        file.write("\n")
