"""schemathesis (PyPI) on the sandbox bank's own OpenAPI document, with all its checks. Prints `ok schemathesis what` or
`not ok schemathesis what: why`, a line for each operation."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request
import xml.etree.ElementTree as ElementTree

START_S = 60
# The count in schemathesis.toml ends the run (with a `--max-time` it would go round until that is over). A run that hangs
# ends here; a minute is usual, and a busy machine may be several times as slow.
END_S = 540


def report(what, problem=None):
    print(f"ok schemathesis {what}" if problem is None else f"not ok schemathesis {what}: {' '.join(problem.split())[:900]}", flush=True)


def start(folder):
    """Starts a bank for an application with a secret; gives the process and its address."""
    binary = os.environ.get("AMANA_BIN", "../target/debug/amana")
    words = ["sandbox", "bank", "--port", "0", "--data-dir", os.path.join(folder, "bank"), "--security", "green"]
    process = subprocess.Popen([binary, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    late = threading.Timer(START_S, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    return process, json.loads(line)["bank"]


def described(base):
    """What the document describes, as schemathesis names it."""
    with urllib.request.urlopen(f"{base}/openapi.json", timeout=START_S) as answer:
        paths = json.load(answer)["paths"]
    named = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    # schemathesis leaves out the address from which it read the document.
    return named - {"GET /openapi.json"}


def run(base, folder):
    """Runs the command; gives the number of operations that failed."""
    junit = os.path.join(folder, "junit.xml")
    words = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", "schemathesis.toml", "run", f"{base}/openapi.json"]
    words += ["--report", "junit", "--report-junit-path", junit]
    env = {**os.environ, "SANDBOX_BANK": base, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(words, env=env, capture_output=True, text=True, timeout=END_S)
    failures = 0
    operations = 0
    tried = set()
    if os.path.exists(junit):
        for case in ElementTree.parse(junit).getroot().iter("testcase"):
            operations += 1
            tried.add(case.get("name"))
            bad = [node for node in case if node.tag in ("failure", "error")]
            failures += bool(bad)
            why = " | ".join((node.text or node.get("message") or "no reason given") for node in bad)
            report(case.get("name"), why if bad else None)
    # What is not a failure of one operation (the document was not read, say) is one of the run.
    missing = sorted(described(base) - tried)
    report("tried every operation", f"not tried: {', '.join(missing)}" if missing else None)
    whole = ended.returncode == 0 and failures == 0 and operations > 0 and not missing
    report("ran to its end without a failure", None if whole else f"exit code {ended.returncode}: {ended.stdout[-600:]} {ended.stderr[-300:]}")
    if not whole or os.environ.get("AMANA_SCHEMATHESIS_SHOW"):
        print("\n".join(f"# {line}" for line in ended.stdout.splitlines()), flush=True)
    return 0 if whole else 1


def main():
    with tempfile.TemporaryDirectory(prefix="amana-outside-") as folder:
        process, base = start(folder)
        try:
            return run(base, folder)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    sys.exit(main())
