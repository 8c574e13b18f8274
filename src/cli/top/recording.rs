//! `--record` and `--replay`: samples in a file, one a line, packed by gzip. A line has the statements, tables and indexes that counted
//! something since a line had them last, so that an hour of a large server is some megabytes.

mod parts;
mod player;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use self::parts::{Gone, Parts};
use self::player::Player;
use super::super::interrupt::interrupted;
use super::super::{Exit, Failure};
use super::now;
use super::terminal::{self, Screen};
use crate::model::sample::Sample;
use crate::tui::app::{App, Layer};
use crate::tui::keys::{Action, Key, action};
use crate::tui::message::{Effect, Message};
use crate::tui::update::update;

/// The form of the lines.
const FORMAT: u32 = 2;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    pgperf: String,
}

/// A sample.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    sample: Sample,
    /// What is gone since a line had it.
    gone: Gone,
    /// Texts that no line before has.
    texts: BTreeMap<i64, String>,
    /// Names of roles that no line before has.
    roles: BTreeMap<u32, String>,
}

fn failed(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("{}: {error}", path.display()))
}

/// Writes samples.
pub(super) struct Recorder {
    path: std::path::PathBuf,
    file: GzEncoder<BufWriter<File>>,
    parts: Parts,
    texts: HashSet<i64>,
    roles: HashSet<u32>,
}

impl Recorder {
    /// Begins a file that is not there yet.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        let file = File::options().write(true).create_new(true).open(path);
        let file = file.map_err(|error| failed(path, error))?;
        let mut recorder = Self {
            path: path.to_owned(),
            file: GzEncoder::new(BufWriter::new(file), Compression::fast()),
            parts: Parts::new(),
            texts: HashSet::new(),
            roles: HashSet::new(),
        };
        recorder.line(&Head {
            format: FORMAT,
            pgperf: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
        Ok(recorder)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec(line).map_err(|error| failed(&self.path, error))?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .map_err(|error| failed(&self.path, error))
    }

    /// Writes a sample, with what the application has come to know.
    pub(super) fn write(&mut self, sample: &Sample, app: &App) -> Result<(), Failure> {
        let mut line = Line {
            sample: sample.clone(),
            ..Line::default()
        };
        line.gone = self.parts.strip(&mut line.sample);
        for (id, text) in &app.texts {
            if self.texts.insert(*id) {
                line.texts.insert(*id, text.to_string());
            }
        }
        for (oid, name) in &app.roles {
            if self.roles.insert(*oid) {
                line.roles.insert(*oid, name.clone());
            }
        }
        self.line(&line)
    }

    /// Ends the file.
    pub(super) fn end(self) -> Result<(), Failure> {
        let written = self.file.finish().and_then(|mut file| file.flush());
        written.map_err(|error| failed(&self.path, error))
    }
}

/// All samples of a file, as they stand in it. A file that was cut off gives what is whole.
fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let file = File::open(path).map_err(|error| failed(path, error))?;
    let mut lines = BufReader::new(MultiGzDecoder::new(file)).lines();
    let not_ours = "is no recording of pgperf top";
    let head = lines.next().and_then(Result::ok);
    let head: Option<Head> = head.and_then(|line| serde_json::from_str(&line).ok());
    match head {
        Some(head) if head.format == FORMAT => {}
        Some(head) => {
            return Err(failed(
                path,
                format!("was written by pgperf {}", head.pgperf),
            ));
        }
        None => return Err(failed(path, not_ours)),
    }
    let mut all = Vec::new();
    for text in lines.map_while(Result::ok) {
        let Ok(line) = serde_json::from_str::<Line>(&text) else {
            break;
        };
        all.push(line);
    }
    if all.is_empty() {
        return Err(failed(path, "has no samples"));
    }
    Ok(all)
}

