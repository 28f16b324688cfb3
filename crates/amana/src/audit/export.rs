//! `amana audit key`.

use crate::ambient::OsEntropy;
use crate::cli::Configured;
use crate::{config, gateway, output};
use anyhow::bail;
use std::process::ExitCode;

pub(super) fn key(configured: &Configured) -> anyhow::Result<ExitCode> {
    let settings = config::load(&configured.config, config::variables())?;
    let keys = crate::keys::keys(&settings, false)?;
    let Some(keyring) = keys.keyring(false, &OsEntropy)? else {
        bail!("there is no root key yet: `amana serve` makes it at the first start");
    };
    output::line(&gateway::log_signer(&settings, &keyring)?.verifier().to_string());
    Ok(ExitCode::SUCCESS)
}
