#!/bin/sh
# Sets up the lessons beside this file, the first time, and opens them. No network is needed.
cd "$(dirname "$0")" || exit 1
for version in @PYTHONS@; do
    if command -v "python$version" >/dev/null; then python="python$version"; break; fi
done
if [ -z "$python" ] && [ ! -e .venv/ready ]; then
    echo "This needs Python @PYTHONS@, which was not found. Install it and start this again."
    exit 1
fi
if [ ! -e .venv/ready ]; then
    echo "Setting up, this once: one to three minutes."
    "$python" -m venv .venv &&
    .venv/bin/python -m pip install --quiet --no-compile --no-index --find-links wheels "sd-one-parameter[notebooks]" &&
    touch .venv/ready || exit 1
fi
exec .venv/bin/python -m sdkit.lessons --language @LANGUAGE@ --lab "$@"
