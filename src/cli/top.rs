//! `pgperf top`: the dashboard, and its samples for pipes and files.

mod batch;
mod collector;
mod effects;
mod recording;
mod terminal;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use tokio::sync::{mpsc, watch};

use super::advice::PlannerChoice;
use super::gate::GateArgs;
use super::interrupt::interrupted;
use super::output::to_stdout;
use super::{ConnectArgs, Exit, Failure, load};
use crate::model::sample::Wants;
use crate::tui::app::{App, Options};
use crate::tui::filter::Filter;
use crate::tui::keys::BINDINGS;
use crate::tui::message::{Effect, Message};
use crate::tui::screens::{SCREENS, position};
use crate::tui::theme::Theme;
use crate::tui::tracks::Mode;
use crate::tui::update::update;
use collector::{Orders, collect};
use terminal::Screen;

/// Options of `pgperf top`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct TopArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Seconds between samples.
    #[arg(short = 'i', long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    interval: f64,
    /// The screen to begin with: queries, activity, locks, tables, indexes, io, progress, advice, databases.
    #[arg(short = 's', long, value_name = "SCREEN", default_value = "queries", value_parser = screen)]
    screen: usize,
    /// Sort by this column, the largest first; `-name` the other way. --columns lists them.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Show only some rows: a word, db:shop, user:app, mean>10.
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Which amounts.
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Amounts::Interval)]
    mode: Amounts,
    /// Show idle sessions and background processes.
    #[arg(long)]
    idle: bool,
    /// Print one sample and end. So it is when stdout is no terminal.
    #[arg(long)]
    once: bool,
    /// Print so many samples and end.
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "once")]
    batch: Option<u64>,
    /// Print at most so many rows a sample.
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Form of samples on stdout.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write every sample to this file, to look at again with --replay.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Look at samples of a file, in the same screens: ← and → go through time. In a pipe all are printed, with -n the first, with
    /// --once the last.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "dbname", "host", "port", "user"])]
    replay: Option<PathBuf>,
    /// Colours.
    #[arg(long, value_name = "THEME", value_enum, default_value_t = Colours::Default)]
    theme: Colours,
    /// No lines and dots but ASCII. So it is where the locale is not UTF-8.
    #[arg(long)]
    ascii: bool,
    /// Take the mouse: tabs, heads and rows are pressed, the wheel scrolls. The terminal selects no text then; M gives it back.
    #[arg(long)]
    mouse: bool,
    /// Leave sessions alone: nothing is cancelled or terminated.
    #[arg(long)]
    read_only: bool,
    /// Let `E` execute the selected statement, behind the gate of `explain --analyze`.
    #[arg(long = "allow-analyze", id = "analyze")]
    allow_analyze: bool,
    #[command(flatten)]
    gate: GateArgs,
    /// Who answers what an index would bring.
    #[arg(long, value_name = "WHO", value_enum, default_value_t = PlannerChoice::Auto)]
    planner: PlannerChoice,
    /// Print what keys do, and end.
    #[arg(long)]
    print_keys: bool,
    /// Print the columns of the screen, and end.
    #[arg(long)]
    columns: bool,
}

/// `--mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Amounts {
    /// Of the last interval.
    Interval,
    /// Since the start.
    Start,
    /// Since the server's last reset.
    Reset,
}

impl From<Amounts> for Mode {
    fn from(amounts: Amounts) -> Self {
        match amounts {
            Amounts::Interval => Self::Interval,
            Amounts::Start => Self::SinceStart,
            Amounts::Reset => Self::Cumulative,
        }
    }
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Csv,
    Ndjson,
    Markdown,
}

/// `--theme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colours {
    Default,
    Contrast,
    Mono,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.trim_end_matches('s').parse::<f64>().ok();
    let seconds = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "from 0.1 to 3600 seconds".to_owned())
}

fn screen(name: &str) -> Result<usize, String> {
    position(name).ok_or_else(|| {
        let names: Vec<&str> = SCREENS.iter().map(|screen| screen.name).collect();
        format!("one of {}", names.join(", "))
    })
}

/// Our clock, Unix seconds.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// Runs it.
pub(crate) async fn run(args: &TopArgs) -> Result<Exit, Failure> {
    if args.print_keys {
        return print_keys();
    }
    if args.columns {
        return print_columns(args.screen);
    }
    let mut app = App::new(options(args), now(), (0, 0));
    chosen(args, &mut app)?;
    let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if let Some(path) = &args.replay {
        let prints = args.once || args.batch.is_some() || !is_terminal || is_dumb;
        return if prints {
            batch::replay(args, path, app)
        } else {
            recording::replay(path, app).await
        };
    }
    let samples = match (args.once, args.batch) {
        (true, _) => Some(1),
        (false, Some(count)) => Some(count),
        (false, None) if !is_terminal || is_dumb => Some(1),
        (false, None) => None,
    };
    match samples {
        Some(count) => super::unless_interrupted(Box::pin(batch::print(args, app, count))).await,
        None => dashboard(args, app).await,
    }
}

fn print_keys() -> Result<Exit, Failure> {
    let line = |binding: &crate::tui::keys::Binding| {
        let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
        format!("{:<16} {}\n", keys.join(" "), binding.help)
    };
    to_stdout(&BINDINGS.iter().map(line).collect::<String>())?;
    Ok(Exit::Clean)
}

