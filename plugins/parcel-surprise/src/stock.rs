//! How many pieces of each gift there are: the merchant's count less what has been given since.
//!
//! A changed figure in the settings is a new count. It replaces what was left, whichever event comes first after it; a
//! piece that was taken under an earlier count does not come back to a later one, which may have counted it.

use regulars_sdk::{Context, Refusal, Result, Task, key};
use serde::{Deserialize, Serialize};

use crate::settings::{Gift, Settings};

/// `stock/<gift>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The merchant's figure.
    pub figure: u32,
    /// The version of the settings that brought it.
    pub counted_in: u32,
    pub left: u32,
}

/// The count as it stands, after the settings' figure if that has changed.
pub fn of(cx: &mut Context, gift: &Gift) -> Result<Stock> {
    let known = cx.state().get::<Stock>(&stock_key(&gift.id))?;
    let counted_anew = || Stock { figure: gift.stock, counted_in: cx.settings_version(), left: gift.stock };
    Ok(known.filter(|it| it.figure == gift.stock).unwrap_or_else(counted_anew))
}

pub fn set(cx: &mut Context, gift_id: &str, stock: Stock) -> Result {
    Ok(cx.state().set(&stock_key(gift_id), &stock)?)
}

/// Takes one piece and tells the merchant if few are left. `None` if there is none to take.
pub fn take(cx: &mut Context, settings: &Settings, gift: &Gift) -> Result<Option<Stock>> {
    let before = of(cx, gift)?;
    let Some(left) = before.left.checked_sub(1) else { return Ok(None) };
    let after = Stock { left, ..before };
    set(cx, &gift.id, after)?;
    let runs_low = before.left > settings.low_stock && left <= settings.low_stock;
    if runs_low || left == 0 {
        tell(cx, gift, left)?;
    }
    Ok(Some(after))
}

/// Puts a piece back that was taken under the count `counted_in`. False if that count has been replaced since.
pub fn put_back(cx: &mut Context, gift_id: &str, counted_in: u32) -> Result<bool> {
    let Some(stock) = cx.state().get::<Stock>(&stock_key(gift_id))? else { return Ok(false) };
    if stock.counted_in != counted_in {
        return Ok(false);
    }
    set(cx, gift_id, Stock { left: stock.left.saturating_add(1), ..stock })?;
    Ok(true)
}

fn tell(cx: &mut Context, gift: &Gift, left: u32) -> Result {
    let title = match left {
        0 => format!("The gift {} has run out", gift.title),
        _ => format!("The gift {} is running low", gift.title),
    };
    let task = Task::new(task_key(&gift.id), title)
        .detail("Pieces left", left.to_string())
        .choice("restock", "Add the number of pieces that I write");
    match cx.open_task(task) {
        // Gifts do not depend on whether the merchant wants to be asked.
        Ok(()) => Ok(()),
        Err(Refusal::NotGranted | Refusal::Other(_)) => {
            Ok(cx.note("The gift runs low, and the plugin may not open a task", &[("gift", &gift.title)])?)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Takes the question back once there is enough.
pub fn settle_task(cx: &mut Context, settings: &Settings, gift_id: &str, stock: Stock) {
    if stock.left > settings.low_stock {
        cx.close_task(&task_key(gift_id));
    }
}

const TASK: &str = "low";

pub fn task_key(gift_id: &str) -> String {
    key(&[TASK, gift_id])
}

/// The gift that a task of ours is about.
pub fn gift_of_task(task: &str) -> Option<&str> {
    task.strip_prefix(TASK)?.strip_prefix('/')
}

pub fn stock_key(gift_id: &str) -> String {
    key(&["stock", gift_id])
}
