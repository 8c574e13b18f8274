//! Goes through a recording. Samples build on those before them; so that a step back does not begin at the first one, what was known
//! is marked now and then.

use super::Line;
use super::parts::Parts;
use crate::model::sample::Sample;
use crate::tui::app::App;
use crate::tui::message::Message;
use crate::tui::text::clock;
use crate::tui::tracks::Tracks;
use crate::tui::update::update;

/// Samples between marks, at first.
const SPACING: usize = 32;

/// Most marks: when there are more, every other one goes, and they stand twice as far apart. A mark of a server with 5,000 statements
/// and 2,000 tables takes some megabytes.
const MARKS: usize = 24;

/// All that was known at a sample.
#[derive(Debug)]
struct Mark {
    at: usize,
    tracks: Tracks,
    sample: Option<Sample>,
    events: Vec<(f64, String)>,
    parts: Parts,
}

/// Which sample is shown.
pub(super) struct Player<'l> {
    lines: &'l [Line],
    pub(super) at: usize,
    /// All there is at that time.
    parts: Parts,
    marks: Vec<Mark>,
    spacing: usize,
}

impl<'l> Player<'l> {
    /// Shows the first one.
    pub(super) fn new(app: &mut App, lines: &'l [Line]) -> Self {
        let mut player = Self {
            lines,
            at: 0,
            parts: Parts::new(),
            marks: Vec::new(),
            spacing: SPACING,
        };
        player.take(app);
        player.mark(app);
        player.show(app);
        player
    }

    /// Shows that one.
    pub(super) fn go(&mut self, app: &mut App, to: usize) {
        self.start(app, to);
        while self.at < to {
            self.at += 1;
            self.take(app);
            let last = self.marks.last().map_or(0, |mark| mark.at);
            if self.at >= last + self.spacing {
                self.mark(app);
            }
        }
        self.show(app);
    }

    /// Goes to the mark from which it is the shortest way.
    fn start(&mut self, app: &mut App, to: usize) {
        let mut before = self.marks.iter().rev();
        let Some(mark) = before.find(|mark| mark.at <= to) else {
            return;
        };
        if to >= self.at && mark.at <= self.at {
            return;
        }
        app.tracks = mark.tracks.clone();
        app.sample.clone_from(&mark.sample);
        app.events.clone_from(&mark.events);
        self.parts = mark.parts.clone();
        self.at = mark.at;
    }

    fn mark(&mut self, app: &App) {
        self.marks.push(Mark {
            at: self.at,
            tracks: app.tracks.clone(),
            sample: app.sample.clone(),
            events: app.events.clone(),
            parts: self.parts.clone(),
        });
        if self.marks.len() > MARKS {
            self.spacing *= 2;
            let mut nth = 0;
            self.marks.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
        }
    }

    /// Takes the sample that is shown, with all its statements.
    fn take(&mut self, app: &mut App) {
        let line = &self.lines[self.at];
        let mut sample = line.sample.clone();
        self.parts.fill(&mut sample, &line.gone);
        // The rows are made when the last one is there.
        app.paused = Some(0.0);
        update(app, Message::Sample(Box::new(sample)));
    }

    fn show(&self, app: &mut App) {
        app.paused = None;
        app.regrid();
        let (number, count) = (self.at + 1, self.lines.len());
        let at = clock(self.lines[self.at].sample.pulse.at);
        let place = format!("sample {number} of {count}, {at}; ← → one, [ ] a minute, {{ }} ten");
        app.told = Some((place, f64::INFINITY));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::recording::parts::Gone;
    use crate::tui::app::Options;
    use crate::tui::testing::{START, sample};

    /// What is seen after going there by these steps.
    fn seen(lines: &[Line], steps: &[usize]) -> (f64, Vec<(f64, String)>, usize, String) {
        let mut app = App::new(Options::default(), START, (120, 40));
        let mut player = Player::new(&mut app, lines);
        for step in steps {
            player.go(&mut app, *step);
        }
        assert!(player.marks.len() <= MARKS);
        let page = crate::tui::print::text(&app, None);
        let waits = app.tracks.waits.len();
        (app.tracks.statements.age(), app.events, waits, page)
    }

    #[test]
    fn the_way_does_not_matter() {
        let mut writer = Parts::new();
        let line = |ticks: u32| {
            let mut sample = sample(f64::from(ticks));
            if ticks == 40 {
                // Somebody resets the statistics meanwhile.
                if let crate::model::sample::Panel::Read(read) = &mut sample.statements {
                    read.reset = Some(START + 80.0);
                }
            }
            let gone: Gone = writer.strip(&mut sample);
            Line {
                sample,
                gone,
                ..Line::default()
            }
        };
        let lines: Vec<Line> = (0..1700).map(line).collect();
        for to in [0, 1, 39, 41, 64, 700, 1699] {
            let straight = seen(&lines, &[to]);
            for way in [&[1699, to][..], &[to, 0, to], &[50, 1000, 3, to]] {
                assert_eq!(seen(&lines, way), straight, "{way:?}");
            }
        }
    }
}
