//! Charts as SVG: panels side by side, each with named lines over one axis. On a light ground of its own, so that it reads
//! the same on a dark page.

use std::{fmt::Write as _, fs, io, path::Path};

use crate::figures::grouped;

/// One panel's size, and the margins around what it plots.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 34.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 52.0;

/// Told apart by people who see no red or no green, too.
const COLOURS: [&str; 3] = ["#0b6bcb", "#c2410c", "#4d7c0f"];
const BOUND: &str = "#6b7280";
const INK: &str = "#1f2937";
const FAINT: &str = "#e5e7eb";

/// How many steps the upward axis has, about.
const STEPS: f64 = 5.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From zero on.
    Linear,
    /// Powers of ten.
    Powers,
}

#[derive(Clone, Debug)]
pub struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    /// A limit rather than something measured.
    is_bound: bool,
}

impl Line {
    pub fn through(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, is_bound: false }
    }

    pub fn bound(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, is_bound: true }
    }
}

#[derive(Clone, Debug)]
pub struct Panel {
    pub title: String,
    /// What the horizontal axis counts.
    pub x: &'static str,
    pub unit: &'static str,
    pub scale: Scale,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Chart {
    pub title: String,
    pub panels: Vec<Panel>,
}

impl Chart {
    pub fn save(&self, file: &Path) -> io::Result<()> {
        fs::create_dir_all(file.parent().unwrap_or(file))?;
        fs::write(file, self.svg())
    }

    pub fn svg(&self) -> String {
        let width = WIDTH * self.panels.len() as f64;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" \
             height=\"{HEIGHT}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
             <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n\
             <text x=\"20\" y=\"30\" font-size=\"17\" font-weight=\"600\">{title}</text>\n",
            title = self.title,
        );
        for (panel, number) in self.panels.iter().zip(0..) {
            let _ = writeln!(svg, "<g transform=\"translate({} 0)\">", f64::from(number) * WIDTH);
            panel.draw(&mut svg);
            svg += "</g>\n";
        }
        svg + "</svg>\n"
    }
}

impl Panel {
    fn draw(&self, svg: &mut String) {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let most = points().map(|(_, y)| *y).fold(0.0, f64::max);
        let (least_x, most_x) =
            points().fold((f64::MAX, f64::MIN), |(least, most), (x, _)| (least.min(*x), most.max(*x)));
        let step = step_of(most);
        let top = (most / step).ceil() * step;
        let y_of = |y: f64| HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM);
        let x_of = |x: f64| {
            let share = match self.scale {
                Scale::Linear => x / most_x,
                Scale::Powers => (x / least_x).log10() / (most_x / least_x).log10(),
            };
            LEFT + share * (WIDTH - LEFT - RIGHT)
        };

        let _ = writeln!(svg, "<text x=\"20\" y=\"56\" font-weight=\"600\">{}, {}</text>", self.title, self.unit);
        let mut value = 0.0;
        while value <= top + step / 2.0 {
            let y = y_of(value);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{}\" stroke=\"{FAINT}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                decimal(value, step),
            );
            value += step;
        }
        for x in self.ticks(least_x, most_x) {
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {base}v5\" stroke=\"{INK}\"/>\
                 <text x=\"{x:.1}\" y=\"{label}\" text-anchor=\"middle\">{}</text>",
                grouped(x as u64),
                x = x_of(x),
                base = HEIGHT - BOTTOM,
                label = HEIGHT - BOTTOM + 19.0,
            );
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {base}H{end}\" stroke=\"{INK}\"/>\
             <text x=\"{middle}\" y=\"{label}\" text-anchor=\"middle\">{}</text>",
            self.x,
            base = HEIGHT - BOTTOM,
            end = WIDTH - RIGHT,
            label = HEIGHT - 14.0,
        );
        let mut legend = 20.0;
        let mut colours = COLOURS.into_iter().cycle();
        for line in &self.lines {
            let colour = if line.is_bound { BOUND } else { colours.next().unwrap_or(INK) };
            let dashes = if line.is_bound { " stroke-dasharray=\"6 4\"" } else { "" };
            let path: Vec<_> = line.points.iter().map(|(x, y)| format!("{:.1} {:.1}", x_of(*x), y_of(*y))).collect();
            let _ = writeln!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>",
                path.join("L"),
            );
            // Many points are a course, few are measurements of their own.
            for (x, y) in line.points.iter().filter(|_| line.points.len() <= 4 && !line.is_bound) {
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{colour}\"/>",
                    x_of(*x),
                    y_of(*y)
                );
            }
            let _ = writeln!(
                svg,
                "<path d=\"M{legend} 74h18\" stroke=\"{colour}\" stroke-width=\"2.5\"{dashes}/>\
                 <text x=\"{}\" y=\"78\">{}</text>",
                legend + 24.0,
                line.name,
            );
            legend += 44.0 + 6.6 * line.name.len() as f64;
        }
    }

    /// Where the horizontal axis is labelled.
    fn ticks(&self, least: f64, most: f64) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = step_of(most * 2.0);
                (0..).map(|number| f64::from(number) * step).take_while(|x| *x <= most * 1.001).collect()
            }
            Scale::Powers => {
                let powers = (least.log10().ceil() as i32)..=(most.log10().floor() as i32);
                powers.map(|power| 10_f64.powi(power)).collect()
            }
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten.
fn step_of(most: f64) -> f64 {
    let least = (most / STEPS).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least * 0.999).unwrap_or(power)
}

/// A value of an axis, with as many decimals as its steps have.
fn decimal(value: f64, step: f64) -> String {
    match step {
        step if step >= 1.0 => grouped(value.round() as u64),
        step if step >= 0.1 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
