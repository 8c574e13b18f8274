//! What the application wants from the server beside samples, each over a connection of its own, so that nothing waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::super::advice::{AdviceOptions, PlannerChoice, advice};
use super::super::deadline::Deadline;
use super::super::explain::{ExplainArgs, Page, explain_text};
use super::super::gate::GateArgs;
use super::super::{Failure, load};
use super::TopArgs;
use super::collector::prepare;
use crate::advisor::recommendation::{Action, Confidence, Recommendation};
use crate::audit::finding::Finding;
use crate::audit::rules::of_database;
use crate::model::change::Change;
use crate::model::sample::Wants;
use crate::pg::collect::{Ticker, signal};
use crate::pg::connect::{ConnectOptions, Connection};
use crate::report::Style;
use crate::report::audit::confirmed;
use crate::tui::message::{Advice, Effect, Explanation, Message};

/// Reading all texts is dear for the server: it is not done more often.
const BETWEEN_TEXTS: Duration = Duration::from_secs(2);

/// Nor for more of the time: a server that takes long to tell texts is asked for them less often.
const TEXTS_SHARE: u32 = 100;

/// How long advising for the load may take.
const ADVISING: Duration = Duration::from_secs(30);

/// Does things, and tells what came of them.
pub(super) struct Hand {
    options: ConnectOptions,
    messages: UnboundedSender<Message>,
    planner: PlannerChoice,
    gate: GateArgs,
    /// When texts may be read again.
    texts: Arc<Mutex<Instant>>,
}

impl Hand {
    pub(super) fn new(args: &TopArgs, messages: UnboundedSender<Message>) -> Self {
        Self {
            options: args.connect.options(),
            messages,
            planner: args.planner,
            gate: args.gate.clone(),
            texts: Arc::new(Mutex::new(Instant::now())),
        }
    }

    /// Begins it; its end is a message.
    pub(super) fn act(&self, effect: Effect) {
        let (options, messages) = (self.options.clone(), self.messages.clone());
        let (planner, gate) = (self.planner, self.gate.clone());
        match effect {
            Effect::Texts(ids) => self.read_texts(ids),
            Effect::Explain {
                key,
                text,
                analyze,
                width,
            } => {
                let gate = analyze.then_some(gate);
                aside(messages, async move || {
                    let page = Box::pin(explain(&options, planner, gate, text, width)).await;
                    let explanation = page.map(|page| Explanation {
                        page: page.text,
                        ddl: page.ddl,
                    });
                    Message::Explained(key, explanation.map_err(|failure| told(&failure)))
                });
            }
            Effect::Advise => {
                aside(messages, async move || {
                    let advice = advise(&options, planner).await;
                    Message::Advised(advice.map_err(|failure| told(&failure)))
                });
            }
            Effect::Signal {
                pid,
                backend_start,
                terminate,
            } => {
                tokio::spawn(async move {
                    let told = send_signal(&options, pid, &backend_start, terminate).await;
                    let told = told.unwrap_or_else(|failure| failure.message().to_owned());
                    let _ = messages.send(Message::Told(told));
                });
            }
            Effect::Save(kind, text) => {
                let told = save(kind, &text).unwrap_or_else(|why| why);
                let _ = messages.send(Message::Told(told));
            }
            _ => {}
        }
    }

    /// Reads texts, unless they were read just now.
    fn read_texts(&self, ids: Vec<i64>) {
        let (options, messages) = (self.options.clone(), self.messages.clone());
        let next = Arc::clone(&self.texts);
        {
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            if Instant::now() < *next {
                return;
            }
            *next = Instant::now() + BETWEEN_TEXTS;
        }
        tokio::spawn(async move {
            let start = Instant::now();
            let read = texts(&options, &ids).await;
            let message =
                read.map_or_else(|failure| Message::NoTexts(told(&failure)), Message::Texts);
            let pause = BETWEEN_TEXTS.max(start.elapsed() * TEXTS_SHARE);
            *next.lock().unwrap_or_else(PoisonError::into_inner) = start + pause;
            let _ = messages.send(message);
        });
    }
}

/// Does it in a thread of its own: choosing indexes is work for a processor, and the screen must not wait for it.
fn aside(messages: UnboundedSender<Message>, work: impl AsyncFnOnce() -> Message + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let message = match runtime {
            Ok(runtime) => runtime.block_on(work()),
            Err(error) => Message::Told(format!("cannot start: {error}")),
        };
        let _ = messages.send(message);
    });
}

/// What failed and what to try, in one line.
fn told(failure: &Failure) -> String {
    failure.to_string().replace('\n', " ")
}

async fn open(options: &ConnectOptions) -> Result<Connection, Failure> {
    load::connect_quietly(options).await
}

