"""Trains one language model on several machines of a Ray cluster with Ray Train.

Needs `pip install textrnn 'ray[train]'` on every machine, and the text and the folder of runs on a disk that all share.
Ray Train starts the workers and tells each of them by `TF_CONFIG` who the others are, which is all that textrnn needs.

    python train_with_ray.py book.txt models --name book --workers 2 --time 3600

Networks that other people reach are no place for this: see docs/en/61-machines.md.
"""

import argparse
import os

from ray.train import ScalingConfig
from ray.train.tensorflow import TensorflowTrainer


def train(settings):
    """What each worker runs; the first one writes the run."""
    import textrnn

    textrnn.train(settings.pop("corpus"), **settings)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("models", help="folder of the runs")
    parser.add_argument("--name", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=1, help="cores of each worker")
    parser.add_argument("--time", type=float, default=600, help="seconds")
    parser.add_argument("--batch", type=int, default=128, help="rows of all workers together")
    options = parser.parse_args()

    TensorflowTrainer(
        train,
        train_loop_config={
            "corpus": os.path.abspath(options.corpus),
            "models_dir": os.path.abspath(options.models),
            "name": options.name,
            "time_s": options.time,
            "batch": options.batch,
        },
        scaling_config=ScalingConfig(num_workers=options.workers, resources_per_worker={"CPU": options.cpus}),
    ).fit()


if __name__ == "__main__":
    main()
