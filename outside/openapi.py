"""schemathesis (PyPI) on the sandbox bank's own OpenAPI document, with all its checks: in the profile Green, and in Blue
(FAPI 2.0) with tokens bound by DPoP and by mutual TLS. Prints `ok schemathesis what` or `not ok schemathesis what: why`, a
line for each operation."""

import json
import os
import re
import ssl
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

# The keys and certificates of the connector's tests, for tests only.
TLS = os.path.join("..", "crates", "amana-bank", "tests", "it", "keys", "tls")
AUTHORITY, CERTIFICATE, CERTIFICATE_KEY = (os.path.join(TLS, name) for name in ("ca.pem", "client.pem", "client.key.pem"))
SERVER = ["--tls-port", "0", "--tls-certificate", os.path.join(TLS, "server.pem"), "--tls-key", os.path.join(TLS, "server.key.pem")]

# What each run starts the bank with. The pages and the till are the same under each; Blue tries what is not.
RUNS = {
    "secret": ["--security", "green"],
    "dpop": ["--security", "blue"],
    "mtls": ["--security", "blue", "--bind", "mtls", *SERVER, "--client-authorities", AUTHORITY],
}
PROTECTED = r"/fdx/v6/|/(par|token|revoke|introspect)$|/\.well-known/"


def report(run, what, problem=None):
    named = f"schemathesis, {run} {what}"
    print(f"ok {named}" if problem is None else f"not ok {named}: {' '.join(problem.split())[:900]}", flush=True)


def start(shown, folder):
    """Starts a bank for an application that shows itself so; gives the process and what it said."""
    binary = os.environ.get("AMANA_BIN", "../target/debug/amana")
    words = ["sandbox", "bank", "--port", "0", "--data-dir", os.path.join(folder, "bank"), *RUNS[shown]]
    process = subprocess.Popen([binary, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    late = threading.Timer(START_S, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    return process, json.loads(line)


def address(shown, said):
    """Where the application calls: the address for certificates is in the bank's metadata."""
    if shown != "mtls":
        return said["bank"]
    with urllib.request.urlopen(f"{said['institutions'][0]['issuer']}/.well-known/openid-configuration", timeout=START_S) as answer:
        endpoint = json.load(answer)["mtls_endpoint_aliases"]["token_endpoint"]
    return "/".join(endpoint.split("/")[:3])


def described(shown, base):
    """What the document describes, as schemathesis names it."""
    context = ssl.create_default_context(cafile=AUTHORITY) if shown == "mtls" else None
    with urllib.request.urlopen(f"{base}/openapi.json", timeout=START_S, context=context) as answer:
        paths = json.load(answer)["paths"]
    named = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    if shown != "secret":
        return {one for one in named if re.search(PROTECTED, one)}
    # schemathesis leaves out the address from which it read the document.
    return named - {"GET /openapi.json"}


def run(shown, said, folder):
    """Runs the command; gives whether every operation was tried and none failed."""
    base = address(shown, said)
    junit = os.path.join(folder, "junit.xml")
    words = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", "schemathesis.toml", "run", f"{base}/openapi.json"]
    words += ["--report", "junit", "--report-junit-path", junit]
    env = {**os.environ, "SANDBOX_BANK": base, "SANDBOX_APPLICATION": shown, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
    if shown != "secret":
        words += ["--include-path-regex", PROTECTED]
        env["SANDBOX_KEY"] = said["client"]["private_key_file"]
    if shown == "mtls":
        words += ["--tls-verify", AUTHORITY, "--request-cert", CERTIFICATE, "--request-cert-key", CERTIFICATE_KEY]
        env |= {"SANDBOX_AUTHORITY": AUTHORITY, "SANDBOX_CERTIFICATE": CERTIFICATE, "SANDBOX_CERTIFICATE_KEY": CERTIFICATE_KEY}
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
            report(shown, case.get("name"), why if bad else None)
    # What is not a failure of one operation (the document was not read, say) is one of the run.
    missing = sorted(described(shown, base) - tried)
    report(shown, "tried every operation", f"not tried: {', '.join(missing)}" if missing else None)
    whole = ended.returncode == 0 and failures == 0 and operations > 0 and not missing
    report(shown, "ran to its end without a failure", None if whole else f"exit code {ended.returncode}: {ended.stdout[-600:]} {ended.stderr[-300:]}")
    if not whole or os.environ.get("AMANA_SCHEMATHESIS_SHOW"):
        print("\n".join(f"# {line}" for line in ended.stdout.splitlines()), flush=True)
    return whole


def main():
    """Runs all, or those that are named."""
    whole = []
    for shown in sys.argv[1:] or RUNS:
        with tempfile.TemporaryDirectory(prefix="amana-outside-") as folder:
            process, said = start(shown, folder)
            try:
                whole.append(run(shown, said, folder))
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
