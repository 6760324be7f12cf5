//! Ends the host when this process ends, however it ends.

use std::{
    io,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A shell that ends a process once this one is gone without having done so, even by SIGKILL.
pub struct Watchdog {
    shell: Child,
    /// Closed by the system when this process ends, however it ends.
    leash: Option<ChildStdin>,
}

impl Watchdog {
    const SCRIPT: &str = r#"trap '' INT TERM HUP
        cat >/dev/null
        kill -TERM "$1" 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$1" 2>/dev/null || exit 0
            sleep 0.3
        done
        kill -KILL "$1" 2>/dev/null"#;

    pub fn of(process: u32) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", Self::SCRIPT, "demo-watchdog", &process.to_string()]).stdin(Stdio::piped());
        let mut shell = command.spawn()?;
        Ok(Self { leash: shell.stdin.take(), shell })
    }

    /// Has the process ended now.
    pub fn bite(mut self) {
        drop(self.leash.take());
        let _ = self.shell.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before the leash goes: the process it watches is gone already, and its number may be another's.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
