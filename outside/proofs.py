"""What an application shows of itself in FAPI 2.0: a client assertion (RFC 7523) in the form, and a DPoP proof (RFC 9449) or a
certificate (RFC 8705) beside each token. Made anew for each request, since a bank takes none of them twice."""

import base64
import hashlib
import json
import os
import secrets
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# A bank takes an assertion that ends within a minute.
ASSERTION_S = 50
SECRET = "Basic " + base64.b64encode(b"amana:sandbox-secret").decode()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A private key on P-256."""

    def __init__(self, private):
        self.private = private
        numbers = private.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}

    @classmethod
    def of_file(cls, file):
        with open(file, "rb") as pem:
            return cls(serialization.load_pem_private_key(pem.read(), None))

    def jwt(self, header, claims):
        """A JWS in its compact form (RFC 7515 section 7.1), ES256."""
        said = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "ES256", **header}, claims))
        r, s = utils.decode_dss_signature(self.private.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{said}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Secret:
    """An application with a secret and bearer tokens (the profile Green)."""

    # The headers beside a token of its.
    shown = ("Authorization",)

    def at_server(self, headers, body, *_):
        headers["Authorization"] = SECRET
        return body

    def at_api(self, headers, token, *_):
        headers["Authorization"] = f"Bearer {token}"

    def asked_again(self, headers):
        """Whether an answer only asks for another proof; it is the next one then."""
        return False


class Asserted(Secret):
    """An application with a key, whose tokens are bound to the certificate that its connection shows."""

    def __init__(self, file):
        self.key = Key.of_file(file)

    def at_server(self, headers, body, _method, _url, issuer):
        """The form with the application's assertion in the place of any other."""
        now = int(time.time())
        claims = {"iss": "amana", "sub": "amana", "aud": issuer, "iat": now, "exp": now + ASSERTION_S, "jti": secrets.token_urlsafe(16)}
        said = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.key.jwt({}, claims)}
        kept = [pair for pair in body.split("&") if pair and not pair.startswith("client_assertion")]
        return "&".join([*kept, urllib.parse.urlencode(said)])


class Proved(Asserted):
    """An application with a key, whose tokens are bound to another one."""

    shown = ("Authorization", "DPoP")

    def __init__(self, file):
        super().__init__(file)
        self.own = Key(ec.generate_private_key(ec.SECP256R1()))
        self.nonce = None

    def proof(self, method, url, token=None):
        claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url.split("?")[0].split("#")[0], "iat": int(time.time())}
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        if self.nonce is not None:
            claims["nonce"] = self.nonce
        return self.own.jwt({"typ": "dpop+jwt", "jwk": self.own.jwk}, claims)

    def at_server(self, headers, body, method, url, issuer):
        headers["DPoP"] = self.proof(method, url)
        return super().at_server(headers, body, method, url, issuer)

    def at_api(self, headers, token, method, url):
        headers["Authorization"] = f"DPoP {token}"
        headers["DPoP"] = self.proof(method, url, token)

    def asked_again(self, headers):
        # RFC 9449 sections 8 and 9: the nonce comes with the answer that asks for it.
        given = headers.get("DPoP-Nonce")
        self.nonce = given or self.nonce
        return given is not None


def application():
    """The application that the run is for."""
    shown, file = os.environ["SANDBOX_APPLICATION"], os.environ.get("SANDBOX_KEY")
    return {"secret": Secret, "dpop": lambda: Proved(file), "mtls": lambda: Asserted(file)}[shown]()
