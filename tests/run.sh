#!/usr/bin/env bash
# Installs what the tests need, then runs them all: bash tests/run.sh
#
# System packages come by apt where this runs as root; Python packages go into .venv-test and .venv-sweeps in
# this folder. Later runs install again only when what is to be installed, or Python, has changed.
# Exit code 0: every stage passed; 1: some stage failed, or something is missing that only you can install.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
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

# environment FOLDER PACKAGE…: a virtual environment with these packages, made anew only when they changed.
environment() {
  local folder=$1 stamp
  shift
  stamp=$({ sed '/^\[tool\.ruff\]/,$d' pyproject.toml && python3 --version && pwd && echo "$@"; } | sha256sum)
  if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && "$folder/bin/python" -c '' 2>/dev/null; then
    return 0
  fi
  python3 -m venv --clear "$folder" && "$folder/bin/pip" install -qq "$@" && echo "$stamp" >"$folder/stamp"
}

# sweeps 0.3.0 defines what W&B's sweeps mean; it needs a numpy that has no build for Python 3.13 and later.
oracle() {
  if python3 -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
    echo "left out: numpy 1 has no build for $(python3 --version); the comparisons with W&B are skipped"
    return 0
  fi
  environment .venv-sweeps 'sweeps==0.3.0' 'numpy<2' && export HPO_SWEEPS_PYTHON="$PWD/.venv-sweeps/bin/python"
}

shell_scripts() {
  if ! command -v shellcheck >/dev/null; then
    echo "left out: shellcheck is not here"
    return 0
  fi
  find . -path './.*' -prune -o -name '*.sh' -print0 | xargs -0 shellcheck -x .ci/run
}

must "system packages" system_packages
must "environment .venv-test" environment .venv-test -e '.[dev]' wandb
must "environment .venv-sweeps" oracle
export PATH="$PWD/.venv-test/bin:$PATH" # trials start `python` by name

stage "ruff check" ruff check
stage "ruff format" ruff format --check
stage "mypy" mypy
stage "shellcheck" shell_scripts
stage "fast tests" python -m pytest -n 2 -m "not process and not ray and not wandb and not oracle and not slurm and not browser" \
  --ignore=tests/oracle --ignore=tests/tune --ignore=tests/browser # importing these costs more than all fast tests

# pytest comes last, so that its own summary closes the output.
if [ ${#failed[@]} -gt 0 ]; then
  printf '\nfailed so far: %s\n' "$(IFS=,; echo "${failed[*]}")"
fi
printf '\n== slow tests\n'
slow="process or ray or wandb or oracle"
if command -v chromium >/dev/null; then slow+=" or browser"; else echo "left out: chromium is not here"; fi
if [ "$(id -u)" -eq 0 ]; then slow+=" or slurm"; else echo "left out: only root can make the nodes of a Slurm"; fi
# Three files at a time, for those of the Slurm cluster, which come first, mostly wait.
python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25 -m "$slow" || failed+=("slow tests")
[ ${#failed[@]} -eq 0 ]
