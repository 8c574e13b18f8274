//! The terminal: taken and given back, whatever happens; keys from it, frames to it.

use std::io::{Write as _, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{
    self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::mpsc::UnboundedSender;

use super::super::{Exit, Failure};
use crate::tui::app::App;
use crate::tui::keys::Key;
use crate::tui::message::Message;
use crate::tui::view::view;

/// A panic anywhere gives the terminal back at once; the loop must not draw over its message.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Whether something panicked since the terminal was taken.
pub(super) fn has_panicked() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

/// The terminal, as long as it is ours.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<std::io::Stdout>>,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("the terminal: {error}"))
        .hint("--once prints a sample without a terminal")
}

/// Takes the terminal.
fn take() -> std::io::Result<()> {
    enable_raw_mode()?;
    execute!(
        stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        Clear(ClearType::All)
    )
}

/// Gives it back as it was.
fn give_back() {
    let _ = execute!(
        stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
}

impl Screen {
    /// Takes the terminal, and sends its keys.
    pub(super) fn open(messages: UnboundedSender<Message>) -> Result<Self, Failure> {
        // NO_COLOR is seen to by the theme; crossterm would turn attributes off with it.
        crossterm::style::force_color_output(true);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::Relaxed);
            give_back();
            before(panic);
        }));
        take().map_err(failed)?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout())).map_err(|error| {
            give_back();
            failed(error)
        })?;
        thread::spawn(move || read_keys(&messages));
        Ok(Self { terminal })
    }

    /// Its size now.
    pub(super) fn size() -> (u16, u16) {
        size().unwrap_or((80, 24))
    }

    /// Shows the application.
    pub(super) fn draw(&mut self, app: &App) -> Result<(), Failure> {
        if has_panicked() {
            return Ok(());
        }
        let (width, height) = Self::size();
        let drawn = self.terminal.current_buffer_mut().area;
        if (drawn.width, drawn.height) != (width, height) {
            // Not Terminal::resize: that asks the terminal where its cursor is, and waits for the answer.
            self.renew()?;
        }
        self.terminal
            .draw(|frame| view(app, frame))
            .map_err(failed)?;
        Ok(())
    }

    /// Draws everything anew the next time.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        execute!(stdout(), Clear(ClearType::All)).map_err(failed)?;
        self.terminal = Terminal::new(CrosstermBackend::new(stdout())).map_err(failed)?;
        Ok(())
    }

    /// Stops the program until somebody lets it go on.
    pub(super) fn suspend(&mut self) -> Result<(), Failure> {
        give_back();
        let group = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
        take().map_err(failed)?;
        group.map_err(failed)?;
        self.renew()
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub(super) fn take_mouse(is_ours: bool) -> Result<(), Failure> {
        let done = if is_ours {
            execute!(stdout(), EnableMouseCapture)
        } else {
            execute!(stdout(), DisableMouseCapture)
        };
        done.map_err(failed)
    }

    /// Puts a text into the clipboard, if the terminal lets us (OSC 52).
    pub(super) fn copy(text: &str) -> Result<(), Failure> {
        execute!(stdout(), CopyToClipboard::to_clipboard_from(text)).map_err(failed)?;
        stdout().flush().map_err(failed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !has_panicked() {
            give_back();
        }
    }
}

/// Sends keys until nobody wants them.
fn read_keys(messages: &UnboundedSender<Message>) {
    while let Ok(event) = event::read() {
        let message = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key).map(Message::Key),
            Event::Resize(width, height) => Some(Message::Resize(width, height)),
            Event::Paste(text) => Some(Message::Paste(text)),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => {
                    Some(Message::Click(mouse.column, mouse.row))
                }
                MouseEventKind::ScrollDown => Some(Message::Wheel(3)),
                MouseEventKind::ScrollUp => Some(Message::Wheel(-3)),
                _ => None,
            },
            _ => None,
        };
        if let Some(message) = message
            && messages.send(message).is_err()
        {
            return;
        }
    }
}

fn of_key(key: KeyEvent) -> Option<Key> {
    let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char(c) if is_ctrl => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::F(number) => Key::F(number),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
