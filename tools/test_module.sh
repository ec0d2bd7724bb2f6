#!/usr/bin/env bash
# Builds IMP.emgmm against the IMP that CMake finds (IMP_DIR, or CMake's package registry), runs
# ctest, and then the pytest files that compare the two engines, with IMP's environment.
# Without IMP: says in one line what was not run, and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
build=${EMGMM_IMP_BUILD:-build/imp}
parity=(pyext/emgmm/tests/imp/test_parity_*.py)

files=(test/*test_*.py test/*test_*.cpp examples/imp_*.py benchmark/imp_*.py)
[ -e "${parity[0]}" ] || parity=()

probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
cat > "$probe/CMakeLists.txt" <<'PROBE'
cmake_minimum_required(VERSION 3.18)
project(probe NONE)
find_package(IMP QUIET CONFIG)
if(IMP_FOUND)
  file(WRITE "${CMAKE_BINARY_DIR}/found" "${IMP_DIR}")
endif()
PROBE
if ! command -v cmake > /dev/null ||
   ! cmake -S "$probe" -B "$probe/build" ${IMP_DIR:+-DIMP_DIR="$IMP_DIR"} > "$probe/log" 2>&1 ||
   [ ! -e "$probe/build/found" ]; then
  echo "IMP not found (set IMP_DIR): ${#files[@]} test, example and benchmark files of IMP.emgmm" \
       "and ${#parity[@]} engine comparisons not run"
  exit 0
fi

generator=()
command -v ninja > /dev/null && [ ! -e "$build/CMakeCache.txt" ] && generator=(-G Ninja)
cmake -S . -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DIMP_TIMEOUT_FACTOR=12 \
      -DIMP_DIR="$(cat "$probe/build/found")" ${EMGMM_CMAKE_ARGS:-} > "$build.log" 2>&1 ||
  { tail -n 30 "$build.log"; exit 1; }
cmake --build "$build" -j "${EMGMM_JOBS:-2}" >> "$build.log" 2>&1 ||
  { tail -n 60 "$build.log"; exit 1; }
(cd "$build" && ctest --output-on-failure -j 2)

# The comparisons need IMP and the pip package in one Python.
if [ ${#parity[@]} -gt 0 ]; then
  if "$build/setup_environment.sh" "$python" -c "import IMP.emgmm, emgmm" 2> /dev/null; then
    "$build/setup_environment.sh" "$python" -m pytest -q "${parity[@]}" \
      "pyext/emgmm/tests/project/test_documentation.py::test_blocks_run[tutorials/imp.md]"
  else
    echo "$python cannot import both IMP.emgmm and emgmm: ${#parity[@]} engine comparisons not run"
  fi
fi
