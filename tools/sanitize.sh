#!/usr/bin/env bash
# Core and extension with the sanitizers of the compiler, GCC or Clang: addresses and undefined
# behaviour in build/asan, threads in build/tsan. Runs the C++ tests under each set of instructions
# that the processor has, then the sampling and fitting tests of Python. The first finding ends it.
# Arguments: asan, tsan or both; without one both are run.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/${PYTHON:-.venv/bin/python}
compiler=${CXX:-g++}
tests=pyext/emgmm/tests
# Left out are tests that start processes of their own (these would run the other extension), wait
# for minutes here, or compare with libraries (_search: in a name; the folder search is kept).
quick="not example and not placement and not symmetric and not known_distribution and not sampled and not adapts
       and not scikit and not realisations and not simulated and not _search"
quick=$(echo $quick)
sets=$("$python" -c "from emgmm import _core; print(*_core.available_instruction_sets())")

library() {  # what must be loaded before Python, which knows nothing of the sanitizer
  echo "$("$compiler" -print-file-name="$1"):$("$compiler" -print-file-name=libstdc++.so.6)"
}

built() {  # folder, what -fsanitize= takes; prints the Python that has the extension
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
    --target "build/$1/site" -C build-dir="build/$1/cmake" -C cmake.build-type=Sanitize \
    -C install.strip=false -C cmake.define.EMGMM_SANITIZE="$2" . >&2
  # The packages of the project's environment, but for emgmm itself: a .pth file in a folder that
  # another one names is not read, so that the editable install stays out.
  "$python" -m venv --without-pip "build/$1/env" >&2
  local packages='import sysconfig; print(sysconfig.get_path("purelib"))' env=build/$1/env
  printf '%s\n%s\n' "$PWD/build/$1/site" "$("$python" -c "$packages")" \
    > "$("$env/bin/python" -c "$packages")/emgmm.pth"
}

watched() {  # folder, library, what is run
  local folder=$1 preload=$2
  shift 2
  # The thread sanitizer of older compilers wants addresses where the kernel used to put them.
  setarch "$(uname -m)" -R env LD_PRELOAD="$preload" PYTHONMALLOC=malloc OPENBLAS_NUM_THREADS=1 \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS=halt_on_error=1:suppressions="$PWD/tools/tsan.supp" "$@"
}

for folder in "${@:-asan tsan}"; do
  for one in $folder; do
    kinds=address,undefined
    [ "$one" = tsan ] && kinds=thread
    echo "$one: $kinds"
    built "$one" "$kinds"
    for set in $sets; do
      some=()  # of the last set all; of others what has kernels of its own: these know no threads
      if [ "$set" != "${sets##* }" ]; then
        [ "$one" = asan ] || continue
        some=(--tests-regex '^test_core|placement')
      fi
      echo "$one: core tests, $set"
      EMGMM_INSTRUCTION_SET=$set TSAN_OPTIONS=halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
        setarch "$(uname -m)" -R "$(dirname "$python")/ctest" --test-dir "build/$one/cmake" \
        --output-on-failure --parallel 2 --timeout 3600 "${some[@]}"
    done
    echo "$one: sampling and fitting in Python"
    # Not captured, since a report is the last that a process says.
    watched "$one" "$(library "lib$one.so")" "build/$one/env/bin/python" -m pytest -q -s \
      -x -p no:cacheprovider -m instruction_sets -k "$quick" "$tests"
  done
done
