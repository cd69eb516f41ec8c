#!/usr/bin/env bash
# Installs what the tests need, then runs them all: bash tests/run.sh [OPTION…]
#
#   --newest      with the newest release of each package instead of those in constraints.txt
#   --oldest      with the lower bounds of pyproject.toml: the fast tests, and a run of each engine
#   --python X    with another interpreter that is here: a version (3.13) or a path
#
# System packages come by apt where this runs as root; Python packages go into .venv-* in this folder. Later runs
# install again only when what is to be installed, or Python, has changed.
# Exit code 0: every stage passed; 1: some stage failed, or something is missing that only you can install.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

versions=locked interpreter=
while [ $# -gt 0 ]; do
  case $1 in
    --newest | --oldest) versions=${1#--} ;;
    --python)
      interpreter=${2:-}
      [ -n "$interpreter" ] || { echo "tests/run.sh: --python takes a version (3.13) or a path" >&2 && exit 1; }
      shift
      ;;
    *) echo "tests/run.sh: '$1' is no option; there are --newest, --oldest and --python X" >&2 && exit 1 ;;
  esac
  shift
done

export PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=()

# stage NAME COMMAND…: run it, say how long it took, remember it if it failed.
stage() {
  local name=$1 start=$SECONDS code=0
  shift
  printf '\n== %s\n' "$name"
  "$@" || code=$?
  if [ "$code" -ne 0 ]; then
    failed+=("$name")
    printf '== %s: FAILED with exit code %d after %d s\n' "$name" "$code" $((SECONDS - start))
  else
    printf '== %s: ok, %d s\n' "$name" $((SECONDS - start))
  fi
}

