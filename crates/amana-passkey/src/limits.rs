//! Every bound of what a browser may bring.

/// The longest id of a credential, in bytes (§4, "Credential ID").
pub const CREDENTIAL_ID_BYTES_MAX: usize = 1_023;
/// The largest client data, in bytes. Browsers make about 200, and add members as the standard grows.
pub const CLIENT_DATA_BYTES_MAX: usize = 4 * 1024;
/// The largest authenticator data, in bytes: the longest id, the largest key, and extensions.
pub const AUTHENTICATOR_DATA_BYTES_MAX: usize = 4 * 1024;
/// The largest attestation object, in bytes: authenticator data and one signature.
pub const ATTESTATION_BYTES_MAX: usize = 8 * 1024;
/// The longest signature, in bytes: RSA with the largest key.
pub const SIGNATURE_BYTES_MAX: usize = 512;
/// The sizes of an RSA modulus, in bytes: 2048 to 4096 bits.
pub const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// How deep CBOR may be nested: CTAP 2 allows four levels (§8), of a message in which ours is the second.
pub const CBOR_DEPTH_MAX: usize = 4;
