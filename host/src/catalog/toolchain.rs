//! Which Rust toolchain of this machine can compile a plugin, and how it has to be called.
//!
//! An ordinary machine has rustup, which adds the target. Where that cannot be fetched, a toolchain that has the
//! compiler's sources builds the standard library itself, as Debian's rustc-web, cargo-web and rust-web-src do. Neither
//! touches the toolchain that builds the host.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What every plugin is compiled for: no operating system, hence no WASI.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Where a distribution's compiler stands, whatever rustup puts before it in the search path.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
const SYSTEM_CARGO: &str = "/usr/bin/cargo";

/// The build's environment variables that concern the host, or another toolchain, and would spoil a plugin's build.
/// Cargo and rustup set most of them for what they run, and the build tool may itself be run by them.
const HOST_ONLY: &[&str] = &[
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
];

/// What names a toolchain. A toolchain found in the search path may keep it: that is how its user chose it.
const TOOLCHAIN_CHOICE: &[&str] = &["CARGO", "RUSTC", "RUSTC_WRAPPER", "RUSTDOC", "RUSTUP_TOOLCHAIN"];

/// A way to compile for [`TARGET`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The target's standard library is installed.
    Ready,
    /// The standard library is built along with the plugin, from the compiler's sources.
    BuildStd { cargo: PathBuf, rustc: PathBuf, linker: PathBuf },
}

/// No toolchain here can compile a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}: run `rustup target add {TARGET}`, or on Debian \
     `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-22`"
)]
pub struct Missing {
    what: String,
}

/// The toolchain to compile plugins in `dir` with; a `rust-toolchain.toml` there has its say.
pub fn find_toolchain(dir: &Path) -> Result<Toolchain, Missing> {
    find(dir, Path::new("rustc"), Path::new(SYSTEM_RUSTC), &search_path())
}

fn find(dir: &Path, ordinary: &Path, system: &Path, path: &[PathBuf]) -> Result<Toolchain, Missing> {
    if has_target(dir, ordinary) {
        return Ok(Toolchain::Ready);
    }
    if !has_sources(dir, system) {
        return Err(Missing { what: format!("no Rust toolchain here can compile for {TARGET}") });
    }
    let linker = linker_for(dir, system, ordinary, path)
        .ok_or_else(|| Missing { what: format!("{} has no linker for {TARGET}", system.display()) })?;
    let cargo = system.with_file_name(Path::new(SYSTEM_CARGO).file_name().unwrap_or_default());
    if !cargo.is_file() {
        return Err(Missing { what: format!("{} has no cargo beside it", system.display()) });
    }
    Ok(Toolchain::BuildStd { cargo, rustc: system.to_owned(), linker })
}

impl Toolchain {
    /// `cargo`, in an environment that is the plugin's and not the host's.
    pub fn cargo(&self) -> Command {
        let mut command = match self {
            Self::Ready => clean(Path::new("cargo"), &[]),
            Self::BuildStd { cargo, rustc, .. } => {
                let mut command = clean(cargo, TOOLCHAIN_CHOICE);
                command.env("RUSTC", rustc);
                command
            }
        };
        command.stdin(Stdio::null());
        command
    }