/// All samples of a file; the application knows their texts and roles then.
fn open(path: &Path, app: &mut App) -> Result<Vec<Line>, Failure> {
    let mut lines = read(path)?;
    app.options.target = format!("recording {}", path.display());
    for line in &mut lines {
        let texts = std::mem::take(&mut line.texts).into_iter().collect();
        update(app, Message::Texts(texts));
        update(app, Message::Roles(std::mem::take(&mut line.roles)));
    }
    Ok(lines)
}

/// Prints samples of a file: all that have an interval, the first so many of them, or the last one.
pub(super) fn print(
    path: &Path,
    mut app: App,
    which: Which,
    mut page: impl FnMut(&App, bool) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let lines = open(path, &mut app)?;
    app.size = (u16::MAX, u16::MAX);
    let mut player = Player::new(&mut app, &lines);
    // Dear parts are not in every sample, and what is kept of them is not told twice.
    let wants = app.screen().wants;
    let having = lines.iter().enumerate();
    let mut having: Vec<usize> = having
        .filter(|(_, line)| line.sample.has(wants))
        .map(|(at, _)| at)
        .collect();
    if having.is_empty() {
        return Err(failed(
            path,
            format!("has nothing for screen {}", app.screen().name),
        ));
    }
    // Before the first there is no interval.
    if having.len() > 1 && !super::batch::is_instant(&app) {
        having.remove(0);
    }
    match which {
        Which::All => {}
        Which::First(count) => having.truncate(usize::try_from(count).unwrap_or(usize::MAX)),
        Which::Last => having = having.split_off(having.len() - 1),
    }
    for (nth, at) in having.into_iter().enumerate() {
        player.go(&mut app, at);
        page(&app, nth == 0)?;
    }
    Ok(Exit::Clean)
}

/// Samples of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    First(u64),
    Last,
}

/// Shows a file: left and right go through time, everything else is as ever.
pub(super) async fn replay(path: &Path, mut app: App) -> Result<Exit, Failure> {
    let lines = open(path, &mut app)?;
    let (sender, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let mut player = Player::new(&mut app, &lines);
    let mut screen = Screen::open(sender)?;
    app.size = Screen::size();
    app.regrid();
    let mut interrupt = Box::pin(interrupted());
    loop {
        app.now = now();
        screen.draw(&app)?;
        let message = tokio::select! {
            () = &mut interrupt => return Ok(Exit::Interrupted),
            message = messages.recv() => message,
        };
        if terminal::has_panicked() {
            return Ok(Exit::Panicked);
        }
        let Some(message) = message else {
            return Ok(Exit::Clean);
        };
        if let Some(to) = moved(&app, &message, player.at, &lines) {
            player.go(&mut app, to);
            continue;
        }
        for effect in update(&mut app, message) {
            match effect {
                Effect::Quit => return Ok(Exit::Clean),
                Effect::Suspend => screen.suspend()?,
                Effect::Redraw => screen.renew()?,
                Effect::Mouse(is_ours) => Screen::take_mouse(is_ours)?,
                Effect::Copy(text) => Screen::copy(&text)?,
                _ => {}
            }
        }
    }
}

/// To which sample a key goes.
fn moved(app: &App, message: &Message, at: usize, lines: &[Line]) -> Option<usize> {
    let Message::Key(key) = message else {
        return None;
    };
    let is_page = |layer: &Layer| matches!(layer, Layer::Detail(..));
    if !app.layers.iter().all(is_page) {
        return None;
    }
    let last = lines.len() - 1;
    match action(*key)? {
        Action::Sideways(by) if matches!(key, Key::Left | Key::Right) => Some(
            at.saturating_add_signed(isize::try_from(by).unwrap_or(0))
                .min(last),
        ),
        Action::Time(minutes) => {
            let to = lines[at].sample.pulse.at + f64::from(minutes) * 60.0;
            let later = lines.iter().position(|line| line.sample.pulse.at >= to);
            Some(later.unwrap_or(last))
        }
        _ => None,
    }
}
