// Throw-away certificates: an authority, and what it signs.

import { webcrypto } from "node:crypto";

import "reflect-metadata";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);
const KIND = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

const keys = async () => {
  const pair = await webcrypto.subtle.generateKey(KIND, true, ["sign", "verify"]);
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", pair.privateKey)).toString("base64");
  return { pair, key: `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, "$1\n").trim()}\n-----END PRIVATE KEY-----\n` };
};
const times = () => ({ notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) });
let serial = 1;
const next = () => (serial++).toString(16).padStart(8, "0");

/** A root that signs. */
export async function authority(name) {
  const { pair, key } = await keys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: next(), name: `CN=${name}`, ...times(), keys: pair, signingAlgorithm: KIND,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)],
  });
  return { cert, key, pair };
}

/** A certificate of these DNS names. */
export async function issue(by, name, dns) {
  const { pair, key } = await keys();
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: next(), subject: `CN=${name}`, issuer: by.cert.subject, ...times(),
    publicKey: pair.publicKey, signingKey: by.pair.privateKey, signingAlgorithm: KIND,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(dns.map((value) => ({ type: "dns", value }))),
    ],
  });
  return { cert, key, pair };
}

/** Certificate and key as TLS libraries take them. */
export const pem = ({ cert, key }) => ({ cert: `${cert.toString("pem")}\n`, key });
