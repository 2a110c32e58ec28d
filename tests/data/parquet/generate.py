"""Writes the Parquet files of this folder: python generate.py. The rows of the first ones are in expected.json.

With pyarrow 26.0.1; those with an index with pandas 3.1.1, Dask 2026.8.0 and fastparquet 2026.9.0.
"""

import decimal
import json
import warnings
from pathlib import Path

import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
N = 1000


def main():
    generator = np.random.default_rng(0)
    y, a = generator.normal(size=(2, N))
    numbers = {
        "y": pa.array(y),
        "a": pa.array(a.astype(np.float32)),
        "count": pa.array(np.arange(N) - 500, pa.int32()),
        "flag": pa.array([row % 3 == 0 for row in range(N)]),
        "level": pa.array([float(row % 4) / 3 for row in range(N)]).dictionary_encode(),
        "price": pa.array([decimal.Decimal(row) / 100 for row in range(N)], pa.decimal128(10, 2)),
    }
    rows = [
        [float(y[row]), float(np.float32(a[row])), row - 500, float(row % 3 == 0), float(row % 4) / 3, row / 100]
        for row in range(N)
    ]
    (HERE / "expected.json").write_text(json.dumps(rows[:: N // 20]))
    table = pa.table(numbers)
    pq.write_table(table, HERE / "snappy.parquet", compression="snappy")
    pq.write_table(table, HERE / "zstd.parquet", compression="zstd", use_dictionary=["count", "flag"])
    pq.write_table(table, HERE / "row_groups.parquet", compression="none", row_group_size=300, data_page_version="2.0")
    pq.write_table(pa.table({"y": [1, 3], "a": [2.0, 4.0]}), HERE / "two_rows.parquet")
    pq.write_table(pa.table({"y": [1.0, 2.0, None], "a": [1, None, 3]}), HERE / "nulls.parquet")
    pq.write_table(pa.table({"y": [1.0, float("nan")], "a": [float("inf"), 2.0]}), HERE / "not_finite.parquet")
    pq.write_table(pa.table({str(number): [number] for number in range(40)}), HERE / "wide.parquet")
    others = {"y": [1.0], "name": ["x"], "list": [[1.0]], "pair": [{"a": 1}], "when": pa.array([0], pa.timestamp("us"))}
    pq.write_table(pa.table(others), HERE / "others.parquet")
    pq.write_table(
        pa.table({"y": pa.array([], pa.float64()), "a": pa.array([], pa.float64())}), HERE / "no_rows.parquet"
    )
    write_indexes()


def write_indexes():
    frame = pd.DataFrame({"y": [1.0, 3.0, 5.0], "a": [2.0, 4.0, 6.0]})
    several = [pd.Index([7, 5, 8], name="id"), pd.date_range("2026-01-01", periods=3, name="when")]
    frame.to_parquet(HERE / "range_index.parquet")
    frame.set_index(several[0]).to_parquet(HERE / "no_index.parquet", index=False)
    frame.set_index(several[0]).to_parquet(HERE / "named_index.parquet")
    frame.set_index(several).to_parquet(HERE / "several_indexes.parquet")
    frame.iloc[[2, 0, 1]].to_parquet(HERE / "unnamed_index.parquet")
    warnings.simplefilter("ignore", DeprecationWarning)  # pandas 4 will do without fastparquet
    frame.set_index(several[0]).to_parquet(HERE / "first_column_index.parquet", engine="fastparquet")
    dask.dataframe.from_pandas(frame, npartitions=1).to_parquet(HERE / "dask")
    (HERE / "dask/part.0.parquet").rename(HERE / "dask_index.parquet")
    (HERE / "dask").rmdir()


if __name__ == "__main__":
    main()
