"""Labels the texts of a folder of CSV or Parquet files with Spark, on this machine or on a cluster.

Needs Java 17 or later, `pip install textrnn pyspark pandas pyarrow` on every machine, and the saved run at the same
path on all of them (a shared disk; or `spark-submit --archives reviews.zip#reviews` and `reviews` as the run).

    python classify_with_spark.py models/reviews incoming labelled --text-column review
    spark-submit --master yarn classify_with_spark.py /shared/models/reviews /shared/incoming /shared/labelled

writes the rows of `incoming` to `labelled`, as files of the same kind, with `predicted`, `confidence` and `status`.
"""

import argparse
import os

from pyspark.sql import SparkSession
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

ADDED = {"predicted": StringType(), "confidence": DoubleType(), "status": StringType()}


def classifier(run, text_column):
    """The function that each task of Spark runs over the rows of its part, some thousand at a time."""

    def classify(batches):
        import textrnn  # here, as it runs on another machine

        model = textrnn.load(run)
        for rows in batches:
            found = model.classify(rows[text_column].fillna("").tolist())
            yield rows.assign(
                predicted=[one["label"] for one in found],
                confidence=[one["confidence"] for one in found],
                status=[one["status"] for one in found],
            )

    return classify


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run that textrnn classify saved")
    parser.add_argument("input", help="folder of the files")
    parser.add_argument("output", help="folder to write to")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    options = parser.parse_args()

    spark = SparkSession.builder.appName("textrnn").getOrCreate()
    # As spreadsheets write CSV: a quote within quotes is doubled, and a text may have line breaks.
    csv = {"header": True, "escape": '"', "multiLine": True} if options.format == "csv" else {}
    rows = spark.read.format(options.format).options(**csv).load(options.input)
    kept = [field for field in rows.schema if field.name not in ADDED]  # of rows that were labelled before
    schema = StructType([*kept, *(StructField(name, kind) for name, kind in ADDED.items())])
    run = os.path.abspath(options.run) if os.path.isdir(options.run) else options.run
    labelled = rows.mapInPandas(classifier(run, options.text_column), schema)
    labelled.write.format(options.format).options(**csv).save(options.output)
    spark.stop()


if __name__ == "__main__":
    main()