async fn texts(
    options: &ConnectOptions,
    ids: &[i64],
) -> Result<std::collections::HashMap<i64, String>, Failure> {
    let connection = open(options).await?;
    prepare(&connection).await?;
    let ticker = Ticker::new(&connection, Wants::NOTHING).await?;
    let texts = ticker.texts(ids).await;
    connection.close().await;
    Ok(texts?)
}

async fn explain(
    options: &ConnectOptions,
    planner: PlannerChoice,
    analyze: Option<GateArgs>,
    text: String,
    width: usize,
) -> Result<Page, Failure> {
    let connection = open(options).await?;
    let snapshot = load::collected(&connection, false, false).await?;
    let args = ExplainArgs::of_statement(planner, analyze);
    let style = Style {
        width,
        ..Style::default()
    };
    let page = explain_text(&args, &connection, &snapshot, text, style).await;
    connection.close().await;
    page
}

async fn advise(options: &ConnectOptions, planner: PlannerChoice) -> Result<Vec<Advice>, Failure> {
    let connection = open(options).await?;
    let snapshot = load::collected(&connection, true, false).await?;
    let wanted = AdviceOptions {
        planner,
        deadline: Deadline::after(ADVISING),
        quiet: true,
        ..AdviceOptions::default()
    };
    let report = advice(&snapshot, Some(&connection), &wanted).await;
    connection.close().await;
    let report = report?;
    let findings = confirmed(of_database(&snapshot), Some(&report.recommendations));
    let told = findings
        .iter()
        .filter(|f| !is_told(f, &report.recommendations));
    let mut all: Vec<Advice> = report.recommendations.iter().map(one).collect();
    all.extend(told.map(found));
    Ok(all)
}

/// Whether the advice has the same statements.
fn is_told(finding: &Finding, advice: &[Recommendation]) -> bool {
    let changes = &finding.fix.changes;
    let has = |change| advice.iter().any(|r| r.changes.contains(change));
    !changes.is_empty() && changes.iter().all(has)
}

fn ddl(changes: &[Change]) -> String {
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Something that a rule found.
fn found(finding: &Finding) -> Advice {
    let mut reasons = finding.evidence.clone();
    reasons.push(finding.fix.advice.clone());
    Advice {
        action: "look".to_owned(),
        object: finding.object.clone(),
        priority: finding.severity.name().to_owned(),
        what: finding.title.clone(),
        ddl: ddl(&finding.fix.changes),
        reasons,
        ..Advice::default()
    }
}

fn one(recommendation: &Recommendation) -> Advice {
    let helps = !recommendation.statements.is_empty();
    Advice {
        action: word(recommendation.action).to_owned(),
        object: recommendation.definition.table.to_string(),
        what: if recommendation.index.name.is_empty() {
            recommendation.reason.clone()
        } else {
            format!("index {}", recommendation.index)
        },
        priority: recommendation.priority.to_string(),
        saves_ms_per_day: recommendation.benefit.ms_per_day_saved,
        saves_share: helps.then_some(recommendation.benefit.load_share_saved),
        size_bytes: Some(recommendation.net_size_bytes()),
        confidence: sure(recommendation.confidence).to_owned(),
        ddl: ddl(&recommendation.changes),
        reasons: vec![
            recommendation.reason.clone(),
            recommendation.priority_reason.clone(),
            recommendation.confidence_reason.clone(),
            recommendation.effort.clone(),
            recommendation.risk.clone(),
        ],
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Replace => "replace",
        Action::Drop => "drop",
        Action::Reindex => "reindex",
        Action::Analyze => "analyze",
        Action::Statistics => "stats",
        Action::Set => "set",
    }
}

fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

async fn send_signal(
    options: &ConnectOptions,
    pid: i32,
    backend_start: &str,
    terminate: bool,
) -> Result<String, Failure> {
    let connection = open(options).await?;
    let sent = signal(&connection, pid, backend_start, terminate).await;
    connection.close().await;
    let what = if terminate { "terminate" } else { "cancel" };
    Ok(match sent? {
        Some(true) => format!("asked the server to {what} session {pid}"),
        Some(false) => format!("the server did not {what} session {pid}"),
        None => format!("session {pid} is gone, nothing was done"),
    })
}

/// Writes a file that is not there yet; the name, or why not.
fn save(kind: &str, text: &str) -> Result<String, String> {
    for number in 1..1000 {
        let name = format!("pgperf-{number}.{kind}");
        let file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .open(&name);
        match file {
            Ok(mut file) => {
                use std::io::Write as _;
                let written = file.write_all(text.as_bytes());
                return written
                    .map(|()| format!("saved to {name}"))
                    .map_err(|error| format!("{name}: {error}"));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    Err("there are a thousand saved files here already".to_owned())
}
