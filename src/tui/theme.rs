//! Colours: the terminal's own sixteen, so that they suit its background. Nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

use crate::tui::column::Level;
use crate::tui::tracks::Class;

/// A set of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Colours.
    Default,
    /// Bold, reverse and underline only.
    Mono,
    /// Strong contrasts.
    Contrast,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Ordinary text.
    Plain,
    /// Names beside values, and lines.
    Faint,
    /// A title.
    Title,
    /// The tab that is shown, and the cursor.
    Selected,
    /// The head of a column.
    Head,
    /// The head of the column that is sorted by.
    Sorted,
    /// A key in the footer.
    Key,
    /// SQL's words.
    Keyword,
    /// A text or number in SQL.
    Literal,
    /// What asks for attention.
    At(Level),
    /// Active sessions of a wait class.
    Load(Class),
    /// Everything, while the connection is lost.
    Dimmed,
}

impl Theme {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Default => Self::Contrast,
            Self::Contrast => Self::Mono,
            Self::Mono => Self::Default,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Mono => "mono",
            Self::Contrast => "contrast",
        }
    }

    /// How a part looks.
    #[must_use]
    pub fn style(self, part: Part) -> Style {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let coloured = self != Self::Mono;
        let of = |color: Color, otherwise: Style| {
            if coloured { plain.fg(color) } else { otherwise }
        };
        match part {
            Part::Faint if self == Self::Default => plain.fg(Color::DarkGray),
            Part::Plain | Part::Faint | Part::At(Level::Calm) => plain,
            Part::Title => bold,
            Part::Selected => plain.add_modifier(Modifier::REVERSED),
            Part::Head => plain.add_modifier(Modifier::UNDERLINED),
            Part::Key => of(Color::Cyan, bold),
            Part::Keyword => of(Color::Blue, bold),
            Part::Literal | Part::Load(Class::Cpu) => of(Color::Green, plain),
            Part::At(Level::Warn) => of(Color::Yellow, bold),
            Part::At(Level::Alarm) if coloured => bold.fg(Color::Red),
            Part::Sorted | Part::At(Level::Alarm) => bold.add_modifier(Modifier::UNDERLINED),
            Part::Load(Class::Io) => of(Color::Blue, plain),
            Part::Load(Class::Lock) => of(Color::Red, bold),
            Part::Load(Class::Other) => of(Color::Yellow, plain),
            Part::Dimmed => plain.add_modifier(Modifier::DIM),
        }
    }
}
