//! `amana audit key`.

use crate::cli::Configured;
use crate::{config, gateway, output};
use std::process::ExitCode;

pub(super) fn key(configured: &Configured) -> anyhow::Result<ExitCode> {
    let settings = config::load(&configured.config, config::variables())?;
    let keyring = crate::keys::keyring(&settings, false)?;
    output::line(&gateway::log_signer(&settings, &keyring)?.verifier().to_string());
    Ok(ExitCode::SUCCESS)
}
