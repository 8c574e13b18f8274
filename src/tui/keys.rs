//! The one table of keys: what they do, the help and the footer are made from it.

use std::fmt;

/// A key as the terminal tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, upper case with Shift.
    Char(char),
    /// With Ctrl.
    Ctrl(char),
    /// Function key.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("^{}", c.to_ascii_uppercase()),
            Self::F(number) => format!("F{number}"),
            Self::Enter => "Enter".to_owned(),
            Self::Esc => "Esc".to_owned(),
            Self::Tab => "Tab".to_owned(),
            Self::BackTab => "S-Tab".to_owned(),
            Self::Backspace => "Bksp".to_owned(),
            Self::Up => "↑".to_owned(),
            Self::Down => "↓".to_owned(),
            Self::Left => "←".to_owned(),
            Self::Right => "→".to_owned(),
            Self::PageUp => "PgUp".to_owned(),
            Self::PageDown => "PgDn".to_owned(),
            Self::Home => "Home".to_owned(),
            Self::End => "End".to_owned(),
        };
        f.write_str(&text)
    }
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// Close what lies above, then the filter; never leaves.
    Back,
    /// Show what keys do.
    Help,
    /// Show the screen of that number.
    Screen(u8),
    /// The next screen.
    NextScreen,
    /// The one before.
    PreviousScreen,
    /// Move the cursor or scroll by a line: down, or up if negative.
    Move(i32),
    /// By a page.
    Page(i32),
    /// To the first or the last line.
    Edge(i32),
    /// Scroll the columns.
    Sideways(i32),
    /// Minutes of a recording.
    Time(i32),
    /// Show all of the row.
    Detail,
    /// Type a filter.
    Filter,
    /// Only rows with this row's user.
    SameUser,
    /// Only rows of this row's database.
    SameDatabase,
    /// Sort by the next column, or the one before.
    SortBy(i32),
    /// Turn the order.
    Reverse,
    /// Choose columns.
    Columns,
    /// Stop the picture.
    Pause,
    /// Look more often, or less.
    Interval(i32),
    /// Per interval, since the start, since the counters' own start.
    Mode,
    /// Count from here.
    Rebase,
    /// Show idle sessions and background processes.
    Idle,
    /// Plan the statement, and advise.
    Explain,
    /// Execute it behind the gate.
    Analyze,
    /// Copy what the row is about.
    Copy,
    /// Copy the DDL.
    CopyDdl,
    /// Save the page or the DDL.
    Save,
    /// Cancel the session's statement.
    Cancel,
    /// Terminate the session.
    Terminate,
    /// Other colours.
    Theme,
    /// What could not be read, and what happened.
    Messages,
    /// Take the mouse, or leave it to the terminal.
    Mouse,
    /// Draw all of it anew.
    Redraw,
    /// Stop the program, as shells do.
    Suspend,
}

/// A line of the table.
#[derive(Debug)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// The keys that do it.
    pub keys: &'static [Key],
    /// What it does, for the help.
    pub help: &'static str,
    /// The word in the footer, for what is used most.
    pub footer: Option<&'static str>,
}

const fn bind(action: Action, keys: &'static [Key], help: &'static str) -> Binding {
    Binding {
        action,
        keys,
        help,
        footer: None,
    }
}

impl Binding {
    const fn footer(mut self, word: &'static str) -> Self {
        self.footer = Some(word);
        self
    }
}

