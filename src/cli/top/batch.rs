//! `--once` and `--batch`: samples on stdout, for pipes and files.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::super::output::to_stdout;
use super::super::{Exit, Failure, load};
use super::collector::prepare;
use super::recording::{self, Recorder, Which};
use super::{Form, TopArgs};
use crate::model::sample::Wants;
use crate::pg::collect::Ticker;
use crate::pg::error::Kind;
use crate::tui::app::App;
use crate::tui::message::{Effect, Message};
use crate::tui::print::{csv, markdown, ndjson, text};
use crate::tui::tracks::Mode;
use crate::tui::update::update;

/// Prints so many samples.
pub(super) async fn print(args: &TopArgs, mut app: App, count: u64) -> Result<Exit, Failure> {
    refuse_advice(&app)?;
    let connection = load::connect(&args.connect.options()).await?;
    app.options.target = connection.endpoint().to_owned();
    app.size = (u16::MAX, u16::MAX);
    prepare(&connection).await?;
    let mut ticker = Ticker::new(&connection, Wants::NOTHING).await?;
    let mut recorder = args.record.as_deref().map(Recorder::new).transpose()?;
    update(&mut app, Message::Roles(ticker.roles().await?));
    let (mut printed, mut next) = (0, Instant::now());
    let mut is_first = !is_instant(&app);
    let mut already_told = Vec::new();
    while printed < count {
        sleep_until(next).await;
        next = Instant::now() + Duration::from_secs_f64(app.options.interval);
        // A recording has every screen.
        let wants = match recorder {
            Some(_) => Wants::ALL,
            None => app.screen().wants,
        };
        let sample = ticker.tick(wants).await?;
        let kept = recorder.as_ref().map(|_| sample.clone());
        let effects = update(&mut app, Message::Sample(Box::new(sample)));
        with_texts(&mut app, &ticker, effects).await?;
        if let (Some(recorder), Some(sample)) = (&mut recorder, &kept) {
            recorder.write(sample, &app)?;
        }
        if std::mem::take(&mut is_first) {
            continue;
        }
        page(args, &app, printed == 0, &mut already_told)?;
        printed += 1;
    }
    connection.close().await;
    if let Some(recorder) = recorder {
        recorder.end()?;
    }
    Ok(Exit::Clean)
}

/// Whether one look is enough: nothing in it is an amount of an interval.
pub(super) fn is_instant(app: &App) -> bool {
    app.screen().is_momentary || app.mode == Mode::Cumulative
}

/// Prints what is recorded.
pub(super) fn replay(args: &TopArgs, path: &Path, app: App) -> Result<Exit, Failure> {
    refuse_advice(&app)?;
    let which = match (args.once, args.batch) {
        (true, _) => Which::Last,
        (false, Some(count)) => Which::First(count),
        (false, None) => Which::All,
    };
    let mut already_told = Vec::new();
    recording::print(path, app, which, |app, is_first| {
        page(args, app, is_first, &mut already_told)
    })
}

fn refuse_advice(app: &App) -> Result<(), Failure> {
    if app.screen().name == "advice" {
        let why = "advice is no sample";
        return Err(Failure::new(Exit::Usage, why).hint("pgperf advise"));
    }
    Ok(())
}

/// Prints a sample in the form that is wanted.
fn page(
    args: &TopArgs,
    app: &App,
    is_first: bool,
    already_told: &mut Vec<String>,
) -> Result<(), Failure> {
    let page = match args.format {
        Form::Text => text(app, args.limit),
        Form::Csv => csv(app, args.limit, is_first),
        Form::Ndjson => ndjson(app, args.limit),
        Form::Markdown => markdown(app, args.limit),
    };
    if args.format == Form::Csv {
        tell(app, already_told);
    }
    to_stdout(&page)
}

/// What is not seen, on stderr, once: CSV has no place for it.
fn tell(app: &App, already_told: &mut Vec<String>) {
    let troubles = app.troubles();
    let empty = app.grid.empty.clone().filter(|_| app.grid.rows.is_empty());
    for trouble in troubles.into_iter().chain(empty) {
        if !already_told.contains(&trouble) {
            eprintln!("pgperf: {trouble}");
            already_told.push(trouble);
        }
    }
}

/// Reads the texts that the application misses.
async fn with_texts(
    app: &mut App,
    ticker: &Ticker<'_>,
    effects: Vec<Effect>,
) -> Result<(), Failure> {
    for effect in effects {
        let Effect::Texts(ids) = effect else {
            continue;
        };
        let message = match ticker.texts(&ids).await {
            Ok(texts) => Message::Texts(texts),
            Err(error) if error.kind == Kind::Lost => return Err(error.into()),
            Err(error) => Message::NoTexts(error.message),
        };
        let _more: Vec<Effect> = update(app, message);
    }
    Ok(())
}