fn print_columns(screen: usize) -> Result<Exit, Failure> {
    let line = |column: &crate::tui::column::Column| {
        format!("{:<10} {:<10} {}\n", column.name, column.title, column.help)
    };
    to_stdout(&SCREENS[screen].columns.iter().map(line).collect::<String>())?;
    Ok(Exit::Clean)
}

fn options(args: &TopArgs) -> Options {
    let has_no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Options {
        target: String::new(),
        interval: args.interval,
        ascii: args.ascii || !is_utf8(),
        theme: match args.theme {
            Colours::Default if has_no_colour => Theme::Mono,
            Colours::Default => Theme::Default,
            Colours::Contrast => Theme::Contrast,
            Colours::Mono => Theme::Mono,
        },
        allow_analyze: args.allow_analyze,
        read_only: args.read_only,
        is_replay: args.replay.is_some(),
        mouse: args.mouse,
    }
}

/// Whether the locale writes UTF-8; the first of these variables that is set tells.
fn is_utf8() -> bool {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = variables
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let locale = locale.unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Puts what was chosen on the command line into the application.
fn chosen(args: &TopArgs, app: &mut App) -> Result<(), Failure> {
    app.screen = args.screen;
    app.mode = args.mode.into();
    app.show_idle = args.idle;
    app.filter = Filter::new(args.filter.as_deref().unwrap_or_default());
    if let Some(sort) = &args.sort {
        let (name, descending) = match sort.strip_prefix('-') {
            Some(name) => (name, false),
            None => (sort.as_str(), true),
        };
        let columns = app.screen().columns;
        let position = columns.iter().position(|column| column.name == name);
        let Some(position) = position else {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let why = format!("screen {} has no column {name:?}", app.screen().name);
            return Err(Failure::new(Exit::Usage, why).hint(names.join(", ")));
        };
        let look = app.look_mut();
        look.sort = Some(position);
        look.descending = descending;
    }
    Ok(())
}

/// So often the clock ticks, for what counts seconds on the screen.
const CLOCK: Duration = Duration::from_millis(500);

/// Draws no more often: a press of a key is answered faster than it is noticed.
const FRAME: Duration = Duration::from_millis(16);

/// The dashboard. Nothing here waits for the server: what it does comes as messages.
async fn dashboard(args: &TopArgs, mut app: App) -> Result<Exit, Failure> {
    // What cannot connect at all is told before the screen is taken.
    let first = load::connect(&args.connect.options()).await?;
    app.options.target = first.endpoint().to_owned();
    let mut recorder = args
        .record
        .as_deref()
        .map(recording::Recorder::new)
        .transpose()?;
    let (sender, mut messages) = mpsc::unbounded_channel();
    // A recording has every screen. Otherwise statements are followed, whatever is shown: where the load comes from is looked up
    // after it came.
    let statements = Wants {
        statements: true,
        ..Wants::NOTHING
    };
    let (orders, ordered) = watch::channel(Orders {
        wants: app.wants(),
        seldom: if recorder.is_some() {
            Wants::ALL
        } else {
            statements
        },
        interval: app.options.interval,
    });
    let task = tokio::spawn(collect(
        first,
        args.connect.options(),
        ordered,
        sender.clone(),
    ));
    let hand = effects::Hand::new(args, sender.clone());
    let mut screen = Screen::open(sender.clone())?;
    app.size = Screen::size();
    if app.options.mouse {
        Screen::take_mouse(true)?;
    }
    let mut interrupt = Box::pin(interrupted());
    let mut clock = tokio::time::interval(CLOCK);
    let exit = loop {
        screen.draw(&app)?;
        let mut waiting = Vec::new();
        tokio::select! {
            () = &mut interrupt => break Exit::Interrupted,
            _ = clock.tick() => waiting.push(Message::Clock(now())),
            message = messages.recv() => waiting.extend(message),
        }
        // Whatever comes meanwhile is shown with it.
        tokio::time::sleep(FRAME).await;
        while let Ok(message) = messages.try_recv() {
            waiting.push(message);
        }
        app.now = now();
        let mut effects = Vec::new();
        for message in waiting {
            if let (Some(recorder), Message::Sample(sample)) = (&mut recorder, &message) {
                recorder.write(sample, &app)?;
            }
            effects.extend(update(&mut app, message));
        }
        if terminal::has_panicked() || task.is_finished() {
            break Exit::Panicked;
        }
        if effects.contains(&Effect::Quit) {
            break Exit::Clean;
        }
        for effect in effects {
            act(effect, &mut screen, &hand, &orders)?;
        }
    };
    drop(screen);
    if let Some(recorder) = recorder {
        recorder.end()?;
    }
    task.abort();
    Ok(exit)
}

/// Does what the application wants.
fn act(
    effect: Effect,
    screen: &mut Screen,
    hand: &effects::Hand,
    orders: &watch::Sender<Orders>,
) -> Result<(), Failure> {
    match effect {
        Effect::Quit => {}
        Effect::Suspend => screen.suspend()?,
        Effect::Redraw => screen.renew()?,
        Effect::Mouse(is_ours) => Screen::take_mouse(is_ours)?,
        Effect::Copy(text) => Screen::copy(&text)?,
        Effect::Collect(wants, interval) => {
            orders.send_modify(|orders| {
                orders.wants = wants;
                orders.interval = interval;
            });
        }
        effect => hand.act(effect),
    }
    Ok(())
}
