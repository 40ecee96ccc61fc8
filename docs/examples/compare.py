"""Compares runs: `python docs/examples/compare.py NAME... -o PICTURE` prints a table, draws the curves."""

import argparse
import csv
import json

import matplotlib.pyplot as plt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="runs under models/")
    parser.add_argument("-o", "--output", required=True, help="picture to write")
    parser.add_argument("--column", default="val_bits_per_char", help="column of history.csv to draw")
    parser.add_argument("--against", default="epoch", choices=("epoch", "step"), help="what to draw it against")
    parser.add_argument("--log", action="store_true", help="logarithmic scale")
    arguments = parser.parse_args()

    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    print(f"{'run':<14}{'weights':>9}{'training':>10}{'held out':>10}   bits per character, at the best check")
    for name in arguments.names:
        with open(f"models/{name}/run.json", encoding="utf-8") as file:
            parameters = json.load(file)["parameters"]
        with open(f"models/{name}/history.csv", encoding="utf-8") as file:
            history = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        best = min(history, key=lambda row: row["val_bits_per_char"])
        print(f"{name:<14}{parameters:>9,}{best['train_bits_per_char']:>10.2f}{best['val_bits_per_char']:>10.2f}")
        across = [row[arguments.against] for row in history]
        axes.plot(across, [row[arguments.column] for row in history], ".-", label=name)
    label = {"val_bits_per_char": "held out, bits per character", "gradient_norm": "norm of the gradient"}
    axes.set(xlabel=arguments.against, ylabel=label.get(arguments.column, arguments.column))
    if arguments.log:
        axes.set_yscale("log")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(arguments.output, dpi=100)


main()