# must NAME COMMAND…: the same, but nothing after it makes sense when it fails.
must() {
  stage "$@"
  [ ${#failed[@]} -eq 0 ] || exit 1
}

# The Debian packages that are not here yet; the live display is tested in tmux, pages in Chromium, jobs on a real
# Slurm by root alone.
missing_packages() {
  local one
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  command -v tmux >/dev/null || echo tmux
  command -v shellcheck >/dev/null || echo shellcheck
  command -v chromium >/dev/null || printf '%s\n' chromium fonts-dejavu-core
  [ "$(id -u)" -eq 0 ] || return 0
  for one in munged:munge slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client ip:iproute2; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${one%:*}" >/dev/null || echo "${one#*:}"
  done
  compgen -G '/usr/lib/*/slurm*/auth_munge.so' >/dev/null || echo slurm-wlm-basic-plugins
}

system_packages() {
  local packages
  command -v python3 >/dev/null || [ "$(id -u)" -eq 0 ] || { echo "install Python 3.10 or newer first"; return 1; }
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not here, and only root can install them with apt: ${packages[*]}"
    # Without tmux, shellcheck or Chromium their own checks are left out; without venv nothing can run.
    [[ " ${packages[*]} " != *" python3-venv "* ]]
    return
  fi
  echo "apt-get install ${packages[*]}"
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

# find_python VERSION|PATH: the interpreter's path, also where pyenv has it but does not offer it.
find_python() {
  local one
  for one in "$1" "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    "$one" -c 'import sys; print(sys.executable)' 2>/dev/null && return 0
  done
  echo "there is no Python '$1' here" >&2
  return 1
}

# uv makes an environment in seconds where pip takes minutes; it gets pip's folders of wheels too. Both are taken
# from an environment made for them, as not every Python has pip.
installer() {
  local links
  python=$(find_python "${interpreter:-python3}") || return
  if ! .venv-uv/bin/uv --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv-uv && .venv-uv/bin/pip install -qq -c constraints.txt uv || return
  fi
  export PATH=$PWD/.venv-uv/bin:$PATH
  links=${PIP_FIND_LINKS:-$(pip config get global.find-links 2>/dev/null || true)}
  export UV_FIND_LINKS=${UV_FIND_LINKS:-$links}
}

# What uv is told of versions, here and by tests. torch stays that of the lock: it is not to bring gigabytes for
# GPUs unasked.
choose_versions() {
  grep '^torch==' constraints.txt >"$work/torch"
  uv venv -q --python "$python" "$work/empty" || return
  if uv pip install --dry-run --python "$work/empty/bin/python" -r "$work/torch" 2>&1 | grep -q '+ nvidia-'; then
    echo "left out: torch and its tests; for $("$python" -V) there is only a build for CUDA (set UV_TORCH_BACKEND=cpu)"
    echo "torch; python_version < '3'" >"$work/without"
    export UV_OVERRIDE=$work/without
    without+=" and not torch"
  fi
  case $versions in
    locked) export UV_CONSTRAINT=$PWD/constraints.txt ;;
    newest) export UV_CONSTRAINT=$work/torch ;;
    oldest) export UV_CONSTRAINT=$work/torch UV_RESOLUTION=lowest-direct && packages=(--no-build -e '.[dev]') ;;
  esac
}

# environment FOLDER OPTION…: one with what `uv pip install` is told, made again only when that has changed.
environment() {
  local folder=$1 stamp
  shift
  stamp=$({ sed '/^\[tool\.ruff\]/,$d' pyproject.toml && cat "$UV_CONSTRAINT" && pwd && echo "$python" "$@"; } | sha256sum)
  if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && "$folder/bin/python" -c '' 2>/dev/null; then
    return 0
  fi
  uv venv -q --clear --python "$python" "$folder" &&
    uv pip install -q --python "$folder/bin/python" "$@" && echo "$stamp" >"$folder/stamp"
}

# sweeps 0.3.0 defines what W&B's sweeps mean; it needs a numpy that has no build for Python 3.13 and later.
oracle() {
  local one python=$python
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
    for one in 3.12 3.11 3.10 none; do
      [ "$one" != none ] || { echo "left out: comparisons with W&B, which take a Python before 3.13"; return 0; }
      python=$(find_python "$one" 2>/dev/null) && break
    done
  fi
  grep -Ev '^(numpy|scipy)==' constraints.txt >"$work/oracle"
  UV_CONSTRAINT=$work/oracle environment .venv-sweeps 'sweeps==0.3.0' 'numpy==1.26.4' 'scipy==1.15.3' &&
    export HPO_SWEEPS_PYTHON="$PWD/.venv-sweeps/bin/python"
}

types_checked() {
  local code=0
  wait "$types" || code=$?
  cat "$work/mypy"
  return "$code"
}

shell_scripts() {
  if ! command -v shellcheck >/dev/null; then
    echo "left out: shellcheck is not here"
    return 0
  fi
  find . -path './.*' -prune -o -name '*.sh' -print0 | xargs -0 shellcheck -x .ci/run
}

without='' packages=(-e '.[dev,mutants]')
must "system packages" system_packages
must "installer" installer
must "versions" choose_versions
home=.venv-test-$versions-${interpreter//\//_}
[ "$home" != .venv-test-locked- ] || home=.venv-test
must "environment $home" environment "$home" "${packages[@]}"
export PATH="$PWD/$home/bin:$PATH" # trials start `python` by name

pytest=(python -m pytest ${HPO_CORES:+-p tests.bench.cores}) # with HPO_CORES, a table of what each file costs
fast=("${pytest[@]}" -n 2 -m "not process and not ray and not wandb and not oracle and not slurm and not browser$without"
  --ignore=tests/oracle --ignore=tests/tune --ignore=tests/browser) # importing these costs more than all fast tests
if [ "$versions" = oldest ]; then
  stage "fast tests" "${fast[@]}"
  stage "a run of each engine" "${pytest[@]}" tests/engine/test_runs.py -k both_engines
  [ ${#failed[@]} -eq 0 ] || exit 1
  exit 0
fi

must "environment .venv-sweeps" oracle
stage "ruff check" ruff check
stage "ruff format" ruff format --check
mypy >"$work/mypy" 2>&1 & # takes one core for a minute
types=$!
stage "shellcheck" shell_scripts
stage "fast tests" "${fast[@]}"
stage "mypy" types_checked

# pytest comes last, so that its own summary closes the output.
if [ ${#failed[@]} -gt 0 ]; then
  printf '\nfailed so far: %s\n' "$(IFS=,; echo "${failed[*]}")"
fi
printf '\n== slow tests\n'
slow="process or ray or wandb"
if [ -n "${HPO_SWEEPS_PYTHON:-}" ]; then slow+=" or oracle"; fi
if command -v chromium >/dev/null; then slow+=" or browser"; else echo "left out: chromium is not here"; fi
if [ "$(id -u)" -eq 0 ]; then slow+=" or slurm"; else echo "left out: only root can make the nodes of a Slurm"; fi
# One worker has the Slurm lab, which comes first and mostly waits; the others take a file at a time.
"${pytest[@]}" -n 3 --dist loadfile --no-loadscope-reorder --durations=25 -m "($slow)$without" || failed+=("slow tests")
[ ${#failed[@]} -eq 0 ]
