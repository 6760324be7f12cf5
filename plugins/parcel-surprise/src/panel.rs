//! What a customer sees: a word about the last gift, once its parcel has arrived. Never before.

use regulars_sdk::{
    Context, Result,
    panel::{Block, View},
};

use crate::{people, texts};

/// How long it is spoken of.
const SHOWN_DAYS: u64 = 60;

pub fn render(view: &View, cx: &mut Context) -> Result<Vec<Block>> {
    let Some(customer) = view.customer_id.as_deref().filter(|_| view.kind == "panel") else { return Ok(Vec::new()) };
    let told = people::get(cx, customer)?.and_then(|person| person.told);
    let now = cx.now();
    let Some(told) = told.filter(|it| it.from <= now && now < it.from.plus_days(SHOWN_DAYS)) else {
        return Ok(Vec::new());
    };
    let texts = texts::of(&view.locale);
    let text = texts.text.replace("{gift}", &told.title).replace("{order}", &told.order);
    Ok(vec![Block::heading(texts.heading), Block::text(text)])
}
