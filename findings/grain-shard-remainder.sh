#!/usr/bin/env bash
# A DataLoader of Grain leaves out the remainder of its shards although it is told to keep it.
#
# Versions: grain 0.2.18, beside grain 0.2.12; Python 3.12. No jax is needed.
# Expected: three shards of eleven records with drop_remainder=False hold four, four and three records, all eleven
# between them; ShardOptions documents that the first shards take the remainder.
# Seen: with 0.2.18 each shard starts in the right place and ends after three records; nobody reads records 3 and 7:
#     [[0, 1, 2], [4, 5, 6], [8, 9, 10]]
# With 0.2.12 the shards are [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]. With drop_remainder=True both do the same, and warn
# of the dropped examples; of those that 0.2.18 leaves out otherwise there is no warning.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# make FOLDER REQUIREMENT...: a virtual environment with these packages.
make() {
  local folder=$1 python=${PYTHON:-python3.12}
  shift
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$python" "$folder"
    uv pip install --quiet --python "$folder/bin/python" "$@"
  else
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  fi
}
make new grain==0.2.18 absl-py==2.5.1 array-record==0.8.6 cloudpickle==3.1.3 etils==1.15.0 fsspec==2026.9.0 \
  numpy==2.5.5 portpicker==1.6.0 protobuf==7.36.2 psutil==7.2.2 typing-extensions==4.16.0 zipp==4.1.2
make old grain==0.2.12 absl-py==2.5.1 array-record==0.8.6 attrs==26.1.0 cloudpickle==3.1.3 dm-tree==0.1.10 \
  etils==1.15.0 fsspec==2026.9.0 more-itertools==11.2.1 numpy==2.5.5 protobuf==7.36.2 typing-extensions==4.16.0 \
  wrapt==2.5.2 zipp==4.1.2

cat >shards.py <<'PY'
import logging
import sys

from grain import python as grain

told = []
handler = logging.Handler()
handler.emit = lambda record: told.append(record.getMessage())
logging.getLogger("absl").addHandler(handler)


def shards(drop):
    found = []
    for index in range(3):
        options = grain.ShardOptions(shard_index=index, shard_count=3, drop_remainder=drop)
        sampler = grain.IndexSampler(num_records=11, shard_options=options, shuffle=False, num_epochs=1, seed=0)
        loader = grain.DataLoader(data_source=grain.RangeDataSource(0, 11, 1), sampler=sampler, worker_count=0)
        found.append([int(record) for record in loader])
    return found


kept = shards(drop=False)
print(kept)
assert not [message for message in told if "Dropping" in message], told
if sys.argv[1] == "new":
    assert kept == [[0, 1, 2], [4, 5, 6], [8, 9, 10]], kept
else:
    assert kept == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]], kept
dropped = shards(drop=True)
assert dropped == [[0, 1, 2], [3, 4, 5], [6, 7, 8]], dropped
assert [message for message in told if "Dropping" in message], told
PY
for release in old new; do "$release/bin/python" shards.py "$release"; done