    /// `cargo build` for [`TARGET`].
    pub fn cargo_build(&self) -> Command {
        let mut command = self.cargo();
        command.args(["build", "--target", TARGET]);
        if let Self::BuildStd { linker, .. } = self {
            // Building the standard library is an unstable option, which a released compiler takes only like this.
            command.env("RUSTC_BOOTSTRAP", "1").args(["-Z", "build-std=std,panic_abort"]);
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

fn clean(program: &Path, also: &[&str]) -> Command {
    let mut command = Command::new(program);
    for name in HOST_ONLY.iter().chain(also) {
        command.env_remove(name);
    }
    command
}

/// What `rustc` answers, without its line end; nothing if there is none, or if it refuses.
fn ask(dir: &Path, rustc: &Path, arguments: &[&str]) -> Option<String> {
    // The choice of a toolchain is the search path's; that of the system's compiler is its own path.
    let also = if rustc.is_absolute() { TOOLCHAIN_CHOICE } else { &[] };
    let output = clean(rustc, also).args(arguments).current_dir(dir).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The directory is named whether it is there or not.
fn has_target(dir: &Path, rustc: &Path) -> bool {
    let Some(libraries) = ask(dir, rustc, &["--print", "target-libdir", "--target", TARGET]) else { return false };
    let Ok(entries) = fs::read_dir(libraries) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn has_sources(dir: &Path, rustc: &Path) -> bool {
    let sysroot = ask(dir, rustc, &["--print", "sysroot"]).map(PathBuf::from);
    sysroot.is_some_and(|sysroot| sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file())
}

/// A linker for `rustc`'s output: the `wasm-ld` of its own LLVM, else rustup's `rust-lld`, else the newest `wasm-ld`.
fn linker_for(dir: &Path, rustc: &Path, ordinary: &Path, path: &[PathBuf]) -> Option<PathBuf> {
    let found = wasm_linkers(path);
    let version = ask(dir, rustc, &["-vV"]).unwrap_or_default();
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next()?.parse().ok());
    let own = found.iter().find(|(version, _)| llvm.is_some() && *version == llvm);
    let rust_lld = || {
        let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
        let sysroot = ask(dir, ordinary, &["--print", "sysroot"])?;
        Some(Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld")).filter(|linker| linker.is_file())
    };
    let newest = || found.iter().max_by_key(|(version, _)| *version).map(|(_, path)| path.clone());
    own.map(|(_, path)| path.clone()).or_else(rust_lld).or_else(newest)
}

/// Every `wasm-ld` and `wasm-ld-N` in the search path.
fn wasm_linkers(path: &[PathBuf]) -> Vec<(Option<u32>, PathBuf)> {
    let entries = path.iter().filter_map(|dir| fs::read_dir(dir).ok()).flat_map(|entries| entries.flatten());
    let linker = |name: &OsStr| -> Option<Option<u32>> {
        match name.to_str()?.strip_prefix("wasm-ld")? {
            "" => Some(None),
            version => version.strip_prefix('-')?.parse().ok().map(Some),
        }
    };
    entries.filter_map(|entry| Some((linker(&entry.file_name())?, entry.path()))).collect()
}

fn search_path() -> Vec<PathBuf> {
    let path: OsString = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A machine in a directory: compilers that answer what the test wants.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn file(self, name: &str, text: &str) -> Self {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            self
        }

        /// A compiler `<name>/bin/rustc` with its sysroot in `<name>`.
        fn rustc(self, name: &str) -> Self {
            let sysroot = self.path(name).display().to_string();
            let script = format!(
                "#!/bin/sh\ncase \"$*\" in\n*target-libdir*) echo {sysroot}/libdir;;\n*sysroot*) echo {sysroot};;\n\
                 -vV) printf 'rustc 1.96.0\\nhost: some-host\\nLLVM version: 22.1.8\\n';;\nesac\n"
            );
            self.file(&format!("{name}/bin/rustc"), &script)
        }

        fn debian(self) -> Self {
            self.rustc("usr").file("usr/bin/cargo", "").file("usr/lib/rustlib/src/rust/library/std/Cargo.toml", "")
        }

        fn find(&self) -> Result<Toolchain, Missing> {
            let (ordinary, system) = (self.path("rustup/bin/rustc"), self.path("usr/bin/rustc"));
            find(self.0.path(), &ordinary, &system, &[self.path("usr/bin"), self.path("nowhere")])
        }

        fn found_linker(&self) -> PathBuf {
            match self.find() {
                Ok(Toolchain::BuildStd { linker, .. }) => linker,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_installed_target_is_used_before_anything_else() {
        let machine = Machine::new().rustc("rustup").debian().file("rustup/libdir/libstd-0123.rlib", "");
        assert_eq!(machine.find(), Ok(Toolchain::Ready));
    }

    #[test]
    fn the_name_of_a_target_that_is_not_installed_does_not_count() {
        let machine = Machine::new().rustc("rustup");
        let message = machine.find().unwrap_err().to_string();
        assert!(message.contains("rustup target add") && message.contains("apt-get install"), "{message}");
        assert_eq!(message.lines().count(), 1);
    }

    #[test]
    fn the_compilers_sources_serve_where_the_target_is_missing() {
        let machine = Machine::new().rustc("rustup").debian().file("usr/bin/wasm-ld-22", "");
        let expected = Toolchain::BuildStd {
            cargo: machine.path("usr/bin/cargo"),
            rustc: machine.path("usr/bin/rustc"),
            linker: machine.path("usr/bin/wasm-ld-22"),
        };
        assert_eq!(machine.find(), Ok(expected));
    }

    #[test]
    fn the_linker_is_of_the_compilers_llvm_or_else_rustups_or_else_the_newest() {
        let machine = Machine::new().rustc("rustup").debian();
        assert!(machine.find().unwrap_err().to_string().contains("no linker"));
        let machine = machine.file("usr/bin/wasm-ld", "").file("usr/bin/wasm-ld-19", "").file("usr/bin/wasm-ld-9", "");
        assert_eq!(machine.found_linker(), machine.path("usr/bin/wasm-ld-19"));
        let machine = machine.file("rustup/lib/rustlib/some-host/bin/rust-lld", "");
        assert_eq!(machine.found_linker(), machine.path("rustup/lib/rustlib/some-host/bin/rust-lld"));
        let machine = machine.file("usr/bin/wasm-ld-22", "").file("usr/bin/wasm-ld-23", "");
        assert_eq!(machine.found_linker(), machine.path("usr/bin/wasm-ld-22"));
    }

    #[test]
    fn a_compiler_without_sources_cannot_build_the_standard_library() {
        let machine = Machine::new().rustc("usr").file("usr/bin/cargo", "").file("usr/bin/wasm-ld-22", "");
        assert!(machine.find().is_err());
    }

    #[test]
    fn the_hosts_own_flags_do_not_reach_a_plugins_build() {
        let toolchain = Toolchain::BuildStd {
            cargo: "/usr/bin/cargo".into(),
            rustc: "/usr/bin/rustc".into(),
            linker: "wasm-ld".into(),
        };
        let command = toolchain.cargo_build();
        let environment: Vec<_> = command.get_envs().collect();
        for name in HOST_ONLY.iter().chain(["CARGO", "RUSTUP_TOOLCHAIN"].iter()) {
            assert!(environment.contains(&(OsStr::new(name), None)), "{name}");
        }
        assert!(environment.contains(&(OsStr::new("RUSTC"), Some(OsStr::new("/usr/bin/rustc")))));
    }
}
