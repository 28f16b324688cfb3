"""What schemathesis cannot know by itself: who the application is, how a customer signs in and allows, and that a fault
that was switched on must be switched off again."""

import hashlib
import html
import http.cookiejar
import json
import os
import re
import secrets
import ssl
import urllib.error
import urllib.parse
import urllib.request

import requests
import schemathesis

from proofs import application, b64

BASE = os.environ["SANDBOX_BANK"]
APPLICATION = application()
CALLBACK = "http://127.0.0.1:7600/link/callback"
CLUSTERS = [
    "accountbasic", "accountdetailed", "balances", "bills", "transactions", "statements", "customercontact", "customerpersonal",
    "paymentsupport", "termsconditions", "images", "rewards",
]
SCOPE = "openid offline_access " + " ".join(f"fdx:{name}:read" for name in CLUSTERS)
CALL_S = 20


def connection():
    """What our own requests go over: with the application's certificate where it has one."""
    context = ssl.create_default_context(cafile=os.environ.get("SANDBOX_AUTHORITY"))
    if "SANDBOX_CERTIFICATE" in os.environ:
        context.load_cert_chain(os.environ["SANDBOX_CERTIFICATE"], os.environ["SANDBOX_CERTIFICATE_KEY"])
    return urllib.request.HTTPSHandler(context=context)


HTTPS = connection()


def open_plain(request):
    return urllib.request.build_opener(HTTPS).open(request, timeout=CALL_S)


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the browser's last one leads to an application that does not run."""

    def redirect_request(self, *_):
        return None


class Browser:
    """A customer's browser, without scripts."""

    def __init__(self):
        self.opener = urllib.request.build_opener(HTTPS, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), Stay)

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


def issuer_of(bank):
    with open_plain(f"{BASE}/{bank}/.well-known/openid-configuration") as answer:
        return json.load(answer)["issuer"]


def call_server(bank, path, pairs):
    """A request of the application to the authorization server."""
    url, body = f"{BASE}/{bank}/{path}", urllib.parse.urlencode(pairs)
    for last in (False, True):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        proved = APPLICATION.at_server(headers, body, "POST", url, ISSUERS[bank])
        try:
            with open_plain(urllib.request.Request(url, proved.encode(), headers)) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as answer:
            if last or not APPLICATION.asked_again(answer.headers):
                raise


def customer_token(bank):
    """A customer of this bank allows everything; gives the access token."""
    verifier = secrets.token_urlsafe(48)
    challenge = b64(hashlib.sha256(verifier.encode()).digest())
    asked = {"response_type": "code", "client_id": "amana", "redirect_uri": CALLBACK, "scope": SCOPE}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256", "state": "s"}
    pushed = call_server(bank, "par", asked)
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
    return call_server(bank, "token", pairs)["access_token"]


def own_token(bank):
    """A token of the application's own."""
    pairs = {"grant_type": "client_credentials", "scope": "fdx:notifications:subscribe"}
    return call_server(bank, "token", pairs)["access_token"]


def institutions():
    with open_plain(f"{BASE}/openapi.json") as answer:
        return json.load(answer)["components"]["parameters"]["Bank"]["schema"]["enum"]


BANKS = institutions()
ISSUERS = {bank: issuer_of(bank) for bank in BANKS}


def bank_of(request):
    """The institution of a request; an invented one has no customers, so its requests carry another's token."""
    bank = urllib.parse.urlsplit(request.url).path.split("/")[1]
    return bank if bank in BANKS else BANKS[0]


class Shown(requests.auth.AuthBase):
    """Puts on each request what shows who sends it. Where an answer asks for other proofs, they are sent, once."""

    def __call__(self, request):
        if self.left_out(request):
            return request
        self.show(request, bank_of(request))
        request.register_hook("response", self.again)
        return request

    def left_out(self, request):
        return False

    def again(self, response, **options):
        bank = bank_of(response.request)
        if not self.asked_again(response, bank):
            return response
        # The connection is needed for the other one.
        response.content, response.close()
        request = response.request.copy()
        self.show(request, bank)
        request.prepare_content_length(request.body)
        answer = response.connection.send(request, **options)
        answer.request = request
        return answer


class AtApi(Shown):
    """The data API: a token. Another one where the consent behind it was ended by a test."""

    def __init__(self, fetch):
        self.fetch = fetch
        self.tokens = {}

    def left_out(self, request):
        # An invented value stands where each belongs; where none does, that is what the test is about.
        return any(name not in request.headers for name in APPLICATION.shown)

    def show(self, request, bank):
        if bank not in self.tokens:
            self.tokens[bank] = self.fetch(bank)
        APPLICATION.at_api(request.headers, self.tokens[bank], request.method, request.url)

    def asked_again(self, response, bank):
        if response.status_code != 401:
            return False
        if not APPLICATION.asked_again(response.headers):
            self.tokens.pop(bank, None)
        return True


class AtServer(Shown):
    """The authorization server: the application itself."""

    def show(self, request, bank):
        sent = request.body.decode("latin-1") if isinstance(request.body, bytes) else request.body or ""
        proved = APPLICATION.at_server(request.headers, sent, request.method, request.url, ISSUERS[bank])
        # What is not a form has no place for an assertion.
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            request.body = proved.encode("latin-1")

    def asked_again(self, response, _):
        return response.status_code == 400 and APPLICATION.asked_again(response.headers)


# Notifications and consents are the application's, the rest of the data API a customer's.
OWN = r"/fdx/v6/(notification|consents)"
schemathesis.auth.set_from_requests(AtApi(own_token)).apply_to(path_regex=OWN)
schemathesis.auth.set_from_requests(AtApi(customer_token)).apply_to(path_regex=r"/fdx/v6/").skip_for(path_regex=OWN)
schemathesis.auth.set_from_requests(AtServer()).apply_to(path_regex=r"/(par|token|revoke|introspect)$")


@schemathesis.hook
def after_call(context, case, response):
    """A fault that a test switched on would be the answer to the tests after it."""
    if response.request.path_url.endswith("/control/fault") and response.status_code == 200:
        body, headers = b'{"kind":"none"}', {"content-type": "application/json"}
        request = urllib.request.Request(response.request.url, body, headers, method="POST")
        open_plain(request).close()
