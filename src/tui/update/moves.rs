//! Moving: between screens, rows, columns and orders.

use super::{collect, missing_texts};
use crate::tui::app::{Advised, App, Layer};
use crate::tui::keys::BINDINGS;
use crate::tui::message::Effect;
use crate::tui::screens::SCREENS;
use crate::tui::view::{Hit, hit};

/// Shows a screen.
pub(super) fn to_screen(app: &mut App, number: usize) -> Vec<Effect> {
    if number >= SCREENS.len() {
        return Vec::new();
    }
    app.layers.clear();
    app.screen = number;
    app.paused = None;
    app.regrid();
    let mut effects = vec![collect(app)];
    if SCREENS[number].name == "advice" && app.advised == Advised::Unasked {
        effects.extend(super::acts::advise(app));
    }
    effects.extend(missing_texts(app));
    effects
}

/// Shows the next one, or the one before.
pub(super) fn turn_screen(app: &mut App, by: isize) -> Vec<Effect> {
    let count = SCREENS.len().cast_signed();
    let next = (app.screen.cast_signed() + by).rem_euclid(count);
    to_screen(app, next.cast_unsigned())
}

/// Moves the cursor, or scrolls what lies above.
pub(super) fn by(app: &mut App, by: i32) -> Vec<Effect> {
    let moved = |at: usize, last: usize| {
        let to = i64::try_from(at).unwrap_or(0) + i64::from(by);
        usize::try_from(to.max(0)).unwrap_or(0).min(last)
    };
    let columns = app.screen().columns.len();
    let lines = crate::tui::view::lines_above(app);
    let room = usize::from(app.size.1);
    match app.layers.last_mut() {
        Some(Layer::Help(top)) => *top = moved(*top, BINDINGS.len()),
        Some(Layer::Messages(top) | Layer::Detail(_, top)) => {
            *top = moved(*top, (lines + 3).saturating_sub(room));
        }
        Some(Layer::Columns(cursor)) => *cursor = moved(*cursor, columns.saturating_sub(1)),
        Some(Layer::Input(_) | Layer::Confirm { .. }) => {}
        None => {
            let last = app.grid.rows.len().saturating_sub(1);
            let cursor = moved(app.look().cursor, last);
            let key = app.grid.rows.get(cursor).map(|row| row.key.clone());
            let look = app.look_mut();
            look.cursor = cursor;
            look.moved = true;
            look.selected = key;
            app.settle();
            return missing_texts(app);
        }
    }
    Vec::new()
}

/// Scrolls the columns.
pub(super) fn sideways(app: &mut App, by: i32) -> Vec<Effect> {
    let most = app.columns().len().saturating_sub(app.screen().frozen + 1);
    let look = app.look_mut();
    let step = usize::try_from(by.unsigned_abs()).unwrap_or(1);
    look.sideways = if by < 0 {
        look.sideways.saturating_sub(step)
    } else {
        (look.sideways + step).min(most)
    };
    Vec::new()
}

/// Sorts by another column.
pub(super) fn sort_by(app: &mut App, by: i32) -> Vec<Effect> {
    let columns: Vec<usize> = app.columns().into_iter().map(|(at, _)| at).collect();
    if columns.is_empty() {
        return Vec::new();
    }
    let look = app.look();
    let place = look
        .sort
        .and_then(|sort| columns.iter().position(|at| *at == sort));
    let count = i64::try_from(columns.len()).unwrap_or(1);
    let next = match place {
        Some(place) => (i64::try_from(place).unwrap_or(0) + i64::from(by)).rem_euclid(count),
        None => 0,
    };
    let sort = columns[usize::try_from(next).unwrap_or(0)];
    let is_amount = app.screen().columns[sort].is_right();
    let look = app.look_mut();
    look.sort = Some(sort);
    // Amounts are looked at from the largest, names from A.
    look.descending = is_amount;
    app.regrid();
    missing_texts(app)
}

/// A press of the mouse: a tab shows its screen, a head sorts, a row gets the cursor, and the row of the cursor is opened.
pub(super) fn click(app: &mut App, x: u16, y: u16) -> Vec<Effect> {
    match hit(app, x, y) {
        Some(Hit::Tab(number)) => to_screen(app, number),
        Some(Hit::Head(column)) => {
            let is_amount = app.screen().columns[column].is_right();
            let look = app.look_mut();
            look.descending = if look.sort == Some(column) {
                !look.descending
            } else {
                is_amount
            };
            look.sort = Some(column);
            app.regrid();
            missing_texts(app)
        }
        Some(Hit::Row(row)) if row == app.look().cursor && app.look().moved => {
            super::acts::detail(app)
        }
        Some(Hit::Row(row)) => {
            let from = i32::try_from(app.look().cursor).unwrap_or(0);
            by(app, i32::try_from(row).unwrap_or(0) - from)
        }
        None => Vec::new(),
    }
}
