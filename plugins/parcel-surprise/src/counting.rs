//! The merchant's own counts of the stock: by the settings, and piece by piece.

use regulars_sdk::{Action, Context, Event, Result, TaskAnswer};
use serde::Deserialize;

use crate::{asked, draw, settings::Settings, stock};

/// New settings: what has been counted anew, and what in them cannot work.
pub fn published(cx: &mut Context) -> Result {
    let settings: Settings = cx.settings()?;
    draw::seed(cx)?;
    let mut left = Vec::new();
    for gift in &settings.gifts {
        let stock = stock::of(cx, gift)?;
        stock::set(cx, &gift.id, stock)?;
        stock::settle_task(cx, &settings, &gift.id, stock);
        left.push((gift.title.as_str(), stock.left.to_string()));
    }
    // A note holds some thousand characters; the list of gifts may be longer.
    let fields: Vec<_> = left.iter().take(20).map(|(title, left)| (*title, left.as_str())).collect();
    cx.note("Pieces left of each gift", &fields)?;
    for problem in settings.problems(cx.store().currency).iter().take(20) {
        cx.note("A setting cannot work", &[("because", problem)])?;
    }
    Ok(())
}

/// The input of the merchant's action `restock`.
#[derive(Deserialize)]
struct Restock {
    gift: String,
    pieces: u32,
}

/// Pieces that have come in. Each event counts once, also if it is replayed.
pub fn restock(event: &Event, cx: &mut Context, action: &Action) -> Result {
    let Some(Restock { gift, pieces }) = asked(action).filter(|it| it.pieces > 0) else {
        return Ok(cx.note("Nothing added: name the gift and the number of pieces", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let Some(gift) = settings.gift(&gift) else {
        return Ok(cx.note("Nothing added: there is no such gift", &[("gift", &gift)])?);
    };
    if asked::was_done(event, cx)? {
        return Ok(cx.note("Nothing added: that was done before", &[("gift", &gift.title)])?);
    }
    asked::is_done(event, cx)?;
    let before = stock::of(cx, gift)?;
    let after = stock::Stock { left: before.left.saturating_add(pieces), ..before };
    stock::set(cx, &gift.id, after)?;
    stock::settle_task(cx, &settings, &gift.id, after);
    let [pieces, left] = [pieces, after.left].map(|it| it.to_string());
    Ok(cx.note("Pieces added", &[("gift", &gift.title), ("pieces", &pieces), ("pieces left", &left)])?)
}

/// The action's input, or the answer to a task about a gift that runs low, with the number of pieces as its reason.
fn asked(action: &Action) -> Option<Restock> {
    if let Ok(restock) = action.input() {
        return Some(restock);
    }
    let TaskAnswer { task, reason } = action.input().ok()?;
    Some(Restock { gift: stock::gift_of_task(&task)?.into(), pieces: reason.trim().parse().ok()? })
}
