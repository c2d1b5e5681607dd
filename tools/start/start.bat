@echo off
rem Sets up the lessons beside this file, the first time, and opens them. No network is needed.
cd /d "%~dp0"
if exist .venv\ready goto open
set PYTHON=
for %%v in (@PYTHONS@) do if not defined PYTHON py -%%v -c "" >nul 2>&1 && set PYTHON=py -%%v
if not defined PYTHON (
    echo This needs Python @PYTHONS@, which was not found. Install it and start this again.
    pause
    exit /b 1
)
echo Setting up, this once: one to three minutes.
%PYTHON% -m venv .venv || goto failed
.venv\Scripts\python -m pip install --quiet --no-compile --no-index --find-links wheels "sd-one-parameter[notebooks]" || goto failed
type nul > .venv\ready
:open
.venv\Scripts\python -m sdkit.lessons --language @LANGUAGE@ --lab %*
exit /b
:failed
echo That did not work. The lines above say why.
pause
exit /b 1
