"""Labels the texts of a folder of CSV or Parquet files with Ray Data, on this machine or on a Ray cluster.

Needs `pip install textrnn 'ray[data]' pandas` on every machine, and the saved run and the files at the same paths on
all of them (a shared disk, or addresses that Ray Data reads, such as s3://). Each worker loads the run once.

    python classify_with_ray.py models/reviews incoming labelled --text-column review --workers 8

writes the rows of `incoming` to `labelled`, as files of the same kind, with `predicted`, `confidence` and `status`.
"""

import argparse
import os

import pyarrow as pa
import ray
from pyarrow import csv

import textrnn


class Classify:
    """Loads the run when its worker starts, and then gets one batch of rows after the other."""

    def __init__(self, run, text_column):
        self.model = textrnn.load(run)
        self.text_column = text_column

    def __call__(self, rows):
        found = self.model.classify(rows[self.text_column].fillna("").tolist())
        return rows.assign(
            predicted=[one["label"] for one in found],
            confidence=[one["confidence"] for one in found],
            status=[one["status"] for one in found],
        )


def read_csv(folder, text_column):
    """Rows of CSV files whose texts may have line breaks, and are texts even where they look like numbers."""
    return ray.data.read_csv(
        folder,
        file_extensions=["csv"],
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types={text_column: pa.string()}),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run that textrnn classify saved")
    parser.add_argument("input", help="folder of the files")
    parser.add_argument("output", help="folder to write to")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--workers", type=int, default=2, help="processes, of all machines together")
    options = parser.parse_args()

    run = os.path.abspath(options.run)  # workers have working folders of their own
    if options.format == "csv":
        rows = read_csv(options.input, options.text_column)
    else:
        rows = ray.data.read_parquet(options.input)
    rows = rows.map_batches(
        Classify,
        fn_constructor_args=(run, options.text_column),
        batch_format="pandas",
        batch_size=4096,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=options.workers),  # reading needs a core as well
    )
    write = rows.write_csv if options.format == "csv" else rows.write_parquet
    write(os.path.abspath(options.output) if "://" not in options.output else options.output)


if __name__ == "__main__":
    main()
