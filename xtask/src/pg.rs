//! A throw-away PostgreSQL cluster: made in a temporary folder, on loopback with a random port and password, gone at
//! the end. It keeps `fsync` on, because the store's promises are about what survives a crash.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::limits;
use crate::machine::{self, Need};
use crate::run::seconds;
use crate::stop::Stop;

/// The superuser of the cluster, and the name in its URL.
const ROLE: &str = "amana";
/// The database in the URL; tests make their own databases or schemas from there.
const DATABASE: &str = "postgres";

/// What a machine needs for [`Cluster::start`].
pub(crate) const NEED: Need = Need {
    what: "a PostgreSQL server (`initdb`, `postgres`, `pg_ctl`)",
    packages: &["postgresql"],
    present: || programs().is_some(),
};

/// The folder that holds the server's programs: first on `PATH`, then Debian's versioned folders, newest first.
fn programs() -> Option<PathBuf> {
    let complete = |folder: &Path| {
        ["initdb", "postgres", "pg_ctl"].iter().all(|name| machine::is_program(&folder.join(name)))
    };
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(path) = crate::env("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    folders.push(PathBuf::from("/usr/local/bin"));
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    folders.into_iter().find(|folder| complete(folder))
}

/// A running cluster. Dropping it stops the server and removes the folder.
pub(crate) struct Cluster {
    child: Child,
    programs: PathBuf,
    account: Option<(u32, u32)>,
    folder: Option<tempfile::TempDir>,
    url: String,
}

impl Cluster {
    /// Makes and starts a cluster, and waits until it takes connections.
    ///
    /// # Errors
    /// When the programs are missing, when `initdb` fails, or when the server is not ready in time: the message holds
    /// the end of the server's own log.
    pub(crate) fn start(stop: &Stop) -> Result<Self> {
        let began = Instant::now();
        let programs = programs().context("the PostgreSQL programs were here a moment ago and are gone")?;
        let account = account()?;
        let folder = tempfile::Builder::new()
            .prefix("amana-pg-")
            .tempdir()
            .context("cannot make a temporary folder for PostgreSQL")?;
        let password = password()?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, &password).context("cannot write in the temporary folder")?;
        if let Some((user, group)) = account {
            for path in [folder.path(), &password_file] {
                std::os::unix::fs::chown(path, Some(user), Some(group))
                    .context("cannot hand over the folder")?;
            }
        }
        let data = folder.path().join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&password_file).args([
            "--username",
            ROLE,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]);
        let made = as_account(&mut initdb, account, folder.path()).output().context("cannot run `initdb`")?;
        if !made.status.success() {
            bail!("`initdb` failed:\n{}", String::from_utf8_lossy(&made.stderr));
        }

        let mut tries = 0;
        loop {
            tries += 1;
            let port = free_port()?;
            let mut child = serve(&programs, account, folder.path(), port)?;
            match wait_ready(&mut child, &data, stop) {
                Ok(()) => {
                    let url = format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}");
                    println!("    ok: PostgreSQL on 127.0.0.1:{port} ({})", seconds(began.elapsed()));
                    return Ok(Self { child, programs, account, folder: Some(folder), url });
                }
                Err(reason) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
                    if !log.contains("could not bind") || tries >= limits::PG_PORT_ATTEMPTS_MAX {
                        return Err(reason.context(format!("PostgreSQL did not start; its log:\n{log}")));
                    }
                }
            }
        }
    }

    /// `postgres://role:password@127.0.0.1:port/database`: a superuser, good until the cluster stops.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The process id of the server's first process, for whoever wants to look.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// True when the server ended by itself.
    pub(crate) fn gone(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Stops the server and leaves its folder (data and log) for inspection; returns the folder.
    pub(crate) fn stop_and_keep(mut self) -> Option<PathBuf> {
        self.stop_server();
        self.folder.take().map(tempfile::TempDir::keep)
    }

    fn stop_server(&mut self) {
        let Some(folder) = &self.folder else { return };
        for mode in ["fast", "immediate"] {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            let mut pg_ctl = Command::new(self.programs.join("pg_ctl"));
            pg_ctl.arg("stop").arg("--pgdata").arg(folder.path().join("data"));
            pg_ctl.args(["--mode", mode, "--wait", "--silent", "--timeout"]);
            pg_ctl.arg(limits::PG_STOP_WAIT_SECONDS.to_string());
            pg_ctl.stdout(Stdio::null()).stderr(Stdio::null());
            let _ = as_account(&mut pg_ctl, self.account, folder.path()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_server();
    }
}

/// The account that the server runs as when this process is root: PostgreSQL refuses to run as root.
fn account() -> Result<Option<(u32, u32)>> {
    if machine::user_id()? != 0 {
        return Ok(None);
    }
    ["postgres", "nobody"].iter().find_map(|name| machine::account(name)).map(Some).context(
        "PostgreSQL does not run as root, and this machine has neither the account `postgres` nor `nobody`; \
         add one with `adduser --system postgres`",
    )
}

/// `command`, run as the server's account (which also drops root's further groups), in a folder it may enter, in a
/// process group of its own so that Ctrl-C in the terminal does not reach it first.
fn as_account<'a>(command: &'a mut Command, account: Option<(u32, u32)>, folder: &Path) -> &'a mut Command {
    command.current_dir(folder).stdin(Stdio::null()).process_group(0);
    // Variables of the person's own sessions would redirect the programs to another cluster.
    for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS", "PGSERVICE"]
    {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}

fn serve(programs: &Path, account: Option<(u32, u32)>, folder: &Path, port: u16) -> Result<Child> {
    let log = std::fs::File::create(folder.join("log")).context("cannot write the server's log")?;
    let also = log.try_clone().context("cannot write the server's log")?;
    let mut server = Command::new(programs.join("postgres"));
    server.arg("-D").arg(folder.join("data"));
    for setting in [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        format!("max_connections={}", limits::PG_CONNECTIONS_MAX),
        "shared_buffers=64MB".to_owned(),
        "fsync=on".to_owned(),
        "full_page_writes=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "timezone=UTC".to_owned(),
    ] {
        server.arg("-c").arg(setting);
    }
    server.stdout(log).stderr(also);
    as_account(&mut server, account, folder).spawn().context("cannot start `postgres`")
}

/// Waits for the line in `postmaster.pid` that says `ready`, which is what `pg_ctl` looks at too.
fn wait_ready(child: &mut Child, data: &Path, stop: &Stop) -> Result<()> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for `postgres`")? {
            bail!("`postgres` ended with {status}");
        }
        let state = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
            return Ok(());
        }
        if stop.asked() {
            bail!("stopped on request");
        }
        if began.elapsed() > limits::PG_START_WAIT {
            bail!("not ready after {}", seconds(limits::PG_START_WAIT));
        }
        std::thread::sleep(limits::POLL);
    }
}

/// A port that is free now. Another process may take it before the server does: the caller tries again.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on the loopback address")?;
    Ok(listener.local_addr().context("no address for the free port")?.port())
}

/// A random password, so that other users of this machine cannot use the cluster.
fn password() -> Result<String> {
    let mut bytes = [0_u8; limits::PG_PASSWORD_BYTES];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
