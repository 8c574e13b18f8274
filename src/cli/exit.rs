//! Exit codes, and failures on their way to one.

use std::fmt;
use std::process::ExitCode;

use crate::pg::{self, error::Kind};

/// Documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Clean = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Usage, configuration or input file.
    Usage = 2,
    /// Connection, authentication or privilege.
    Connect = 3,
    /// Incomplete under `--strict`.
    Incomplete = 4,
    /// Verification or staging failed.
    Staging = 5,
    /// A task of ours panicked; its message was written.
    Panicked = 101,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command gave up: `pgperf: <message>` and, on the next line, `  try: <hint>`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code.
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure with only its message.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// What happened, alone.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Adds what to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pgperf: {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  try: {hint}")?;
        }
        Ok(())
    }
}

impl From<pg::Error> for Failure {
    fn from(error: pg::Error) -> Self {
        let exit = match error.kind {
            Kind::Config => Exit::Usage,
            Kind::Unreachable
            | Kind::Refused
            | Kind::Privilege
            | Kind::Timeout
            | Kind::Lost
            | Kind::Query => Exit::Connect,
            Kind::Local => Exit::Staging,
        };
        Self {
            exit,
            message: error.message,
            hint: error.hint,
        }
    }
}