/// All of them, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    bind(Action::Detail, &[Key::Enter], "all about the selected row").footer("detail"),
    bind(
        Action::Explain,
        &[Key::Char('e'), Key::Char('a')],
        "plan of the statement, findings and index advice; nothing is executed",
    )
    .footer("explain"),
    bind(
        Action::Analyze,
        &[Key::Char('E')],
        "execute it, if it is proven to read only (--allow-analyze)",
    ),
    bind(
        Action::Filter,
        &[Key::Char('/')],
        "show only some rows: a word, db:shop, user:app, mean>10",
    )
    .footer("filter"),
    bind(
        Action::SameUser,
        &[Key::Char('u')],
        "only rows with this row's user",
    ),
    bind(
        Action::SameDatabase,
        &[Key::Char('d')],
        "only rows of this row's database",
    ),
    bind(
        Action::SortBy(1),
        &[Key::Char('>'), Key::Char('s')],
        "sort by the next column",
    )
    .footer("sort"),
    bind(
        Action::SortBy(-1),
        &[Key::Char('<')],
        "sort by the column before",
    ),
    bind(Action::Reverse, &[Key::Char('r')], "turn the order"),
    bind(Action::Columns, &[Key::Char('c')], "choose columns"),
    bind(
        Action::Mode,
        &[Key::Char('m')],
        "amounts of the last interval, since the start, or since the server's last reset",
    )
    .footer("mode"),
    bind(
        Action::Rebase,
        &[Key::Char('x')],
        "count \"since the start\" from now on; nothing is reset on the server",
    ),
    bind(
        Action::Pause,
        &[Key::Char(' ')],
        "stop the picture; counting goes on",
    )
    .footer("pause"),
    bind(Action::Interval(1), &[Key::Char('+')], "look less often"),
    bind(Action::Interval(-1), &[Key::Char('-')], "look more often"),
    bind(
        Action::Idle,
        &[Key::Char('i')],
        "show idle sessions and background processes",
    ),
    bind(
        Action::Copy,
        &[Key::Char('y')],
        "copy the statement or name (OSC 52)",
    ),
    bind(
        Action::CopyDdl,
        &[Key::Char('Y')],
        "copy the DDL of the advice",
    ),
    bind(
        Action::Save,
        &[Key::Char('w')],
        "save the DDL of the advice, or what is shown, to a file",
    ),
    bind(
        Action::Cancel,
        &[Key::Char('C')],
        "cancel the session's statement, after asking",
    )
    .footer("cancel"),
    bind(
        Action::Terminate,
        &[Key::Char('K')],
        "terminate the session, after asking",
    ),
    bind(Action::Move(-1), &[Key::Up, Key::Char('k')], "up"),
    bind(Action::Move(1), &[Key::Down, Key::Char('j')], "down"),
    bind(
        Action::Page(-1),
        &[Key::PageUp, Key::Ctrl('u'), Key::Ctrl('b')],
        "a page up",
    ),
    bind(
        Action::Page(1),
        &[Key::PageDown, Key::Ctrl('d'), Key::Ctrl('f')],
        "a page down",
    ),
    bind(Action::Edge(-1), &[Key::Home, Key::Char('g')], "first row"),
    bind(Action::Edge(1), &[Key::End, Key::Char('G')], "last row"),
    bind(
        Action::Sideways(-1),
        &[Key::Left, Key::Char('h')],
        "columns to the left",
    ),
    bind(
        Action::Sideways(1),
        &[Key::Right, Key::Char('l')],
        "columns to the right",
    ),
    bind(
        Action::Time(-1),
        &[Key::Char('[')],
        "of a recording: a minute back; ← and → go by samples",
    ),
    bind(Action::Time(1), &[Key::Char(']')], "a minute on"),
    bind(Action::Time(-10), &[Key::Char('{')], "ten minutes back"),
    bind(Action::Time(10), &[Key::Char('}')], "ten minutes on"),
    bind(Action::Screen(1), &[Key::Char('1')], "Queries"),
    bind(Action::Screen(2), &[Key::Char('2')], "Activity"),
    bind(Action::Screen(3), &[Key::Char('3')], "Locks"),
    bind(Action::Screen(4), &[Key::Char('4')], "Tables"),
    bind(Action::Screen(5), &[Key::Char('5')], "Indexes"),
    bind(Action::Screen(6), &[Key::Char('6')], "I/O and WAL"),
    bind(Action::Screen(7), &[Key::Char('7')], "Progress"),
    bind(Action::Screen(8), &[Key::Char('8')], "Advice"),
    bind(
        Action::Screen(9),
        &[Key::Char('9')],
        "Databases and replication",
    ),
    bind(Action::NextScreen, &[Key::Tab], "the next screen"),
    bind(Action::PreviousScreen, &[Key::BackTab], "the screen before"),
    bind(Action::Theme, &[Key::Char('t')], "other colours"),
    bind(
        Action::Messages,
        &[Key::Char('!')],
        "what could not be read, and what happened",
    ),
    bind(
        Action::Mouse,
        &[Key::Char('M')],
        "take the mouse (tabs, heads, rows, wheel), or leave it to the terminal",
    ),
    bind(Action::Redraw, &[Key::Ctrl('l')], "draw all of it anew"),
    bind(
        Action::Suspend,
        &[Key::Ctrl('z')],
        "stop the program; fg goes on",
    ),
    bind(Action::Back, &[Key::Esc], "close this, or clear the filter"),
    bind(Action::Help, &[Key::Char('?'), Key::F(1)], "these keys").footer("help"),
    bind(Action::Quit, &[Key::Char('q'), Key::Ctrl('c')], "leave").footer("quit"),
];

/// What a key does.
#[must_use]
pub fn action(key: Key) -> Option<Action> {
    let bound = BINDINGS.iter().find(|binding| binding.keys.contains(&key));
    bound.map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut seen = Vec::new();
        for binding in BINDINGS {
            for key in binding.keys {
                assert!(!seen.contains(key), "{key} is bound twice");
                seen.push(*key);
            }
        }
        assert_eq!(action(Key::Char('q')), Some(Action::Quit));
        assert_eq!(action(Key::Char('Q')), None);
    }
}
