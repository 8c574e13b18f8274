//! STATE → FRAME: `pgperf top` without a terminal, a server or a clock.
//!
//! [`App`](app::App) is everything that is shown. [`update`](update::update) takes a [`Message`](message::Message) and gives what is
//! to be done outside of it as [`Effect`](message::Effect)s; [`view`](view::view) draws. A [`Screen`](screens::Screen) makes rows of
//! what was sampled: its columns say how they are written, sorted, filtered and explained, so that the terminal, `--batch` and the
//! help show the same. One screen = one file in `screens/` and one line in [`screens::SCREENS`].

pub mod app;
pub mod column;
pub mod filter;
pub mod keys;
pub mod message;
pub mod print;
pub mod screens;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod theme;
pub mod tracks;
pub mod update;
pub mod view;
