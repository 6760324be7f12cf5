//! The report: one table of what was measured, each ratio against a reference of the same run, each target beside it.

use std::{fmt::Write as _, fs, io, path::Path};

use serde::Serialize;

use crate::figures::{Figure, times};

/// What a ratio has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_reached(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!(">= {least}"),
            Self::AtMost(most) => format!("<= {most}"),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub part: &'static str,
    pub what: String,
    #[serde(flatten)]
    pub figure: Figure,
    pub ratio: Option<f64>,
    /// What the ratio is to.
    pub to: Option<String>,
    pub target: Option<Target>,
    pub reached: Option<bool>,
}

impl Row {
    pub fn new(part: &'static str, what: impl Into<String>, figure: Figure) -> Self {
        Self { part, what: what.into(), figure, ratio: None, to: None, target: None, reached: None }
    }

    pub fn ratio(self, ratio: f64, to: impl Into<String>) -> Self {
        Self { ratio: Some(ratio), to: Some(to.into()), ..self }
    }

    pub fn target(self, target: Target) -> Self {
        let reached = self.ratio.map(|ratio| target.is_reached(ratio));
        Self { target: Some(target), reached, ..self }
    }

    fn cells(&self) -> [String; 5] {
        let reached = match self.reached {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        [
            self.what.clone(),
            self.figure.text(),
            self.ratio.map(times).unwrap_or_default(),
            self.to.clone().unwrap_or_default(),
            self.target.map(|target| format!("{} {reached}", target.text())).unwrap_or_default(),
        ]
    }
}

/// Everything that a run has found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The machine, its disk, the run's own conditions: name and text.
    pub conditions: Vec<(String, String)>,
    pub rows: Vec<Row>,
    /// What should not have happened, such as an answer that was not 200.
    pub failures: Vec<String>,
}

const HEAD: [&str; 5] = ["what", "value", "ratio", "to", "target, reached"];

impl Report {
    pub fn condition(&mut self, name: &str, text: impl Into<String>) {
        self.conditions.push((name.into(), text.into()));
    }

    pub fn row(&mut self, row: Row) {
        let [what, value, ratio, to, target] = row.cells();
        eprintln!(
            "          {what}: {value}{}",
            if ratio.is_empty() { String::new() } else { format!(" ({ratio} {to}) {target}") }
        );
        self.rows.push(row);
    }

    /// The table for a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, condition) in &self.conditions {
            let _ = writeln!(text, "{name:<10}{condition}");
        }
        let cells: Vec<_> = self.rows.iter().map(Row::cells).collect();
        let width = |column: usize| {
            let lengths = cells.iter().map(|cells| cells[column].chars().count());
            lengths.chain([HEAD[column].len()]).max().unwrap_or(0)
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        let line = |cells: [&str; 5]| {
            let [what, value, ratio, to, target] = cells;
            let [a, b, c, d, _] = widths;
            format!("  {what:<a$}  {value:>b$}  {ratio:>c$}  {to:<d$}  {target}").trim_end().to_owned()
        };
        let mut part = "";
        for (row, cells) in self.rows.iter().zip(&cells) {
            if row.part != part {
                part = row.part;
                let _ = writeln!(text, "\n{part}\n{}", line(HEAD));
            }
            let _ = writeln!(text, "{}", line(cells.each_ref().map(String::as_str)));
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\nFAILURE  {failure}");
        }
        text
    }

    /// The same for a page.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# `make bench`\n\n");
        for (name, condition) in &self.conditions {
            let _ = writeln!(text, "- {name}: {condition}");
        }
        let mut part = "";
        for row in &self.rows {
            if row.part != part {
                part = row.part;
                let _ = writeln!(text, "\n## {part}\n\n| {} |\n|---|--:|--:|---|---|", HEAD.join(" | "));
            }
            let _ = writeln!(text, "| {} |", row.cells().join(" | "));
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\n**Failure**: {failure}");
        }
        text
    }

    /// Writes `report.md` and `report.json` into a folder, which is made.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("report.md"), self.markdown())?;
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(self)?)
    }
}
