# Sourced: python_environment LOCK_FILE FOLDER makes a virtual environment with the locked packages, once.

# The first interpreter that is new enough.
find_python() {
  local candidate found=""
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$candidate" >/dev/null || continue
    found=${found:-$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null || true)}
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed; found ${found:-none}. Install it (Debian, Ubuntu: apt-get install python3 python3-venv)." >&2
  return 1
}

python_environment() {
  local lock=$1 folder=$2 python
  if cmp -s "$lock" "$folder/installed.txt"; then return; fi
  python=$(find_python) || return 1
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$python has no venv module. Install it (Debian, Ubuntu: apt-get install python3-venv)." >&2
    return 1
  fi
  echo "Installing the locked packages of $lock into $folder" >&2
  rm -rf "$folder"
  "$python" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
  # Written last: an installation that was cut short is begun again.
  cp "$lock" "$folder/installed.txt"
}
