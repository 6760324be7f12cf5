//! What the demo prints.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    time::Instant,
};

/// Lines with the time since the start, and below them one line of status.
pub struct Screen {
    started: Instant,
    /// Whether the status line is rewritten in place, as on a terminal.
    pub rewrites: bool,
}

impl Screen {
    pub fn new() -> Self {
        Self { started: Instant::now(), rewrites: std::io::stdout().is_terminal() }
    }

    pub fn print(&self, text: impl Display) {
        let clear = if self.rewrites { "\r\x1b[2K" } else { "" };
        // Whoever closes the output does not want to read it.
        let _ = writeln!(std::io::stdout(), "{clear}{text}");
    }

    pub fn say(&self, text: impl Display) {
        self.print(format_args!("{:>6.1} s  {text}", self.started.elapsed().as_secs_f64()));
    }

    pub fn status(&self, text: impl Display) {
        if self.rewrites {
            let mut out = std::io::stdout();
            let _ = write!(out, "\r\x1b[2K{:>6.0} s  {text}", self.started.elapsed().as_secs_f64());
            let _ = out.flush();
        } else {
            self.say(text);
        }
    }
}
