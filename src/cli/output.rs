//! Where a report goes and in which form: `--format` to stdout, `-o FORMAT=FILE` as often as wanted.

use std::io::{IsTerminal as _, Write as _};

use clap::Args;

use super::{Exit, Failure};
use crate::report::{Format, Report, Style, render};

/// Output options, shared by the commands that give a Report.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Output {
    /// Form of the report on stdout: text, json or sql.
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Write the report to a file, `json=advice.json` (repeatable); `FORMAT` alone means stdout.
    #[arg(short = 'o', long = "output", value_name = "FORMAT=FILE")]
    outputs: Vec<String>,
}

/// One wanted output: a form, and a file unless it is stdout.
struct Wanted<'a> {
    format: Format,
    file: Option<&'a str>,
}

impl Output {
    /// Checks the options before any work is done.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.wanted().map(|_| ())
    }

    fn wanted(&self) -> Result<Vec<Wanted<'_>>, Failure> {
        let parse = |text: &str| {
            text.parse::<Format>()
                .map_err(|message| Failure::new(Exit::Usage, message))
        };
        let mut wanted = Vec::new();
        for output in &self.outputs {
            let (format, file) = output
                .split_once('=')
                .map_or((output.as_str(), None), |(format, file)| {
                    (format, Some(file))
                });
            wanted.push(Wanted {
                format: parse(format)?,
                file: file.filter(|f| *f != "-"),
            });
        }
        let stdout_taken = wanted.iter().any(|w| w.file.is_none());
        if let Some(format) = &self.format {
            wanted.push(Wanted {
                format: parse(format)?,
                file: None,
            });
        } else if !stdout_taken && wanted.is_empty() {
            wanted.push(Wanted {
                format: Format::Text,
                file: None,
            });
        }
        Ok(wanted)
    }
}

/// Writes a report to every wanted place.
pub(crate) fn write(report: &Report, output: &Output) -> Result<(), Failure> {
    for wanted in output.wanted()? {
        match wanted.file {
            Some(file) => {
                let text = render(report, wanted.format, Style::default());
                std::fs::write(file, text).map_err(|e| {
                    Failure::new(Exit::Usage, format!("cannot write {file}: {e}"))
                        .hint("another place with -o FORMAT=FILE")
                })?;
            }
            None => to_stdout(&render(report, wanted.format, style()))?,
        }
    }
    Ok(())
}

/// Prints a report as text, as wide as the terminal.
pub(crate) fn print(report: &Report) -> Result<(), Failure> {
    to_stdout(&render(report, Format::Text, style()))
}

/// A closed pipe (`| head`) is no failure.
pub(crate) fn to_stdout(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Usage,
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}

/// As wide as the terminal; plain when it is none.
pub(crate) fn style() -> Style {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width = if std::io::stdout().is_terminal() {
        terminal_width().or(columns)
    } else {
        columns
    };
    Style {
        width: width.unwrap_or(Style::default().width),
        ..Style::default()
    }
}

fn terminal_width() -> Option<usize> {
    rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|w| *w > 0)
}
