"""What schemathesis cannot know by itself: who the application is, how a customer signs in and allows, and that a fault
that was switched on must be switched off again."""

import base64
import hashlib
import html
import http.cookiejar
import json
import os
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request

import schemathesis

BASE = os.environ["SANDBOX_BANK"]
CLIENT = "Basic " + base64.b64encode(b"amana:sandbox-secret").decode()
CALLBACK = "http://127.0.0.1:7600/link/callback"
CLUSTERS = [
    "accountbasic", "accountdetailed", "balances", "bills", "transactions", "statements", "customercontact", "customerpersonal",
    "paymentsupport", "termsconditions",
]
SCOPE = "openid offline_access " + " ".join(f"fdx:{name}:read" for name in CLUSTERS)
CALL_S = 20


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the browser's last one leads to an application that does not run."""

    def redirect_request(self, *_):
        return None


class Browser:
    """A customer's browser, without scripts."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), Stay)

    def call(self, url, pairs=None, headers=None):
        """Gives the address that the answer leads to, or the page."""
        data = None if pairs is None else urllib.parse.urlencode(pairs).encode()
        request = urllib.request.Request(url, data, headers or {})
        try:
            with self.opener.open(request, timeout=CALL_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as answer:
            if answer.code != 303:
                raise
            return urllib.parse.urljoin(url, answer.headers["location"])

    def form(self, page):
        """Where a page's form goes, and its inputs."""
        action = re.search(r'<form[^>]*\baction="([^"]*)"', page).group(1)
        inputs = []
        for tag in re.findall(r"<input\b[^>]*>", page):
            name, value = re.search(r'\bname="([^"]*)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
            if name:
                inputs.append((name.group(1), html.unescape(value.group(1)) if value else ""))
        return html.unescape(action), inputs


def call_json(url, pairs, headers):
    return json.loads(Browser().call(url, pairs, headers))


def customer_token(bank):
    """A customer of this bank allows everything; gives the access token."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": "amana", "redirect_uri": CALLBACK, "scope": SCOPE}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256", "state": "s"}
    pushed = call_json(f"{BASE}/{bank}/par", asked, {"authorization": CLIENT})
    browser = Browser()
    where = {"client_id": "amana", "request_uri": pushed["request_uri"]}
    at = browser.call(f"{BASE}/{bank}/authorize?{urllib.parse.urlencode(where)}")
    page = browser.call(at)
    user = re.search(r'<code dir="ltr">([a-z]+)</code>', page).group(1)
    action, inputs = browser.form(page)
    kept = [(name, value) for name, value in inputs if name == "form_token"]
    at = browser.call(urllib.parse.urljoin(at, action), [*kept, ("username", user), ("password", "demo")])
    page = browser.call(at)
    action, inputs = browser.form(page)
    chosen = [(name, value) for name, value in inputs if name in ("form_token", "account")]
    back = browser.call(urllib.parse.urljoin(at, action), [*chosen, ("decision", "allow")])
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
    pairs = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    return call_json(f"{BASE}/{bank}/token", pairs, {"authorization": CLIENT})


def bank_of(case):
    """The institution of a request; an invented one has no customers, so its requests carry another's token."""
    bank = (case.path_parameters or {}).get("bank")
    return bank if bank in BANKS else BANKS[0]


def institutions():
    with urllib.request.urlopen(f"{BASE}/openapi.json", timeout=CALL_S) as answer:
        return json.load(answer)["components"]["parameters"]["Bank"]["schema"]["enum"]


BANKS = institutions()


OWN = r"/fdx/v6/(notification|consents)"


@schemathesis.auth(cache_by_key=lambda case, _: bank_of(case)).apply_to(path_regex=OWN)
class Subscriber:
    """Notifications and consents: a token of the application's own."""

    def get(self, case, _):
        pairs = {"grant_type": "client_credentials", "scope": "fdx:notifications:subscribe"}
        return call_json(f"{BASE}/{bank_of(case)}/token", pairs, {"authorization": CLIENT})["access_token"]

    def set(self, case, token, _):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.auth(cache_by_key=lambda case, _: bank_of(case)).apply_to(path_regex=r"/fdx/v6/").skip_for(path_regex=OWN)
class Customer:
    """The data API: a token that a customer's consent stands behind. A 401 (the consent was ended by a test) fetches another."""

    def get(self, case, _):
        return customer_token(bank_of(case))["access_token"]

    def set(self, case, token, _):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.auth().apply_to(path_regex=r"/(par|token|revoke|introspect)$")
class Application:
    """The authorization server: the application's own secret."""

    def get(self, *_):
        return CLIENT

    def set(self, case, value, _):
        case.headers = {**(case.headers or {}), "Authorization": value}


@schemathesis.hook
def after_call(context, case, response):
    """A fault that a test switched on would be the answer to the tests after it."""
    if response.request.path_url.endswith("/control/fault") and response.status_code == 200:
        body, headers = b'{"kind":"none"}', {"content-type": "application/json"}
        request = urllib.request.Request(response.request.url, body, headers, method="POST")
        urllib.request.urlopen(request, timeout=CALL_S).close()
