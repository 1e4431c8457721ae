#!/bin/sh
# Print the path of a working Python >= 3.12 that can create a virtual environment.
# The shim of a version manager can exist and fail, so the script runs every candidate and searches installed versions.

works() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

for name in "${PYTHON:-}" python3.13 python3.12 python3.14 python3 python; do
    [ -n "$name" ] && path=$(command -v "$name") && works "$path" && echo "$path" && exit 0
done

for path in \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3 \
    "${XDG_DATA_HOME:-$HOME/.local/share}"/uv/python/cpython-3.1[2-9]*/bin/python3 \
    "$HOME"/.asdf/installs/python/3.1[2-9]*/bin/python3 \
    "${XDG_DATA_HOME:-$HOME/.local/share}"/mise/installs/python/3.1[2-9]*/bin/python3 \
    /opt/homebrew/bin/python3.1[2-9] /usr/local/bin/python3.1[2-9] \
    "$HOME"/*conda3/bin/python3 "$HOME"/*forge3/bin/python3 "$HOME"/*conda3/envs/*/bin/python3 /opt/conda/bin/python3; do
    works "$path" && echo "$path" && exit 0
done

echo "No working Python >= 3.12 found. Install one, such as python3.12 with its venv module, or run: PYTHON=/path/to/python3 make ..." >&2
exit 1
