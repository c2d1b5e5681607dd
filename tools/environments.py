"""What tools.colab and tools.matrix share: commands run in another environment, and its test reports."""

import subprocess
import xml.etree.ElementTree as ET


def call(*command, **options):
    """Run a command and return what it printed; raise RuntimeError with its last lines if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[:5]))} ... failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def installed(python):
    """Return {package: version} of an environment, named by its interpreter."""
    lines = call(python, "-m", "pip", "list", "--format=freeze").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def cases(report):
    """Yield each test case of a JUnit report (its text) with the failures and errors in it."""
    for case in ET.fromstring(report).iter("testcase"):
        yield case, [*case.iter("failure"), *case.iter("error")]
